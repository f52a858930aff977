"""What models take on this disk, by looking."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import BackendSettings, StoredModel

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import folder_bytes
from diorama_local_diffusers.models.info import weights_on_disk
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache
from diorama_local_diffusers.models.quantized import local_file
from diorama_local_diffusers.models.shelf import all_entries


def stored_models(settings: BackendSettings) -> list[StoredModel]:
    """Return every model that has files on this machine."""
    found = []
    for entry in all_entries(settings).values():
        place = weights_on_disk(entry, settings)
        if place is not None:
            found.append(_stored(entry, place, settings))
    return found


def _stored(entry: ModelEntry, place: Path, settings: BackendSettings) -> StoredModel:
    size = freeable = place_bytes(place)
    if HUB_ID.fullmatch(entry.path) and place.is_relative_to(hub_cache()):
        size = freeable = repository_bytes(entry.path)
    elif not entry.sha256:
        freeable = 0
    files = {local_file(entry, kind, settings) for kind in entry.quantizations} - {None}
    size += sum(file.stat().st_size for file in files if file is not None)
    return StoredModel(native_id=entry.name, path=str(place), size_bytes=size, freeable_bytes=freeable)


def place_bytes(place: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return place.stat().st_size if place.is_file() else folder_bytes(place)


def repository_bytes(repository: str) -> int:
    """Return what a hub repository takes in the cache, all its revisions together; each blob counts once."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        info = scan_cache_dir(hub_cache())
    except CacheNotFound:
        return 0
    return sum(
        repo.size_on_disk for repo in info.repos if repo.repo_id == repository and repo.repo_type == "model"
    )
