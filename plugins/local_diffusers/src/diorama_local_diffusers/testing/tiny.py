"""Build a tiny random pipeline of any family on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def makers() -> dict[str, Callable[[], Any]]:
    """Return what builds each tiny pipeline, by family; variants follow a colon."""
    from diorama_local_diffusers.testing import images, videos

    return {
        "sd": images.sd,
        "sd:inpaint": lambda: images.sd(in_channels=9),
        "sd:deep": lambda: images.sd(layers=8),
        "sdxl": images.sdxl,
        "sd3": images.sd3,
        "flux": images.flux,
        "flux:schnell": lambda: images.flux(guidance=False),
        "flux-kontext": images.flux_kontext,
        "flux2": images.flux2,
        "qwen-image": images.qwen_image,
        "qwen-image:wide": lambda: images.qwen_image(wide=True),
        "qwen-image-edit": images.qwen_image_edit,
        "qwen-image-edit-plus": lambda: images.qwen_image_edit(plus=True),
        "cogvideox": videos.cogvideox,
        "cogvideox-i2v": lambda: videos.cogvideox(from_picture=True),
        "ltx2": videos.ltx2,
        "wan": videos.wan,
        "wan:single": lambda: videos.wan(single=True),
        "wan-i2v": lambda: videos.wan(from_picture=True),
        "mochi": videos.mochi,
        "svd": videos.svd,
    }


def build(name: str, root: Path, seed: int = 0) -> Path:
    """Write the tiny pipeline ``name`` below ``root`` once and return its folder, as ``from_pretrained`` takes it.

    Args:
        name: A key of :func:`makers`.
        root: Where the folder is made.
        seed: Of the random weights.
    """
    import torch

    folder = root / f"tiny-{name.replace(':', '-')}-{seed}"
    if not (folder / "model_index.json").exists():
        torch.manual_seed(seed)
        makers()[name]().save_pretrained(folder, safe_serialization=True)
    return folder
