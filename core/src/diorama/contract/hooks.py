"""The five hooks, the backend object that implements them, and the settings it is made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pluggy

from diorama.contract.context import BaseContext, JobContext, ListContext
from diorama.contract.models import ModelInfo
from diorama.contract.requests import EditRequest, GenerateRequest, UpscaleRequest, VideoRequest
from diorama.contract.results import Result
from diorama.contract.shelf import LoraInfo, MemoryNeed, StoredModel

HOOK_API = 1
"""Version of this contract. It grows only when something that worked before would not work any more."""

PROJECT = "diorama"
BACKENDS_GROUP = "diorama.backends"
"""Entry-point group of backends; the value is a factory ``(BackendSettings) -> Backend``."""
EXTENSIONS_GROUP = "diorama.extensions"
"""Entry-point group of hook wrappers; the value is a factory ``(BackendSettings) -> object``."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Decorates the hooks that a backend offers, and with ``wrapper=True`` those of an extension."""


class HookSpecs:
    """Signatures of the hooks. A call reaches the owner of the model only, inside the installed extensions."""

    @hookspec(firstresult=True)
    def list_models(self, context: ListContext) -> Sequence[ModelInfo] | None:
        """Return the models that this backend offers now, quickly and without importing heavy libraries.

        Example::

            @hookimpl
            def list_models(self, context):
                return [ModelInfo(id=f"{self.name}:noise", title="Noise",
                                  operations={Operation.GENERATE: Capabilities(sizes=Sizes())})]
        """

    @hookspec(firstresult=True)
    def generate(self, request: GenerateRequest, context: JobContext) -> Result | None:
        """Turn text into pictures, or into sound where the capabilities' ``produces`` says so.

        Example::

            @hookimpl
            def generate(self, request, context):
                context.progress("generating", 0.0)
                image = Image.effect_noise((request.width, request.height), 64)
                return Result(artifacts=(context.save(image, seed=request.seed),))
        """

    @hookspec(firstresult=True)
    def edit(self, request: EditRequest, context: JobContext) -> Result | None:
        """Turn pictures and text into pictures; or sounds, pictures and text into sound (``produces``).

        Example::

            @hookimpl
            def edit(self, request, context):
                image = ImageOps.invert(request.images[0].load_image())
                return Result(artifacts=(context.save(image),))
        """

    @hookspec(firstresult=True)
    def video(self, request: VideoRequest, context: JobContext) -> Result | None:
        """Turn text and/or pictures into a video.

        Example::

            @hookimpl
            def video(self, request, context):
                frames = np.zeros((request.num_frames, request.height, request.width, 3), np.uint8)
                return Result(artifacts=(context.save(frames, kind="video", fps=request.fps),))
        """

    @hookspec(firstresult=True)
    def upscale(self, request: UpscaleRequest, context: JobContext) -> Result | None:
        """Enlarge a picture or a video.

        Example::

            @hookimpl
            def upscale(self, request, context):
                image = request.media.load_image()
                size = round(image.width * request.scale), round(image.height * request.scale)
                return Result(artifacts=(context.save(image.resize(size)),))
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSettings:
    """What a factory is called with.

    Attributes:
        id: Id of this instance; the prefix of its model ids. One factory may be configured several times.
        options: The user's table ``[backends.<id>]`` of the configuration file, plain values.
        data_dir: A folder of this instance's own, for things that must be kept. It may not exist yet.
        cache_dir: A folder of this instance's own, for things that can be made again. It may not exist yet.
        models_dirs: Folders in which the user keeps model files, most important first.
        config_dir: The folder of the user's configuration, shared by all; for files that people write by hand. It may
            not exist yet.
        device: Device of the worker process that this instance lives in, such as ``cuda:0``; empty in the server.
        offline: True when no network may be tried.
    """

    id: str
    options: Mapping[str, Any] = field(default_factory=dict)
    data_dir: Path = Path()
    cache_dir: Path = Path()
    models_dirs: tuple[Path, ...] = ()
    config_dir: Path = Path()
    device: str = ""
    offline: bool = False


Placement = Literal["thread", "worker"]
"""``thread``: runs in the server, for backends that mostly wait. ``worker``: a process of its own per device."""


class Backend:
    """Base of every backend: implement the hooks you offer, each decorated with :data:`hookimpl`.

    The module of a backend stays cheap to import; heavy libraries are imported inside the hooks. The server makes an
    instance to list models; a backend with ``placement = "worker"`` is made again inside each worker process.

    Attributes:
        name: Backend id, given by the settings.
        title: Name for people.
        placement: Where the jobs run.
        concurrency: How many jobs may run at once, for ``placement = "thread"``.
        parks: Whether it remembers what it is about to buy before it buys, and every long wait of its hooks is a
            :meth:`JobContext.pause`: then a few threads serve all its jobs, and a job that remembers nothing has bought
            nothing.
        secrets: Names of the secrets it reads, with the environment variables that users already export for them.
        list_timeout: Seconds that ``list_models`` may take before the last good list is shown instead.
        list_lifetime: Seconds after which the list is asked for again when somebody looks at the catalog; 0 for a list
            that changes only by a download, an import or a setting. For servers that come and go: it has to be cheap.
        hook_api: Version of the contract it was written for.
    """

    title: str = ""
    placement: Placement = "thread"
    concurrency: int = 4
    parks: bool = False
    secrets: Mapping[str, tuple[str, ...]] = {}
    list_timeout: float = 20.0
    list_lifetime: float = 0.0
    hook_api: int = HOOK_API

    def __init__(self, settings: BackendSettings) -> None:
        self.settings = settings
        self.name = settings.id

    def describe(self, native_id: str, context: ListContext) -> ModelInfo | None:
        """Return a model that is not in the list but may be named directly (a hub id), or ``None``."""
        return None

    def download(self, native_id: str, context: JobContext) -> None:
        """Fetch what a model needs, reporting progress; resumable, and nothing is loaded into memory.

        Raises:
            BackendNotReady: downloads are not offered for this model.
        """
        from diorama.contract.errors import BackendNotReady

        raise BackendNotReady(f"{self.name} has nothing to download.")

    def delete(self, native_id: str) -> int:
        """Remove a downloaded model from disk and return the freed bytes."""
        from diorama.contract.errors import BackendNotReady

        raise BackendNotReady(f"{self.name} keeps no models on disk.")

    def warm(self) -> None:
        """Import heavy libraries ahead of the first job; called in an idle worker, never for ``placement = "thread"``."""

    def unload(self, native_id: str | None = None) -> None:
        """Free the memory of one model, or of all."""

    def add(self, source: str) -> str:
        """Take in a model of the user's own (a folder, a file, a hub id) and return its native id.

        Raises:
            InvalidRequest: the source cannot be used; the sentence says why.
            BackendNotReady: this backend takes none.
        """
        from diorama.contract.errors import BackendNotReady

        raise BackendNotReady(f"{self.name} takes no models of your own.")

    def remove(self, native_id: str) -> None:
        """Take a model that was added out of the list again; its files stay where they are.

        Raises:
            UnknownModel: it is not among the models that were added.
            BackendNotReady: this backend takes none.
        """
        from diorama.contract.errors import BackendNotReady

        raise BackendNotReady(f"{self.name} takes no models of your own.")

    def loras(self) -> Sequence[LoraInfo]:
        """Return the LoRA that are here now, and those worth getting; folders are read anew at each call."""
        return ()

    def storage(self) -> Sequence[StoredModel]:
        """Return what each model on this disk takes there, by looking, not by estimate."""
        return ()

    def memory_needs(self, native_id: str, device: str) -> Sequence[MemoryNeed]:
        """Return the ways of running a model on ``device`` (such as ``cuda:0``), best first; empty when not known.

        The first is the way without any sparing; each later one needs less of the device.
        """
        return ()

    def check(self, context: BaseContext) -> str:
        """Prove that the configured key and address work, with a real call.

        Args:
            context: Where the key comes from.

        Returns:
            A sentence about what answered.

        Raises:
            BackendNotReady: the key is missing or refused.
            BackendError: the service does not answer.
        """
        return "Nothing to check."

    def close(self) -> None:
        """Release connections and memory; called once at the end."""


Factory = Callable[[BackendSettings], Backend]
"""What an entry point in ``diorama.backends`` names."""
