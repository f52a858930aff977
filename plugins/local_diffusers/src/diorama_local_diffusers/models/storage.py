"""What models take on this disk, by looking."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import BackendSettings, StoredModel

from diorama_local_diffusers.models.deleting import Holdings
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import folder_bytes
from diorama_local_diffusers.models.info import weights_on_disk
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache
from diorama_local_diffusers.models.quantized import local_file
from diorama_local_diffusers.models.shelf import all_entries


def stored_models(settings: BackendSettings) -> list[StoredModel]:
    """Return every model that has files on this machine.

    A model of which nothing is here but files of others is left out: nobody put it there.
    """
    holdings = Holdings(settings)
    found = []
    for entry in all_entries(settings).values():
        place = weights_on_disk(entry, settings)
        if place is None:
            continue
        stored = _stored(entry, place, settings, holdings)
        if holdings.complete(entry) or not stored.shared_with or stored.freeable_bytes:
            found.append(stored)
    return found


def _stored(entry: ModelEntry, place: Path, settings: BackendSettings, holdings: Holdings) -> StoredModel:
    if HUB_ID.fullmatch(entry.path) and place.is_relative_to(hub_cache()):
        removal = holdings.removal(entry)
        return StoredModel(
            native_id=entry.name,
            path=str(place),
            size_bytes=removal.size,
            freeable_bytes=removal.freed,
            shared_with=removal.kept_for,
        )
    files = {local_file(entry, kind, settings) for kind in entry.quantizations} - {None}
    size = place_bytes(place)
    beside = sum(file.stat().st_size for file in files if file is not None)
    return StoredModel(
        native_id=entry.name,
        path=str(place),
        size_bytes=size + beside,
        freeable_bytes=size if entry.sha256 else 0,
    )


def place_bytes(place: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return place.stat().st_size if place.is_file() else folder_bytes(place)
