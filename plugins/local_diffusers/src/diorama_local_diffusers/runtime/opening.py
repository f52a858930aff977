"""Opening whatever a model is stored as: a folder, one file with everything, or a denoiser over another model's parts."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from diorama.contract import BackendNotReady, BackendSettings, InvalidRequest, JobContext

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.described import held_parts, is_whole
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, missing_weights, read_folder
from diorama_local_diffusers.models.headers import refuse_pickle
from diorama_local_diffusers.models.locate import locate
from diorama_local_diffusers.models.quantized import FLOAT8
from diorama_local_diffusers.models.quantized_file import quantized_file
from diorama_local_diffusers.models.single import completing_folder, denoiser_folder, single_lacks
from diorama_local_diffusers.runtime.files import open_denoiser, open_vae, open_whole
from diorama_local_diffusers.runtime.loading import denoisers, keep_in_8_bits, open_folder


class Opener:
    """Opens one model.

    Args:
        entry: Its row.
        settings: Of the backend.
        context: Told how far loading is.
        device: Where the weights end up.
        dtype: Number type of weights, and of computing for quantised ones.
    """

    def __init__(
        self, entry: ModelEntry, settings: BackendSettings, context: JobContext, device: str, dtype: Any
    ) -> None:
        self.entry = entry
        self.settings = settings
        self.context = context
        self.device = device
        self.dtype = dtype
        self.family = family_named(entry.type)

    def open(self, variant: str = "") -> tuple[Any, PipelineFolder]:
        """Return the pipeline and the folder that describes it.

        Args:
            variant: GGUF type, or ``fp8`` for weights in 8 bits.

        Raises:
            BackendNotReady: files are missing.
            InvalidRequest: 8 bits were asked on a device that has no such number.
        """
        if variant != FLOAT8 and not self.family.stored_float8:
            return self._open(variant)
        if self.device == "mps":
            raise InvalidRequest(
                "This device has no numbers of 8 bits.",
                field=FLOAT8,
                fix="Leave fp8 out, or take a GGUF model.",
            )
        # In main memory first: the device may have room for them only when they are small.
        device, self.device = self.device, "cpu"
        pipe, folder = self._open("" if variant == FLOAT8 else variant)
        keep_in_8_bits(denoisers(pipe, self.family.denoiser), self.dtype)
        return pipe.to(device) if device != "cpu" else pipe, folder

    def _open(self, quantization: str) -> tuple[Any, PipelineFolder]:
        place = locate(self.entry, self.settings)
        if place is None:
            raise BackendNotReady(
                f"{self.entry.name} is not on this machine.",
                fix=f"Run `diorama models download {self.settings.id}:{self.entry.name}`.",
            )
        if place.is_dir():
            folder = read_folder(place)
            if not quantization:
                return self._parts(folder), folder
            file = quantized_file(self.entry, quantization, self.settings, self.context)
            return self._over(folder, file), folder
        refuse_pickle(place)
        folder = self._completing(place)
        if is_whole(place, self.entry.type):
            return self._whole(folder, place), folder
        return self._over(folder, place, **self._beside(folder, place)), folder

    def _parts(self, folder: PipelineFolder) -> Any:
        if problems := missing_weights(folder):
            raise BackendNotReady(
                f"{self.entry.name} is not whole on this machine: {'; '.join(problems)}.",
                fix=f"Run `diorama models download {self.settings.id}:{self.entry.name}`.",
            )
        return open_folder(folder, self.context, self.device, self.dtype)

    def _completing(self, file: Path) -> PipelineFolder:
        folder = completing_folder(self.entry, file, self.settings)
        lacks = single_lacks(self.entry, file, folder, self.settings)
        if folder is None or lacks:
            raise BackendNotReady(
                f"{self.entry.name} is one file and needs {lacks}.",
                fix=f"Run `diorama models download {self.settings.id}:{self.entry.name}`, or set `base` of this model "
                "to a folder.",
            )
        return folder

    def _whole(self, folder: PipelineFolder, file: Path) -> Any:
        size = file.stat().st_size
        self.context.progress("loading_model", 0.0, f"Loading {file.name}", bytes_done=0, bytes_total=size)
        pipe = open_whole(folder, file, self.family, self.dtype, self.settings.cache_dir)
        self.context.progress("loading_model", 1.0, "Loaded", bytes_done=size, bytes_total=size)
        return pipe.to(self.device)

    def _beside(self, folder: PipelineFolder, file: Path) -> dict[str, Any]:
        """Open what a file brings beside its denoiser: its VAE, and the sampler that its denoiser was trained for."""
        parts: dict[str, Any] = {}
        own = denoiser_folder(file, self.family.denoiser, self.settings.cache_dir)
        if own is not None and not self.entry.base:
            kind = getattr(importlib.import_module("diffusers"), folder.components["scheduler"][1])
            parts["scheduler"] = kind.from_pretrained(own / "scheduler", local_files_only=True)
        if "vae" in held_parts(file, self.entry.type):
            parts["vae"] = open_vae(folder, file, self.dtype).to(self.device)
        return parts

    def _over(self, folder: PipelineFolder, file: Path, **parts: Any) -> Any:
        """Open the denoiser from a file and all other parts from a folder, but for those that are open already."""
        name = self.family.denoiser
        self.context.progress("loading_model", 0.0, f"Loading {file.name}")
        denoiser = open_denoiser(folder, name, file, self.dtype, self.settings.cache_dir).to(self.device)
        return open_folder(folder, self.context, self.device, self.dtype, **parts, **{name: denoiser})
