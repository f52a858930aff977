"""Which family a folder or a file belongs to, told from small files and headers, without torch."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import InvalidRequest

from diorama_local_diffusers.families import families
from diorama_local_diffusers.models.folder import PipelineFolder, read_folder
from diorama_local_diffusers.models.headers import (
    read_gguf_header,
    read_safetensors_header,
    refuse_pickle,
    tensor_shapes,
)
from diorama_local_diffusers.upscale.networks import shape_of

Shapes = dict[str, tuple[int, ...]]


def detect(path: Path) -> str:
    """Return the family of a diffusers folder, a ``.safetensors`` or a ``.gguf`` file.

    Raises:
        InvalidRequest: it is missing, a pickle, damaged, or of no known family.
    """
    if not path.exists():
        raise InvalidRequest(
            f"{path} does not exist.", field="source", fix="Give the path of a folder or a file."
        )
    if path.is_dir():
        return detect_folder(read_folder(path))
    refuse_pickle(path)
    if path.suffix.lower() == ".safetensors":
        shapes = tensor_shapes(read_safetensors_header(path))
    elif path.suffix.lower() == ".gguf":
        shapes = read_gguf_header(path)[1]
    else:
        raise InvalidRequest(
            f"{path.name} is of no known format.",
            field="source",
            fix="Give a folder, a .safetensors or a .gguf file.",
        )
    return _known(family_of_shapes(shapes), path.name)


def detect_folder(folder: PipelineFolder) -> str:
    """Return the family of a pipeline folder by its class.

    Raises:
        InvalidRequest: no family has this class.
    """
    for family in families().values():
        if folder.class_name in (*family.classes.values(), *family.also):
            return family.name
    return _known("", f"{folder.path.name} (class {folder.class_name})")


def _known(family: str, what: str) -> str:
    if family not in families():
        raise InvalidRequest(
            f"{what} belongs to no model family that runs here.",
            field="source",
            fix=f"Known types: {', '.join(sorted(families()))}.",
        )
    return family


def family_of_shapes(shapes: Shapes) -> str:
    """Return the family whose tensors these are, empty when unknown."""
    if shape_of(shapes) is not None:
        return "upscaler"
    keys = {key.removeprefix("model.diffusion_model."): shape for key, shape in shapes.items()}
    if "conditioner.embedders.1.model.transformer.resblocks.0.ln_1.weight" in shapes or any(
        key.startswith("conditioner.embedders.1.") for key in shapes
    ):
        return "sdxl"
    if any(key.startswith("input_blocks.") for key in keys):
        width = next((shape[-1] for key, shape in keys.items() if key.endswith("attn2.to_k.weight")), 0)
        return "sdxl" if width == 2048 else "sd"
    for family, marker in _MARKERS:
        if any(key.startswith(marker) for key in keys):
            return family
    return ""


_MARKERS = (
    ("sd3", "joint_blocks.0.context_block"),
    ("flux2", "double_stream_modulation_img"),
    ("flux", "double_blocks.0.img_attn"),
    ("wan", "head.modulation"),
    ("wan", "condition_embedder.text_embedder"),
    ("mochi", "blocks.0.attn.qkv_x"),
    ("qwen-image", "transformer_blocks.0.img_mod"),
    ("ltx2", "transformer_blocks.0.audio_to_video_attn"),
    ("flux", "single_transformer_blocks.0.attn"),
    ("sd3", "transformer_blocks.0.attn.add_k_proj"),
)
"""Beginnings of tensor names that only one family has, most telling first."""
