"""LoRA as catalog entries: those on this machine, and known ones that are worth getting."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any

from diorama.contract import Availability, AvailabilityState, BackendSettings, LoraInfo

from diorama_local_diffusers.models.adapters import LoraFile, file_digest, list_loras, lora_folders
from diorama_local_diffusers.models.sidecar import noted_hash, noted_lora, read_sidecar

_GENERIC = frozenset({"lora", "pytorch_lora_weights", "diffusion_pytorch_model"})
"""File names that many LoRA have, which therefore say nothing about which one it is."""
_NEAR = 0.01
"""A file whose size differs by more than this share from the published one is not hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A LoRA that this package knows.

    Attributes:
        info: Its entry when it is not on this machine.
        url: Page where people fetch it.
        sha256: Hash of the published file, empty when not known.
        source: Download id of another backend, such as ``civitai:135867``; empty for files of the hub.
    """

    info: LoraInfo
    url: str
    sha256: str = ""
    source: str = ""

    def file(self, files: Sequence[LoraFile]) -> LoraFile | None:
        """Return this LoRA among files, whatever they are called: by hub id, note, name or hash."""
        return next((file for file in files if self._is(file)), None)

    def _is(self, file: LoraFile) -> bool:
        stem = PurePosixPath(self.info.id).name.removesuffix(".safetensors")
        if file.id == self.info.id or (stem not in _GENERIC and file.path.stem == stem):
            return True
        page = read_sidecar(file.path).get("page")
        if isinstance(page, str) and page.partition("?")[0].rstrip("/") == self.url:
            return True
        if not self.sha256:
            return False
        near = abs(file.size - self.info.size_bytes) <= _NEAR * self.info.size_bytes
        return (noted_hash(file.path) or (file_digest(file.path) if near else "")).lower() == self.sha256


@cache
def presets() -> tuple[Preset, ...]:
    """Return the LoRA that this package knows, as they are when nothing is downloaded."""
    text = resources.files("diorama_local_diffusers").joinpath("loras.toml").read_text(encoding="utf-8")
    return tuple(_preset(table) for table in tomllib.loads(text)["loras"])


def preset_file(name: str, files: Sequence[LoraFile]) -> LoraFile | None:
    """Return the file of the preset that is called ``name``, ``None`` when it is not here."""
    return next((preset.file(files) for preset in presets() if preset.info.id == name), None)


def offered_loras(settings: BackendSettings) -> list[LoraInfo]:
    """Return the LoRA of this machine, and the known ones with what each still needs."""
    files = list_loras(settings)
    found: list[LoraInfo] = []
    used: set[Path] = set()
    for preset in presets():
        file = preset.file(files)
        source = preset.source or f"{settings.id}:{preset.info.id}"
        info = replace(preset.info, download=source)
        if file is None:
            found.append(replace(info, availability=missing(preset, settings)))
            continue
        used.add(file.path)
        found.append(replace(info, id=file.id, size_bytes=file.size, triggers=file.triggers,
                             availability=Availability()))  # fmt: skip
    return [*(_plain(file) for file in files if file.path not in used), *found]


def missing(preset: Preset, settings: BackendSettings) -> Availability:
    """Return what a preset that is not here needs."""
    if settings.offline:
        return Availability(
            state=AvailabilityState.OFFLINE,
            fix="Not on this machine, and offline mode is on.",
            url=preset.url,
        )
    fix = f"Run `diorama loras download {preset.info.id}`."
    if preset.source:
        fix += f" Or put the file from {preset.url} into {lora_folders(settings)[-1]}."
    return Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix, url=preset.url)


def _preset(table: dict[str, Any]) -> Preset:
    names = {"default_steps": "num_inference_steps", "default_guidance": "guidance_scale"}
    file = str(table["file"])
    return Preset(
        info=LoraInfo(
            id=file if file.count("/") >= 2 else file.removesuffix(".safetensors"),
            title=table["title"],
            kind=table["kind"],
            description=table.get("description", ""),
            size_bytes=int(table.get("size_gb", 0) * 1e9),
            weight=float(table.get("weight", 1.0)),
            defaults={name: table[key] for key, name in names.items() if key in table},
            preset=True,
        ),
        url=_page(table),
        sha256=table.get("sha256", ""),
        source=table.get("source", ""),
    )


def _page(table: dict[str, Any]) -> str:
    owner, _, rest = str(table["file"]).partition("/")
    return str(table.get("url") or f"https://huggingface.co/{owner}/{rest.partition('/')[0]}")


def _plain(file: LoraFile) -> LoraInfo:
    noted = noted_lora(read_sidecar(file.path))
    return LoraInfo(
        id=file.id, kind=file.kind, triggers=file.triggers, size_bytes=file.size,
        **{"title": Path(file.id).name, **noted},
    )  # fmt: skip
