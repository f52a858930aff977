"""LoRA as catalog entries: those on this machine, and known ones that are worth getting."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from diorama.contract import Availability, AvailabilityState, BackendSettings, InvalidRequest, LoraInfo

from diorama_local_diffusers.models.adapters import LoraFile, list_loras, lora_folders, read_lora
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache
from diorama_local_diffusers.models.sidecar import noted_lora, read_sidecar

_GENERIC = frozenset({"lora", "pytorch_lora_weights", "diffusion_pytorch_model"})
"""File names that many LoRA have, which therefore say nothing about which one it is."""


@cache
def presets() -> tuple[LoraInfo, ...]:
    """Return the LoRA that this package knows, as they are when nothing is downloaded."""
    text = resources.files("diorama_local_diffusers").joinpath("loras.toml").read_text(encoding="utf-8")
    return tuple(_preset(table) for table in tomllib.loads(text)["loras"])


def offered_loras(settings: BackendSettings) -> list[LoraInfo]:
    """Return the LoRA of this machine, and the known ones with what each still needs."""
    files = list_loras(settings)
    found: list[LoraInfo] = []
    used: set[Path] = set()
    for preset in presets():
        file = _file_of(preset, files)
        if file is None:
            found.append(replace(preset, availability=_missing(preset, settings)))
            continue
        used.add(file.path)
        ready = Availability()
        found.append(replace(preset, id=file.id, size_bytes=file.size, triggers=file.triggers,
                             availability=ready))  # fmt: skip
    return [*(_plain(file) for file in files if file.path not in used), *found]


def _preset(table: dict[str, Any]) -> LoraInfo:
    names = {"default_steps": "num_inference_steps", "default_guidance": "guidance_scale"}
    file = str(table["file"])
    return LoraInfo(
        id=file if file.count("/") >= 2 else file.removesuffix(".safetensors"),
        title=table["title"],
        kind=table["kind"],
        description=table.get("description", ""),
        size_bytes=int(table.get("size_gb", 0) * 1e9),
        weight=float(table.get("weight", 1.0)),
        defaults={name: table[key] for key, name in names.items() if key in table},
        preset=True,
        availability=Availability(
            state=AvailabilityState.NEEDS_DOWNLOAD, fix="It is not on this machine.", url=_page(table)
        ),
    )


def _page(table: dict[str, Any]) -> str:
    owner, _, rest = str(table["file"]).partition("/")
    return str(table.get("url") or f"https://huggingface.co/{owner}/{rest.partition('/')[0]}")


def _file_of(preset: LoraInfo, files: list[LoraFile]) -> LoraFile | None:
    """Return the file of a preset: in a LoRA folder under its own name, or in the hub's cache."""
    stem = PurePosixPath(preset.id).name.removesuffix(".safetensors")
    here = next((file for file in files if stem not in _GENERIC and file.path.stem == stem), None)
    if here is not None or "/" not in preset.id:
        return here
    owner, name, rest = preset.id.split("/", 2)
    folder = hub_cache() / f"models--{owner}--{name}" / "snapshots"
    for path in sorted(folder.glob(f"*/{rest}")) if folder.is_dir() else ():
        try:
            return read_lora(path, preset.id)
        except InvalidRequest:
            continue
    return None


def _missing(preset: LoraInfo, settings: BackendSettings) -> Availability:
    url = preset.availability.url
    if settings.offline:
        return Availability(
            state=AvailabilityState.OFFLINE, fix="Not on this machine, and offline mode is on.", url=url
        )
    parts = preset.id.split("/", 2)
    if len(parts) == 3 and HUB_ID.fullmatch("/".join(parts[:2])):
        fix = f"Run `hf download {parts[0]}/{parts[1]} {parts[2]}`."
    else:
        fix = f"Download it from {url} into {lora_folders(settings)[-1]}."
    return Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix, url=url)


def _plain(file: LoraFile) -> LoraInfo:
    noted = noted_lora(read_sidecar(file.path))
    return LoraInfo(
        id=file.id, kind=file.kind, triggers=file.triggers, size_bytes=file.size,
        **{"title": Path(file.id).name, **noted},
    )  # fmt: skip
