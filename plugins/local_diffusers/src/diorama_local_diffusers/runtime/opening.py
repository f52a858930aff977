"""Opening whatever a model is stored as: a folder, one file with everything, or a denoiser over another model's parts."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from diorama.contract import BackendNotReady, BackendSettings, InvalidRequest, JobContext

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, missing_weights, read_folder
from diorama_local_diffusers.models.headers import refuse_pickle
from diorama_local_diffusers.models.locate import locate
from diorama_local_diffusers.models.quantized import quantized_file
from diorama_local_diffusers.models.single import (
    DENOISER_PREFIX,
    completing_folder,
    described_denoiser,
    is_whole,
    single_lacks,
)
from diorama_local_diffusers.runtime.loading import open_folder, pipeline_class, quiet_libraries


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

    def open(self, quantization: str = "") -> tuple[Any, PipelineFolder]:
        """Return the pipeline and the folder that describes it.

        Raises:
            BackendNotReady: files are missing.
        """
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
        if is_whole(place):
            return self._whole(folder, place), folder
        return self._over(folder, place), folder

    def _parts(self, folder: PipelineFolder) -> Any:
        if problems := missing_weights(folder):
            raise BackendNotReady(
                f"{self.entry.name} is not whole on this machine: {'; '.join(problems)}.",
                fix=f"Run `diorama models download {self.settings.id}:{self.entry.name}`.",
            )
        pipe = open_folder(folder, self.context, self.device, self.dtype)
        if self.family.stored_float8:
            import torch

            getattr(pipe, self.family.denoiser).enable_layerwise_casting(
                storage_dtype=torch.float8_e4m3fn, compute_dtype=self.dtype
            )
        return pipe

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
        if not self.family.single_file:
            raise InvalidRequest(
                f"{self.family.title} models cannot be opened from one file.",
                field="model",
                fix="Use the folder layout.",
            )
        quiet_libraries()
        size = file.stat().st_size
        self.context.progress("loading_model", 0.0, f"Loading {file.name}", bytes_done=0, bytes_total=size)
        try:
            pipe = pipeline_class(folder.class_name).from_single_file(
                str(file), config=str(folder.path), local_files_only=True, torch_dtype=self.dtype
            )
        except (ValueError, KeyError, OSError) as error:
            raise InvalidRequest(
                f"{file.name} does not fit the configuration of {folder.path.name}: {str(error)[:300]}",
                field="model",
                fix="Set `base` of this model to the model that the file was made from.",
            ) from error
        self.context.progress("loading_model", 1.0, "Loaded", bytes_done=size, bytes_total=size)
        pipe.set_progress_bar_config(disable=True)
        return pipe.to(self.device)

    def _over(self, folder: PipelineFolder, file: Path) -> Any:
        """Open the denoiser from a file and all other parts from a folder."""
        name = self.family.denoiser
        self.context.progress("loading_model", 0.0, f"Loading {file.name}")
        denoiser = open_denoiser(folder, name, file, self.dtype, self.settings.cache_dir).to(self.device)
        return open_folder(folder, self.context, self.device, self.dtype, **{name: denoiser})


def open_denoiser(folder: PipelineFolder, name: str, file: Path, dtype: Any, place: Path) -> Any:
    """Open a denoiser from a safetensors or GGUF file, described by itself where it can be, else by a folder.

    Args:
        folder: Pipeline that it goes into.
        name: Part that it is.
        file: Where it lies.
        dtype: Number type of weights, and of computing for quantised ones.
        place: Where configurations that are made from files are kept.

    Raises:
        InvalidRequest: the class cannot be read from one file, or the file does not fit.
    """
    kind = getattr(importlib.import_module("diffusers"), folder.components[name][1])
    if not hasattr(kind, "from_single_file"):
        raise InvalidRequest(f"{kind.__name__} cannot be opened from one file.", field="model")
    options: dict[str, Any] = {
        "config": str(described_denoiser(file, name, place) or folder.path),
        "subfolder": name,
        "local_files_only": True,
        "torch_dtype": dtype,
    }
    if file.suffix.lower() == ".gguf":
        from diffusers import GGUFQuantizationConfig

        options["quantization_config"] = GGUFQuantizationConfig(compute_dtype=dtype)
    quiet_libraries()
    try:
        return kind.from_single_file(_tensors(file, kind.__name__), **options).eval()
    except (ValueError, KeyError, NotImplementedError) as error:
        raise InvalidRequest(
            f"{file.name} does not fit {folder.path.name}: {str(error)[:300]}",
            field="model",
            fix="Set `base` of this model to the model that the file was made from.",
        ) from error


def _tensors(file: Path, kind: str) -> Any:
    """Return the tensors of a file, with a prefix taken off that the Qwen class stumbles over."""
    from diffusers.models.model_loading_utils import load_state_dict

    tensors = load_state_dict(str(file))
    if not kind.startswith("Qwen"):
        return tensors
    return {key.removeprefix(DENOISER_PREFIX): value for key, value in tensors.items()}
