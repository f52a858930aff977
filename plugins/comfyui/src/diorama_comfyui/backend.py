"""The backend: hooks on one side, ComfyUI servers on the other."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    AnyRequest,
    Artifact,
    Backend,
    BackendError,
    BackendNotReady,
    BackendSettings,
    BaseContext,
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    JobContext,
    ListContext,
    ModelInfo,
    NotFound,
    Operation,
    OperationNotSupported,
    Result,
    UnknownModel,
    UpscaleRequest,
    VideoRequest,
    hookimpl,
)

from diorama_comfyui.catalog import Lister
from diorama_comfyui.models.checkpoints import LOADER, LOADER_INPUT, PREFIX, Checkpoint, kind_of
from diorama_comfyui.models.store import WorkflowRecord, WorkflowStore
from diorama_comfyui.options import read_options
from diorama_comfyui.schema import ObjectInfo
from diorama_comfyui.server.errors import ServerError, ServerOffline
from diorama_comfyui.server.servers import Server, Servers

if TYPE_CHECKING:
    from diorama_comfyui.library import WorkflowLibrary
    from diorama_comfyui.running.plan import RunPlan

    Planner = Callable[[int], RunPlan]

KEY = "comfy_org_api_key"


class ComfyBackend(Backend):
    """Workflows and checkpoints of ComfyUI servers.

    Beside the hooks it has :attr:`library` (import, list, show, update, delete, convert) and
    :meth:`status`, :meth:`interrupt` and :meth:`free_memory` for pages and commands.
    """

    title = "ComfyUI"
    secrets = {KEY: ("COMFY_ORG_API_KEY",)}  # noqa: RUF012
    list_lifetime = 10.0  # servers are started and stopped while we run

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self.options = read_options(settings.options)
        self.concurrency = self.options.concurrency
        self.servers = Servers(
            [Server(url, settings.cache_dir, headers) for url, headers in self.options.servers]
        )
        self._store = WorkflowStore(settings.data_dir / "workflows")
        self._previews = self.options.preview_method != "none"
        self._lister = Lister(
            self.name,
            self.servers,
            self._store,
            lambda record, info: self.library.analysed(record, info),
            previews=self._previews,
            checkpoints=self.options.checkpoints,
        )

    @cached_property
    def library(self) -> WorkflowLibrary:
        """Importing, showing and changing workflows."""
        from diorama_comfyui.library import WorkflowLibrary  # a server without workflows needs none of it

        return WorkflowLibrary(self.name, self._store, self.servers)

    # -- hooks -------------------------------------------------------------------------------

    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """The imported workflows and the checkpoints of all servers; servers on this machine are asked offline too."""
        return self._lister.entries(
            context.log,
            may_use_network=not context.offline,
            refresh=context.refresh,
            has_key=bool(context.secret(KEY)),
        )

    @hookimpl
    def generate(self, request: GenerateRequest, context: JobContext) -> Result:
        """Run a text-to-image workflow or a checkpoint."""
        return self._run(Operation.GENERATE, request, context, request.num_images)

    @hookimpl
    def edit(self, request: EditRequest, context: JobContext) -> Result:
        """Run an image-to-image workflow or a checkpoint."""
        return self._run(Operation.EDIT, request, context, request.num_images)

    @hookimpl
    def video(self, request: VideoRequest, context: JobContext) -> Result:
        """Run a video workflow."""
        return self._run(Operation.VIDEO, request, context, request.num_videos)

    @hookimpl
    def upscale(self, request: UpscaleRequest, context: JobContext) -> Result:
        """Run an upscaling workflow."""
        return self._run(Operation.UPSCALE, request, context, 1)

    def describe(self, native_id: str, context: ListContext) -> ModelInfo | None:
        """A workflow that was imported after the catalog was last read."""
        return next((model for model in self.list_models(context) if model.native_id == native_id), None)

    # -- running -----------------------------------------------------------------------------

    def _run(self, operation: Operation, request: AnyRequest, context: JobContext, count: int) -> Result:
        from diorama_comfyui.running.runner import RunOptions, run_prompt  # an idle server does without

        server, planner = self._prepare(operation, request, context)
        options = RunOptions(
            preview_method="" if self.options.preview_method == "default" else self.options.preview_method,
            offline_seconds=self.options.offline_seconds,
            comfy_org_key=context.secret(KEY),
        )
        artifacts: list[Artifact] = []
        runs: list[dict[str, Any]] = []
        for index in range(count):
            done = run_prompt(server.client, planner(index), context, options, index=index, count=count)
            artifacts += done.artifacts
            runs.append(done.facts)
        return Result(artifacts=tuple(artifacts), facts={"comfyui_version": server.version, "runs": runs})

    def _prepare(
        self, operation: Operation, request: AnyRequest, context: JobContext
    ) -> tuple[Server, Planner]:
        native = request.native_id
        if native.startswith(PREFIX):
            return self._prepare_checkpoint(native.removeprefix(PREFIX), request, context)
        try:
            record = self._store.get(native)
        except NotFound as error:
            raise UnknownModel(error.message) from error
        server = self._server(
            context, lambda info: not self.library.analysed(record, info).missing_classes, record.server
        )
        return server, self._workflow_planner(record, operation, request, self._fresh_info(server))

    def _workflow_planner(
        self, record: WorkflowRecord, operation: Operation, request: AnyRequest, info: ObjectInfo
    ) -> Planner:
        from diorama_comfyui.models.filling import fill  # later: an idle server holds less

        analysed = self.library.analysed(record, info)
        if analysed.operation is not operation:
            able = analysed.operation or "nothing that is asked for here"
            raise OperationNotSupported(f"The workflow {record.title!r:.60} does {able}, not {operation}.")
        return lambda index: fill(analysed, request, index)

    def _prepare_checkpoint(
        self, name: str, request: AnyRequest, context: JobContext
    ) -> tuple[Server, Planner]:
        from diorama_comfyui.models.builtin import plan_checkpoint  # later: an idle server holds less

        if not isinstance(request, (GenerateRequest, EditRequest)):
            raise OperationNotSupported("A checkpoint makes and edits pictures, nothing else.")
        server = self._server(context, lambda info: name in info.choices(LOADER, LOADER_INPUT), None)
        info = self._fresh_info(server)
        found = self._lister.readers[server.url].read(info, online=True)
        checkpoint = next((item for item in found if item.name == name), None) or Checkpoint(
            name, kind_of(name, 0, {})
        )
        if not checkpoint.kind:
            raise UnknownModel(f"The checkpoint {name!r:.80} is of no kind that has a built-in workflow.")
        return server, lambda index: plan_checkpoint(checkpoint, request, info, index)

    def _server(self, context: JobContext, fits: Callable[[ObjectInfo], bool], url: str | None) -> Server:
        """The server that the job was on before a restart, else the least busy one that fits."""
        before = next((known for key, known in context.memory.items() if key.startswith("prompt_")), None)
        if isinstance(before, Mapping):
            with contextlib.suppress(KeyError):
                return self.servers.get(str(before.get("server")))
        try:
            return self.servers.choose(fits, url)
        except KeyError:
            raise BackendNotReady(f"The ComfyUI server {url} is not in the settings any more.") from None
        except ServerOffline as error:
            raise BackendNotReady(f"No ComfyUI can be used: {error}.", fix="Start ComfyUI.") from error
        except ServerError as error:
            raise UnknownModel(
                f"No ComfyUI server that is up has all that {context.model.title!r:.60} needs."
            ) from error

    def _fresh_info(self, server: Server) -> ObjectInfo:
        try:
            return server.info()
        except ServerError as error:
            known = server.known_info()
            if known is None:
                raise BackendError(
                    f"ComfyUI did not say which nodes it has: {error}.", retryable=True
                ) from error
            return known

    # -- service -----------------------------------------------------------------------------

    def status(self) -> list[dict[str, Any]]:
        """Each server: address, version, devices, queue length, or why it does not answer."""
        states = self.servers.probe()
        return [asdict(states[server.url]) for server in self.servers.all]

    def interrupt(self, server: str | None = None, prompt_id: str | None = None) -> None:
        """Stop one prompt, or whatever runs on a server (the first if none is named).

        Raises ``InvalidRequest`` for an unknown server and ``BackendError`` if it does not answer.
        """
        client = self._named(server).client
        self._ask(lambda: client.cancel(prompt_id) if prompt_id else client.interrupt())

    def free_memory(self, server: str | None = None, *, unload_models: bool = True) -> None:
        """Ask a server (the first if none is named) to free memory. Raises as :meth:`interrupt`."""
        client = self._named(server).client
        self._ask(lambda: client.free(unload_models=unload_models, free_memory=True))

    def unload(self, native_id: str | None = None) -> None:
        """Ask all servers to free memory; those that do not answer are passed by."""
        for server in self.servers.all:
            with contextlib.suppress(ServerError):
                server.client.free()

    def delete(self, native_id: str) -> int:
        """Remove an imported workflow."""
        return self.library.delete(native_id)

    def check(self, context: BaseContext) -> str:
        """Say which servers answer."""
        up = [state for state in self.status() if state["online"]]
        if not up:
            urls = ", ".join(server.url for server in self.servers.all)
            raise BackendError(f"No ComfyUI answers at {urls}.", retryable=True, fix="Start ComfyUI.")
        return "; ".join(f"ComfyUI {state['version']} answers at {state['url']}" for state in up) + "."

    def close(self) -> None:
        """Close all connections."""
        self.servers.close()

    def _named(self, server: str | None) -> Server:
        try:
            return self.servers.get(server)
        except KeyError:
            raise InvalidRequest(
                f"There is no ComfyUI server {server!r:.80} in the settings.", field="server"
            ) from None

    def _ask(self, call: Callable[[], None]) -> None:
        try:
            call()
        except ServerError as error:
            raise BackendError(f"{error}.", retryable=True, fix="Is ComfyUI running?") from error
