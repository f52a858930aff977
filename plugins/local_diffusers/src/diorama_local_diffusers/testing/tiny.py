"""Build a tiny random pipeline of any family on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any


def makers() -> dict[str, Callable[[], Any]]:
    """Return what builds each tiny pipeline, by family; variants follow a colon."""
    from diorama_local_diffusers.testing import images

    return {"sd": images.sd, "sd:inpaint": lambda: images.sd(in_channels=9)}


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
