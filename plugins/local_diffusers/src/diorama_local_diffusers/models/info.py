"""Catalog entries from rows of the list and what lies on disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.contract import (
    Availability,
    AvailabilityState,
    BackendSettings,
    Capabilities,
    DioramaError,
    License,
    ModelInfo,
    Operation,
    Range,
)

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.adapters import hub_lora
from diorama_local_diffusers.models.controls import control_sources, reference_adapter
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, folder_bytes, missing_weights, read_folder
from diorama_local_diffusers.models.locate import HUB_ID, locate
from diorama_local_diffusers.models.quantized import local_file
from diorama_local_diffusers.models.single import base_of, completing_folder, single_lacks
from diorama_local_diffusers.models.vocabulary import read_vocabulary
from diorama_local_diffusers.upscale.foreign import INSTALL, can_open_others
from diorama_local_diffusers.upscale.weights import shape_on_disk, weights_place

CONTROL_PARAMETERS: dict[str, Any] = {
    "controlnet_conditioning_scale": {
        "type": "number", "minimum": 0, "maximum": 2, "default": 1.0, "title": "Strength of the map",
    },
    "detect_edges": {
        "type": "boolean", "default": False, "title": "Find the edges",
        "description": "Make the canny map from an ordinary picture.",
    },
}  # fmt: skip
REFERENCE_PARAMETERS: dict[str, Any] = {
    "ip_adapter_scale": {
        "type": "number", "minimum": 0, "maximum": 1.5, "default": 0.6, "title": "Strength of the reference picture",
    }
}  # fmt: skip


def model_info(entry: ModelEntry, settings: BackendSettings) -> ModelInfo:
    """Return the catalog entry of a model, with its true size when it is on disk."""
    place = weights_on_disk(entry, settings)
    folder = parts_folder(entry, place, settings)
    family = family_named(entry.type)
    vocabulary = read_vocabulary(place) if place is not None else None
    hub = bool(HUB_ID.fullmatch(entry.path))
    return ModelInfo(
        id=f"{settings.id}:{entry.name}",
        title=entry.title or entry.name,
        operations=with_controls(family.capabilities(entry, folder), entry, folder, settings),
        family=entry.family or entry.name,
        kind=family.lora_kind or family.name,
        description=entry.description or f"{family.title} model.",
        category=entry.category,
        tags=(family.name, *entry.tags),
        author=entry.author,
        license=License(
            name=entry.license, url=entry.license_url or None, commercial_use=entry.commercial_use
        )
        if entry.license
        else None,
        availability=availability(entry, place, folder, settings),
        disk_gb=_disk_gb(place) or entry.size_gb or None,
        memory_gb=entry.memory_gb or None,
        revision=revision_of(entry, place),
        downloadable=hub or bool(entry.sha256) or completes_by_download(entry, place),
        links={"homepage": f"https://huggingface.co/{entry.path}"} if hub else {},
        vocabulary=vocabulary.groups if vocabulary else {},
    )


def with_controls(
    found: dict[Operation, Capabilities],
    entry: ModelEntry,
    folder: PipelineFolder | None,
    settings: BackendSettings,
) -> dict[Operation, Capabilities]:
    """Add ControlNet maps and reference pictures where there are networks for them."""
    networks = tuple(control_sources(entry, folder, settings))
    tasks = family_named(entry.type).control_classes
    adapter = reference_adapter(entry, folder, settings)
    result = dict(found)
    for operation in (Operation.GENERATE, Operation.EDIT):
        if operation not in found:
            continue
        changes: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        if networks and ("text" if operation is Operation.GENERATE else "image") in tasks:
            changes["control_kinds"] = networks
            extra |= CONTROL_PARAMETERS
        if adapter is not None and operation is Operation.GENERATE:
            changes["images_in"] = Range(minimum=0, maximum=1, integer=True)
            extra |= REFERENCE_PARAMETERS
        if extra:
            properties = {**found[operation].parameters.get("properties", {}), **extra}
            changes["parameters"] = {"type": "object", "properties": properties}
        result[operation] = replace(found[operation], **changes)
    return result


def weights_on_disk(entry: ModelEntry, settings: BackendSettings) -> Path | None:
    """Return where a model's files are, or ``None``."""
    if entry.type != "upscaler":
        return locate(entry, settings)
    place = weights_place(entry, settings)
    return place if place.exists() else None


