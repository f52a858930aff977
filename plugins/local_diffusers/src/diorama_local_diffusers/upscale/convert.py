"""``python -m diorama_local_diffusers.upscale.convert SOURCE TARGET``: tensors of a checked ``.pth`` file as safetensors.

A process of its own, because a download runs in the server, which never imports torch.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def convert(source: Path, target: Path) -> None:
    """Write the tensors of a file as safetensors; torch's restricted reader makes tensors and nothing else."""
    import torch
    from safetensors.torch import save_file

    content = torch.load(source, map_location="cpu", weights_only=True)
    tensors = content.get("params_ema") or content.get("params") or content
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".new")
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, draft)
    os.replace(draft, target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
