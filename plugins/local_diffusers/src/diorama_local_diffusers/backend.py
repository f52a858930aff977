"""The backend object: five hooks, each a few lines over the rooms of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    Artifact,
    Backend,
    BackendSettings,
    BaseContext,
    DioramaError,
    EditRequest,
    GenerateRequest,
    JobContext,
    ListContext,
    LoraInfo,
    MemoryNeed,
    ModelInfo,
    Placement,
    Request,
    Result,
    StoredModel,
    UnknownModel,
    UpscaleRequest,
    VideoRequest,
    hookimpl,
)

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.locate import locate
from diorama_local_diffusers.models.shelf import all_entries, find
from diorama_local_diffusers.models.vocabulary import read_vocabulary, report_unknown_words
from diorama_local_diffusers.upscale.weights import weights_place

if TYPE_CHECKING:
    from diorama_local_diffusers.runtime.engine_room import EngineRoom
    from diorama_local_diffusers.runtime.residency import Loaded
    from diorama_local_diffusers.upscale.jobs import UpscaleRoom

    Runner = Callable[[Loaded, Any, JobContext], list[Artifact]]


class LocalDiffusersBackend(Backend):
    """Diffusers models on this machine, one process per device.

    Options (table ``[backends.local]``): ``models_file``, ``memory_budget_gb``, ``device``.
    """

    title = "Local models"
    placement: Placement = "worker"
    list_lifetime = 10.0  # people and other programs put files into the folders that are watched
    secrets: Mapping[str, tuple[str, ...]] = MappingProxyType(
        {"hf_token": ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")}
    )

    def __init__(self, settings: BackendSettings) -> None:
        super().__init__(settings)
        self._room: EngineRoom | None = None
        self._upscalers: UpscaleRoom | None = None

    @hookimpl
    def list_models(self, context: ListContext) -> Sequence[ModelInfo]:
        """Return the shipped, added and found models; only small files are read."""
        found = []
        for entry in all_entries(self.settings).values():
            try:
                found.append(model_info(entry, self.settings))
            except DioramaError as error:
                context.log.warning("Model %s is left out: %s", entry.name, error.message)
        return found

    def describe(self, native_id: str, context: ListContext) -> ModelInfo | None:
        """Return a model that is named by its hub id or path, or a LoRA file of the hub that can be fetched."""
        from diorama_local_diffusers.models.direct import direct_entry
        from diorama_local_diffusers.models.lora_download import lora_entry

        if lora := lora_entry(native_id, self.settings):
            return lora
        entry = find(native_id, self.settings) or direct_entry(
            native_id, self.settings, offline=context.offline
        )
        return model_info(entry, self.settings) if entry else None

    @hookimpl
    def generate(self, request: GenerateRequest, context: JobContext) -> Result:
        """Make pictures from text."""
        from diorama_local_diffusers.runtime.pictures import generate

        return self._run(request, context, generate)

    @hookimpl
    def edit(self, request: EditRequest, context: JobContext) -> Result:
        """Change a picture, everywhere or inside a mask; the result has its exact size."""
        from diorama_local_diffusers.runtime.pictures import edit

        return self._run(request, context, edit)

    @hookimpl
    def video(self, request: VideoRequest, context: JobContext) -> Result:
        """Make a video from text and/or a picture."""
        from diorama_local_diffusers.runtime.videos import video

        return self._run(request, context, video)

    @hookimpl
    def upscale(self, request: UpscaleRequest, context: JobContext) -> Result:
        """Enlarge a picture or a video."""
        if self._upscalers is None:
            from diorama_local_diffusers.upscale.jobs import UpscaleRoom

            self._upscalers = UpscaleRoom(self.settings)
        return self._upscalers.run(self._entry(request.native_id), request, context)

    def download(self, native_id: str, context: JobContext) -> None:
        """Fetch a model's files, or a LoRA file of the hub; nothing is loaded into memory."""
        from diorama_local_diffusers.models.lora_download import download_lora, is_lora_id

        if is_lora_id(native_id):
            download_lora(native_id, self.settings, context)
            return
        entry = self._entry(native_id)
        if entry.type == "upscaler":
            from diorama_local_diffusers.upscale.weights import fetch_weights

            fetch_weights(entry, self.settings, context)
            return
        from diorama_local_diffusers.models.download import download

        download(entry, self.settings, context)

    def add(self, source: str) -> str:
        """Take in a folder, a file or a hub id of the user's own."""
        from diorama_local_diffusers.models.user import add_model

        return add_model(self.settings, source).native_id

    def remove(self, native_id: str) -> None:
        """Take a model out of the user's list; its files stay."""
        from diorama_local_diffusers.models.user import remove_model

        self.unload(native_id)
        remove_model(self.settings, native_id)

    def loras(self) -> Sequence[LoraInfo]:
        """Return the LoRA in the known folders and the hub's cache, and those worth getting."""
        from diorama_local_diffusers.models.presets import offered_loras

        return offered_loras(self.settings)

    def storage(self) -> Sequence[StoredModel]:
        """Return what each model takes on this disk."""
        from diorama_local_diffusers.models.storage import stored_models

        return stored_models(self.settings)

    def memory_needs(self, native_id: str, device: str) -> Sequence[MemoryNeed]:
        """Return what a model needs: whole, offloaded, and in each smaller quantisation."""
        from diorama_local_diffusers.models.needs import memory_needs

        return memory_needs(self._entry(native_id), self.settings, device)

    def warm(self) -> None:
        """Import what a first job needs."""
        from diorama_local_diffusers.runtime.loading import import_libraries

        import_libraries()

    def delete(self, native_id: str) -> int:
        """Remove a hub model's files from the cache, those that no other model here runs with.

        The user's own files are never deleted.
        """
        from diorama_local_diffusers.models.deleting import delete_files

        entry = self._entry(native_id)
        if entry.path.startswith(("http://", "https://")):  # fetched and converted by us
            place = weights_place(entry, self.settings)
            freed = place.stat().st_size if place.exists() else 0
            place.unlink(missing_ok=True)
            return freed
        self.unload(native_id)
        return delete_files(entry, self.settings)

    def unload(self, native_id: str | None = None) -> None:
        """Close one open model, or all."""
        if self._upscalers is not None:
            self._upscalers.forget()
        if self._room is not None:
            entry = find(native_id, self.settings) if native_id else None
            self._room.unload(entry.name if entry else native_id)

    def close(self) -> None:
        """Close all open models."""
        self.unload()

    def check(self, context: BaseContext) -> str:
        """Say which libraries are here; nothing heavy is imported."""
        from diorama_local_diffusers.installation import describe_installation

        return describe_installation()

    @property
    def room(self) -> EngineRoom:
        """What holds the open models; made at the first use, because it imports torch."""
        if self._room is None:
            from diorama_local_diffusers.runtime.engine_room import EngineRoom

            self._room = EngineRoom(self.settings)
        return self._room

    def _run(self, request: Request, context: JobContext, run: Runner) -> Result:
        entry = self._entry(request.native_id)
        place = locate(entry, self.settings)
        vocabulary = read_vocabulary(place) if place is not None else None
        report_unknown_words(vocabulary, "prompt", request.prompt, context)
        report_unknown_words(vocabulary, "negative_prompt", request.negative_prompt or "", context)
        return self.room.run(entry, request, context, run)

    def _entry(self, native_id: str) -> ModelEntry:
        from diorama_local_diffusers.models.direct import direct_entry

        entry = find(native_id, self.settings) or direct_entry(
            native_id, self.settings, offline=self.settings.offline
        )
        if entry is None:
            raise UnknownModel(
                f"There is no local model {native_id!r}.",
                field="model",
                fix="`diorama models list` shows what there is.",
            )
        return entry
