"""Opening a pipeline folder part by part, with true progress, from safetensors only."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from diorama.contract import BackendNotReady, InvalidRequest, JobContext

from diorama_local_diffusers.models.folder import (
    PipelineFolder,
    folder_variant,
    missing_weights,
    weight_files,
)
from diorama_local_diffusers.models.headers import read_safetensors_header

PICTURE_PROCESSORS = frozenset({"Qwen2VLProcessor", "Qwen2_5_VLProcessor"})
"""Classes in ``model_index.json`` that our ``PictureProcessor`` stands for: with pictures they do the same."""


def open_folder(folder: PipelineFolder, context: JobContext, device: str, dtype: Any, **given: Any) -> Any:
    """Open the pipeline that ``model_index.json`` names.

    Args:
        folder: Where the parts lie.
        context: Told how far loading is; a cancel is obeyed between parts.
        device: Where the weights end up; parts are moved one after the other.
        dtype: Number type of the weights.
        given: Parts that are already open, by name; ``None`` leaves one out.

    Raises:
        BackendNotReady: weights are absent, incomplete, damaged, or pickles.
    """
    problems = [line for line in missing_weights(folder) if line.split(" ", 1)[0] not in given]
    if problems:
        raise BackendNotReady(
            f"The model in {folder.path} cannot be opened: {'; '.join(problems)}.",
            fix="Download the missing safetensors files.",
        )
    quiet_libraries()
    # Without this the pipeline would ask for parts that were left out when it was saved, as T5 is of SD3.
    given = {name: None for name, value in folder.index.items() if value == [None, None]} | given
    parts = _open_processors(folder, given) | _open_parts(folder, context, device, dtype, given)
    pipe = pipeline_class(folder.class_name).from_pretrained(
        str(folder.path), dtype=dtype, local_files_only=True, use_safetensors=True, **parts
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def _open_processors(folder: PipelineFolder, given: dict[str, Any]) -> dict[str, Any]:
    """Return the parts without weights that the pipeline's own way of opening would need torchvision for."""
    wanted = {name for name, (_, kind) in folder.components.items() if kind in PICTURE_PROCESSORS}
    if not wanted - given.keys():
        return {}
    from diorama_local_diffusers.runtime.picture_processor import open_processor

    return {name: open_processor(folder.path / name) for name in wanted - given.keys()}


def _open_parts(
    folder: PipelineFolder, context: JobContext, device: str, dtype: Any, given: dict[str, Any]
) -> dict[str, Any]:
    waiting = [name for name in folder.weighty() if name not in given]
    sizes = {name: sum(file.stat().st_size for file in weight_files(folder.path / name)) for name in waiting}
    total, done = max(sum(sizes.values()), 1), 0
    variant = folder_variant(folder)
    parts = dict(given)
    for name in waiting:
        context.progress("loading_model", done / total, f"Loading {name}", bytes_done=done, bytes_total=total)
        _check_whole(folder, name)
        parts[name] = _open_part(folder, name, variant, dtype).to(device)
        done += sizes[name]
    context.progress("loading_model", 1.0, "Loaded", bytes_done=total, bytes_total=total)
    return parts


def _check_whole(folder: PipelineFolder, name: str) -> None:
    """Look at the headers of a part's files: the libraries' words about a damaged one help nobody."""
    for file in weight_files(folder.path / name):
        try:
            read_safetensors_header(file)
        except InvalidRequest as error:
            raise BackendNotReady(
                f"The part {name} of the model in {folder.path} cannot be opened. {error.message}",
                fix="Delete the model and download it again, or put a whole safetensors file there.",
            ) from error


def _open_part(folder: PipelineFolder, name: str, variant: str | None, dtype: Any) -> Any:
    library, kind = folder.components[name]
    options: dict[str, Any] = {"local_files_only": True, "use_safetensors": True, "dtype": dtype}
    if variant and all(".fp" in file.name or ".bf" in file.name for file in weight_files(folder.path / name)):
        options["variant"] = variant
    return _component_class(folder, library, kind).from_pretrained(str(folder.path / name), **options).eval()


def _component_class(folder: PipelineFolder, library: str, kind: str) -> Any:
    if library in ("diffusers", "transformers"):
        return getattr(importlib.import_module(library), kind)
    return getattr(importlib.import_module(f"diffusers.pipelines.{library}"), kind)


def denoisers(pipe: Any, name: str) -> list[Any]:
    """Return the networks that are called at each step; some families have a second one."""
    found = (getattr(pipe, name, None), getattr(pipe, f"{name}_2", None))
    return [part for part in found if part is not None]


def keep_in_8_bits(networks: list[Any], dtype: Any) -> None:
    """Keep the weights of networks in 8 bits and compute in ``dtype``, one layer after the other.

    Norms and embeddings, which are small and feel it most, stay as they are.
    """
    import torch

    for network in networks:
        network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
        for layer in network.modules():
            if getattr(getattr(layer, "weight", None), "dtype", None) == torch.float8_e4m3fn:
                layer.compute_dtype = (
                    dtype  # peft keeps a LoRA in this, else in 8 bits, which rounds it to nothing
                )


def pipeline_class(name: str) -> Any:
    """Return a pipeline class of diffusers by name."""
    return getattr(importlib.import_module("diffusers"), name)


def import_libraries() -> None:
    """Import torch, diffusers and transformers, with the modules behind the smallest models, which load lazily."""
    import diffusers
    import transformers

    for library, names in (
        (
            diffusers,
            ("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline"),
        ),
        (transformers, ("CLIPTextModel", "CLIPTokenizer")),
    ):
        for name in names:
            getattr(library, name)
    quiet_libraries()


def quiet_libraries() -> None:
    """Stop the libraries' own bars and advice, which belong on nobody's screen here."""
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    for name in ("diffusers", "transformers"):
        logging.getLogger(name).setLevel(logging.ERROR)
