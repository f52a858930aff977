"""A job on a server: upload, submit, wait, fetch. Survives restarts on either side."""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract import Artifact, BackendError, BackendNotReady, JobCancelled, JobContext

from diorama_comfyui.options import OFFLINE_SECONDS
from diorama_comfyui.running.faults import refusal
from diorama_comfyui.running.outputs import OutputGone, result_files, result_texts, save_files
from diorama_comfyui.running.plan import RunPlan, with_uploads, without_cache
from diorama_comfyui.running.progress import ProgressTracker
from diorama_comfyui.running.watch import PromptLost, Watcher
from diorama_comfyui.server.client import ComfyClient
from diorama_comfyui.server.errors import PromptRefused, ServerError, ServerOffline
from diorama_comfyui.server.socket import EventSocket

UPLOAD_FOLDER = "diorama"
_ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a backend wants its prompts run.

    Attributes:
        preview_method: ComfyUI's name for how previews are made; empty leaves it to the server.
        offline_seconds: How long a server may be away during a run.
        comfy_org_key: Key for nodes that call paid services; never stored by the server.
    """

    preview_method: str = "latent2rgb"
    offline_seconds: float = OFFLINE_SECONDS
    comfy_org_key: str | None = None


@dataclass(frozen=True, slots=True)
class RunResult:
    """What one prompt gave."""

    artifacts: list[Artifact]
    facts: dict[str, Any]


def run_prompt(
    client: ComfyClient,
    plan: RunPlan,
    context: JobContext,
    options: RunOptions,
    *,
    index: int = 0,
    count: int = 1,
) -> RunResult:
    """Run one of the ``count`` prompts of a job, or pick it up where a restart left it.

    A prompt that the server forgot (because it was restarted) is run once more; one that calls a
    paid service is not, and fails as unsure.

    Raises ``JobCancelled`` or another ``DioramaError``.
    """
    return _Run(client, plan, context, options, index, count).run()


class _Run:
    """The state of one prompt of a job. What must survive a restart is in the job's memory."""

    def __init__(
        self,
        client: ComfyClient,
        plan: RunPlan,
        context: JobContext,
        options: RunOptions,
        index: int,
        count: int,
    ) -> None:
        self._client = client
        self._plan = plan
        self._context = context
        self._options = options
        self._key = f"prompt_{index}"
        self._tracker = ProgressTracker(plan, context, index / count, 1 / count)
        self._began = time.monotonic()
        self._index = index

    def run(self) -> RunResult:
        known = self._context.memory.get(self._key)
        known = known if isinstance(known, Mapping) and known.get("server") == self._client.url else None
        fresh = False
        for _ in range(_ATTEMPTS):
            prompt_id, client_id = self._ids(known)
            socket = EventSocket(self._client.url, client_id, self._client.headers)
            self._context.on_cancel(lambda held=(prompt_id, socket): self._cancel(*held))  # type: ignore[misc]
            try:
                entry = self._follow(socket, prompt_id, client_id, known, fresh)
                return self._collect(entry, prompt_id)
            except PromptLost:
                self._give_up_if_paid()
                self._context.log.info("ComfyUI forgot prompt %s; it is run again", prompt_id)
            except OutputGone:
                fresh = True
            except JobCancelled:
                self._stop(prompt_id)
                raise
            except ServerError as error:
                raise BackendError(
                    f"The ComfyUI server failed: {error}.",
                    retryable=not self._plan.paid,
                    unsure=self._plan.paid,
                ) from error
            finally:
                socket.close()
            known = None
            self._tracker.restart()
        raise BackendError(
            "ComfyUI lost the prompt twice; was it restarted?", retryable=True, fix="Try again."
        )

    def _ids(self, known: Mapping[str, Any] | None) -> tuple[str, str]:
        if known:
            return str(known["prompt_id"]), str(known["client_id"])
        return str(uuid.uuid4()), uuid.uuid4().hex

    def _follow(
        self,
        socket: EventSocket,
        prompt_id: str,
        client_id: str,
        known: Mapping[str, Any] | None,
        fresh: bool,
    ) -> dict[str, Any]:
        """Submit the prompt, or find a known one, and wait for it."""
        if known is None:
            names = self._upload()
            try:
                socket.connect()
            except ServerOffline as error:
                raise BackendNotReady(f"No ComfyUI can be used: {error}.", fix="Start ComfyUI.") from error
            prompt_id = self._submit(names, prompt_id, client_id, fresh)
            return self._watcher(socket, prompt_id).wait()
        watcher = self._watcher(socket, prompt_id)
        # The socket is not connected yet: waiting begins with the question where the prompt is.
        return watcher.wait()

    def _upload(self) -> list[str]:
        names = []
        for number, upload in enumerate(self._plan.uploads):
            self._context.progress(
                "generating", None, "Uploading inputs", image=number + 1, images=len(self._plan.uploads)
            )
            try:
                if isinstance(upload.content, bytes):
                    names.append(self._client.upload(upload.content, upload.name, UPLOAD_FOLDER))
                else:
                    with upload.content.open("rb") as file:
                        names.append(self._client.upload(file, upload.name, UPLOAD_FOLDER))
            except ServerOffline as error:
                raise BackendNotReady(f"No ComfyUI can be used: {error}.", fix="Start ComfyUI.") from error
            except ServerError as error:
                field = self._plan.fields.get(upload.targets[0])
                raise BackendError(f"ComfyUI did not take an input: {error}.", field=field) from error
        return names

    def _submit(self, names: list[str], prompt_id: str, client_id: str, fresh: bool) -> str:
        prompt = with_uploads(self._plan, names)
        if fresh:
            prompt = without_cache(prompt, prompt_id[:8])
        extra: dict[str, Any] = {}
        if self._options.preview_method:
            extra["preview_method"] = self._options.preview_method
        if self._options.comfy_org_key:
            extra["api_key_comfy_org"] = self._options.comfy_org_key
        self._context.progress("generating", None, "Sending the workflow")
        self._remember(prompt_id, client_id)
        try:
            accepted = self._client.submit(prompt, prompt_id=prompt_id, client_id=client_id, extra=extra)
        except PromptRefused as error:
            raise refusal(error, self._plan) from error
        except ServerOffline:
            accepted = self._find_unanswered(prompt_id, client_id)
        if accepted != prompt_id:  # a server from before prompts could be named
            self._remember(accepted, client_id)
            self._context.on_cancel(lambda: self._stop(accepted))
        if self._context.cancelled:  # cancelled while the prompt was on its way
            self._stop(accepted)
            raise JobCancelled
        return accepted

    def _find_unanswered(self, prompt_id: str, client_id: str) -> str:
        """The id of a prompt whose submission broke off, if it arrived."""
        with contextlib.suppress(ServerError):
            running, pending = self._client.queue()
            for item in [*running, *pending]:
                if item["prompt_id"] == prompt_id or item["client_id"] == client_id:
                    return str(item["prompt_id"])
            if self._client.history(prompt_id) is not None:
                return prompt_id
        raise BackendError(
            "The connection to ComfyUI broke while the workflow was sent.",
            retryable=not self._plan.paid,
            unsure=self._plan.paid,
        )

    def _remember(self, prompt_id: str, client_id: str) -> None:
        about = {"prompt_id": prompt_id, "client_id": client_id, "server": self._client.url}
        # A release by a person counts for one submission.
        self._context.remember(**{self._key: about, "released": None})

    def _watcher(self, socket: EventSocket, prompt_id: str) -> Watcher:
        return Watcher(
            self._client,
            socket,
            prompt_id,
            self._plan,
            self._context,
            self._tracker,
            self._options.offline_seconds,
        )

    def _collect(self, entry: dict[str, Any], prompt_id: str) -> RunResult:
        files, others = result_files(entry, self._plan)
        if not files:
            raise BackendError(f"The workflow ran, but left no {self._plan.media} behind.")
        artifacts = save_files(files, self._client, self._plan, self._context, self._index * 1000)
        facts: dict[str, Any] = {
            "prompt_id": prompt_id,
            "seconds": round(time.monotonic() - self._began, 3),
            "cached": bool(self._plan.weights) and set(self._plan.weights) <= self._tracker.cached,
        }
        if others:
            facts["left_on_server"] = others
        if self._plan.texts:
            facts["sent"] = {name: text[:2000] for name, text in self._plan.texts.items()}
        texts = result_texts(entry)
        if texts:
            facts["text"] = [text[:2000] for text in texts[:20]]
        return RunResult(artifacts, facts)

    def _give_up_if_paid(self) -> None:
        if self._plan.paid and not self._context.memory.get("released"):
            raise BackendError(
                "ComfyUI forgot the prompt, and the paid service in it may have been called already.",
                unsure=True,
                fix="Look at the account of the service before running it again.",
            )

    def _cancel(self, prompt_id: str, socket: EventSocket) -> None:
        self._stop(prompt_id)
        socket.close()  # wakes the thread that waits for frames

    def _stop(self, prompt_id: str) -> None:
        with contextlib.suppress(ServerError):
            self._client.cancel(prompt_id)