def availability(
    entry: ModelEntry, place: Path | None, folder: PipelineFolder | None, settings: BackendSettings
) -> Availability:
    """Return whether the model can run now, and the sentence that mends it."""
    name = f"{settings.id}:{entry.name}"
    hub = bool(HUB_ID.fullmatch(entry.path))
    if (
        place is not None
        and place.is_dir()
        and folder is not None
        and (problems := _problems(entry, folder, settings))
    ):
        fix = f"Run `diorama models download {name}`: {'; '.join(problems)}."
        return Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix)
    single = place is not None and place.is_file() and entry.type != "upscaler"
    if single and place is not None and (lacks := single_lacks(entry, place, folder, settings)):
        how = (
            f"Run `diorama models download {name}`."
            if completes_by_download(entry, place)
            else "Put it back."
        )
        fix = f"One file: it needs {lacks}. {how}"
        return Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix)
    if (
        place is not None
        and entry.type == "upscaler"
        and shape_on_disk(place) is None
        and not can_open_others()
    ):
        return Availability(state=AvailabilityState.NEEDS_INSTALL, fix=INSTALL)
    if place is not None:
        return Availability()
    if not hub:
        return Availability(
            state=AvailabilityState.NEEDS_INSTALL,
            fix=f"{entry.path} is gone; put it back or remove the model.",
        )
    url = f"https://huggingface.co/{entry.path}" if hub else entry.path
    if settings.offline:
        return Availability(
            state=AvailabilityState.OFFLINE, fix="Not on this machine, and offline mode is on.", url=url
        )
    if entry.requires_approval:
        fix = f"Accept the licence at {url} with your account, set HF_TOKEN, then run `diorama models download {name}`."
        return Availability(state=AvailabilityState.NEEDS_APPROVAL, fix=fix, url=url)
    size = f" (about {entry.size_gb:g} GB)" if entry.size_gb else ""
    return Availability(
        state=AvailabilityState.NEEDS_DOWNLOAD, fix=f"Run `diorama models download {name}`{size}.", url=url
    )


def completes_by_download(entry: ModelEntry, place: Path | None) -> bool:
    """Whether a download brings what one file needs beside itself."""
    single = place is not None and place.is_file() and entry.type != "upscaler"
    return single and bool(HUB_ID.fullmatch(base_of(entry)))


def revision_of(entry: ModelEntry, place: Path | None) -> str | None:
    """Return the commit of a snapshot in the hub's cache, else what the row names."""
    if place is not None and place.parent.name == "snapshots":
        return place.name
    return entry.revision or None


def _problems(entry: ModelEntry, folder: PipelineFolder, settings: BackendSettings) -> list[str]:
    problems = missing_weights(folder)
    if entry.lora and hub_lora(entry.lora) is None:
        problems.append("its LoRA is not here")
    if not entry.gguf:
        return problems
    denoiser = family_named(entry.type).denoiser
    others = [problem for problem in problems if not problem.startswith(denoiser + " ")]
    here = any(local_file(entry, kind, settings) for kind in entry.quantizations)
    return others if here else [*others, "no GGUF file is here"]


def parts_folder(entry: ModelEntry, place: Path | None, settings: BackendSettings) -> PipelineFolder | None:
    """Return the folder that describes a model: its own, or the one that completes a single file."""
    try:
        if place is not None and place.is_file():
            return completing_folder(entry, place, settings)
        return read_folder(place) if place is not None and place.is_dir() else None
    except DioramaError:
        return None


def _disk_gb(place: Path | None) -> float | None:
    if place is None:
        return None
    size = place.stat().st_size if place.is_file() else folder_bytes(place)
    return size / 1e9
