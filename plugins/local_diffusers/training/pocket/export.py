"""Stage 5: save everything as an ordinary `StableDiffusionPipeline` folder, in half precision."""

import json
from pathlib import Path
from shutil import rmtree

import torch
from diffusers import UNet2DConditionModel

from .sampling import assemble
from .vocabulary import write_vocabulary

LIMIT = 25_000_000
"""Most bytes that the folder may hold."""


def _forget_origin(config: Path) -> None:
    """Remove the path on this machine that diffusers notes in a config."""
    settings = json.loads(config.read_text())
    settings.pop("_name_or_path", None)
    config.write_text(json.dumps(settings, indent=2) + "\n")


def export(out: Path, target: Path, unet: UNet2DConditionModel | None = None) -> int:
    """Write the pipeline and `vocabulary.json` to `target` (replaced); returns its size in bytes.

    Raises ValueError if the folder is larger than `LIMIT`.
    """
    pipe = assemble(out, unet).to(dtype=torch.float16)
    if target.exists():
        rmtree(target)
    pipe.save_pretrained(target, safe_serialization=True)
    write_vocabulary(target / "vocabulary.json")
    for path in (path for path in target.rglob("*") if path.is_file()):
        path.chmod(0o644)
        if path.name == "config.json":
            _forget_origin(path)
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
    if size > LIMIT:
        raise ValueError(
            f"{target} holds {size} bytes, more than the {LIMIT} allowed; make the networks narrower"
        )
    print(f"{target}: {size / 1e6:.1f} MB")
    return size
