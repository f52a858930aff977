"""Stand-ins for every model of the list: tiny folders, files and adapters with a ``models.toml`` that names them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from diorama_local_diffusers.models.folder import read_folder
from diorama_local_diffusers.testing.checkpoint import write_gguf, write_sd_checkpoint
from diorama_local_diffusers.testing.flow_checkpoint import write_sd3_checkpoint
from diorama_local_diffusers.testing.networks import write_adapter, write_controlnet
from diorama_local_diffusers.testing.tiny import build, makers

QUANTIZED = ("Q4_0", "Q8_0")
"""GGUF types that can be written without the original tools."""
FAMILIES = tuple(name for name in makers() if ":" not in name)
CHECKPOINTS: dict[str, Callable[[Any, Path], Path]] = {"sd": write_sd_checkpoint, "sd3": write_sd3_checkpoint}
"""What writes a family's whole model as one file."""
UPSCALERS: dict[str, dict[str, Any]] = {
    "realesrgan-x4plus": {"kind": "rrdb", "scale": 4, "growth": 4},
    "realesrgan-x2plus": {"kind": "rrdb", "scale": 2, "growth": 4, "unshuffle": 2},
    "realesrgan-anime-6b": {"kind": "rrdb", "scale": 4, "growth": 4},
    "realesrgan-animevideo-v3": {"kind": "compact", "scale": 4},
    "realesrgan-general-x4v3": {"kind": "compact", "scale": 4},
}
"""The official upscalers with their own networks, a few channels wide."""


def build_standins(root: Path, families: Iterable[str] = (), size: int = 64) -> Path:
    """Write stand-ins below ``root`` and return the list of models that names them.

    Args:
        root: A folder; it is made when it is not there. What is there already is kept.
        families: Which families; all when empty. Upscalers, LoRA, ControlNets and adapters come along.
        size: Usual width and height of their pictures, in pixels.
    """
    import torch

    from diorama_local_diffusers.runtime.loading import quiet_libraries

    quiet_libraries()
    torch.set_num_threads(1)
    root = root.resolve()
    root.mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Any]] = []
    for family in families or FAMILIES:
        rows += _rows(family, build(family, root), root, size)
    rows += _upscalers(root)
    return _write_list(root, rows)


def _rows(family: str, folder: Path, root: Path, size: int) -> list[dict[str, Any]]:
    row = {"name": f"tiny-{family}", "path": str(folder), "type": family, "default_steps": 2}
    row |= {"default_width": size, "default_height": size}
    if family in ("cogvideox", "cogvideox-i2v", "ltx2", "wan", "wan-i2v", "mochi", "svd"):
        row["default_num_frames"] = 9
    rows = [row]
    if family == "ltx2":
        rows.append(row | {"name": "tiny-ltx2-fp8", "type": "ltx2-fp8"})
    if family in ("flux", "flux-kontext", "qwen-image", "qwen-image-edit", "qwen-image-edit-plus"):
        files = _quantized(folder, root / "gguf" / family)
        rows.append(
            row | {"name": f"tiny-{family}-gguf", "gguf": str(files), "quantizations": list(QUANTIZED)}
        )
    if family in CHECKPOINTS:
        file = root / f"tiny-{family}.safetensors"
        if not file.exists():
            CHECKPOINTS[family](_open(folder), file)
        rows.append(row | {"name": f"tiny-{family}-file", "path": str(file), "base": str(folder)})
    if family in ("sd", "sdxl", "sd3", "flux") and not (network := root / "controlnets" / family).exists():
        write_controlnet(folder, network)
    if family in ("sd", "sdxl"):
        if not (adapter := root / "adapters" / family).exists():
            write_adapter(folder, adapter)
        _lora(folder, root / "loras" / f"tiny-{family}.safetensors")
    return rows


def _open(folder: Path) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(folder, local_files_only=True)


def _transformer(folder: Path) -> Any:
    import diffusers

    kind = getattr(diffusers, read_folder(folder).components["transformer"][1])
    return kind.from_pretrained(folder / "transformer", local_files_only=True)


def _quantized(folder: Path, place: Path) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for kind in QUANTIZED:
        file = place / f"tiny-{kind}.gguf"
        if not file.exists():
            write_gguf(_transformer(folder), file, kind)
    return place


def _lora(folder: Path, place: Path) -> None:
    if place.exists():
        return
    from peft import LoraConfig, get_peft_model_state_dict

    pipe = _open(folder)
    targets = ["to_q", "to_k", "to_v"]
    pipe.unet.add_adapter(LoraConfig(r=2, target_modules=targets, init_lora_weights=False), "made")
    tensors = get_peft_model_state_dict(pipe.unet, adapter_name="made")
    place.parent.mkdir(parents=True, exist_ok=True)
    pipe.save_lora_weights(
        place.parent, unet_lora_layers=tensors, weight_name=place.name, safe_serialization=True
    )


def _upscalers(root: Path) -> list[dict[str, Any]]:
    from safetensors.torch import save_file

    from diorama_local_diffusers.upscale.networks import Shape
    from diorama_local_diffusers.upscale.networks import build as network

    rows = []
    for name, shape in UPSCALERS.items():
        file = root / f"{name}.safetensors"
        if not file.exists():
            save_file(network(Shape(features=8, depth=2, **shape)).state_dict(), file)
        row = {"name": f"tiny-{name}", "path": str(file), "type": "upscaler", "scale": shape["scale"]}
        rows.append(row)
    return rows


def _write_list(root: Path, rows: list[dict[str, Any]]) -> Path:
    import tomli_w

    place = root / "models.toml"
    place.write_text(tomli_w.dumps({"models": rows}), encoding="utf-8")
    return place
