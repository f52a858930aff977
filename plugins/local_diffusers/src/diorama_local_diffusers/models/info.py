"""Catalog entries from rows of the list and what lies on disk."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import (
    Availability,
    AvailabilityState,
    BackendSettings,
    DioramaError,
    License,
    ModelInfo,
)

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, folder_bytes, missing_weights, read_folder
from diorama_local_diffusers.models.locate import HUB_ID, locate
from diorama_local_diffusers.models.vocabulary import read_vocabulary


def model_info(entry: ModelEntry, settings: BackendSettings) -> ModelInfo:
    """Return the catalog entry of a model, with its true size when it is on disk."""
    place = locate(entry, settings)
    folder = _folder(place)
    family = family_named(entry.type)
    vocabulary = read_vocabulary(place) if place is not None else None
    hub = bool(HUB_ID.fullmatch(entry.path))
    return ModelInfo(
        id=f"{settings.id}:{entry.name}",
        title=entry.title or entry.name,
        operations=family.capabilities(entry, folder),
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
        revision=entry.revision or None,
        downloadable=hub,
        links={"homepage": f"https://huggingface.co/{entry.path}"} if hub else {},
        vocabulary=vocabulary.groups if vocabulary else {},
    )


def availability(
    entry: ModelEntry, place: Path | None, folder: PipelineFolder | None, settings: BackendSettings
) -> Availability:
    """Return whether the model can run now, and the sentence that mends it."""
    name = f"{settings.id}:{entry.name}"
    hub = bool(HUB_ID.fullmatch(entry.path))
    if place is not None and folder is not None and (problems := missing_weights(folder)):
        fix = f"Run `diorama models download {name}`: {'; '.join(problems)}."
        return Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix)
    if place is not None:
        return Availability()
    if not hub:
        return Availability(
            state=AvailabilityState.NEEDS_INSTALL,
            fix=f"{entry.path} is gone; put it back or remove the model.",
        )
    url = f"https://huggingface.co/{entry.path}"
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


def _folder(place: Path | None) -> PipelineFolder | None:
    if place is None or not place.is_dir():
        return None
    try:
        return read_folder(place)
    except DioramaError:
        return None


def _disk_gb(place: Path | None) -> float | None:
    if place is None:
        return None
    size = place.stat().st_size if place.is_file() else folder_bytes(place)
    return size / 1e9
