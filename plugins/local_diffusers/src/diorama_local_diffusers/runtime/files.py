"""Opening networks from single files: a whole checkpoint, a denoiser, a VAE."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diorama.contract import InvalidRequest

from diorama_local_diffusers.families.base import Family
from diorama_local_diffusers.models.described import DENOISER_PREFIX, VAE_PREFIXES, absent_parts
from diorama_local_diffusers.models.folder import PipelineFolder
from diorama_local_diffusers.models.headers import read_safetensors_header
from diorama_local_diffusers.models.single import denoiser_folder
from diorama_local_diffusers.runtime.loading import pipeline_class, quiet_libraries
from diorama_local_diffusers.runtime.scaled import is_scaled, plain_tensors


def open_whole(folder: PipelineFolder, file: Path, family: Family, dtype: Any, place: Path) -> Any:
    """Open a pipeline from a whole checkpoint.

    Args:
        folder: Its configuration.
        file: Where it lies.
        family: What it is.
        dtype: Number type of the weights.
        place: Where configurations that are made from files are kept.

    Raises:
        InvalidRequest: the file does not fit the configuration, or holds weights that nothing here reads.
    """
    given: dict[str, Any] = {}
    for part in absent_parts(file, family.name):
        given |= {part: None, part.replace("text_encoder", "tokenizer"): None}
    scaled = [name for name in read_safetensors_header(file) if is_scaled([name])]
    if any(not name.startswith(DENOISER_PREFIX) for name in scaled):
        raise InvalidRequest(
            f"The text encoders in {file.name} are in 8 bits with scales, which diffusers does not read.",
            field="model",
            fix="Take a file whose text encoders are plain fp8 or fp16, or one with the denoiser alone.",
        )
    if scaled:
        given[family.denoiser] = open_denoiser(folder, family.denoiser, file, dtype, place)
    quiet_libraries()
    kind = pipeline_class(folder.class_name)
    options: dict[str, Any] = {"config": str(folder.path), "local_files_only": True, "torch_dtype": dtype}
    pipe = _fitting(file, folder, lambda: kind.from_single_file(str(file), **options, **given))
    pipe.set_progress_bar_config(disable=True)
    for part in pipe.components.values():
        if hasattr(part, "eval"):
            part.eval()  # diffusers leaves T5 as if it were trained, where it forgets something at random
    return pipe


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
        "config": str(denoiser_folder(file, name, place) or folder.path),
        "subfolder": name,
        "local_files_only": True,
        "torch_dtype": dtype,
    }
    if file.suffix.lower() == ".gguf":
        from diffusers import GGUFQuantizationConfig

        options["quantization_config"] = GGUFQuantizationConfig(compute_dtype=dtype)
    quiet_libraries()
    return _fitting(
        file,
        folder,
        lambda: kind.from_single_file(_denoiser_tensors(file, kind.__name__, dtype), **options).eval(),
    )


def open_vae(folder: PipelineFolder, file: Path, dtype: Any) -> Any:
    """Open the VAE that lies in a file beside its denoiser.

    Args:
        folder: Pipeline that it goes into, whose configuration it has.
        file: Where it lies.
        dtype: Number type of its weights.

    Raises:
        InvalidRequest: it does not fit.
    """
    from diffusers.models.model_loading_utils import load_state_dict

    kind = getattr(importlib.import_module("diffusers"), folder.components["vae"][1])
    tensors = {
        key: value for key, value in load_state_dict(str(file)).items() if key.startswith(VAE_PREFIXES)
    }
    options = {"config": str(folder.path), "subfolder": "vae", "local_files_only": True, "torch_dtype": dtype}
    return _fitting(file, folder, lambda: kind.from_single_file(tensors, **options).eval())


def _fitting(file: Path, folder: PipelineFolder, opened: Callable[[], Any]) -> Any:
    """Return what was opened, or say that it belongs to another model."""
    try:
        return opened()
    except (ValueError, KeyError, OSError, NotImplementedError) as error:
        raise InvalidRequest(
            f"{file.name} does not fit {folder.path.name}: {str(error)[:300]}",
            field="model",
            fix="Set `base` of this model to the model that the file was made from.",
        ) from error


def _denoiser_tensors(file: Path, kind: str, dtype: Any) -> dict[str, Any]:
    """Return a denoiser's tensors, without other parts of the file, and without a prefix that the Qwen class stumbles over."""
    from diffusers.models.model_loading_utils import load_state_dict

    tensors: dict[str, Any] = load_state_dict(str(file))
    own = {key: value for key, value in tensors.items() if key.startswith(DENOISER_PREFIX)} or tensors
    own = plain_tensors(own, dtype)
    if not kind.startswith("Qwen"):
        return own
    return {key.removeprefix(DENOISER_PREFIX): value for key, value in own.items()}
