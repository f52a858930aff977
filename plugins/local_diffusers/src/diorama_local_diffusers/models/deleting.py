"""Freeing the disk space of hub models without touching a file that another model here runs with."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from diorama.contract import Availability, AvailabilityState, BackendNotReady, BackendSettings, Conflict

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.adapters import hub_lora
from diorama_local_diffusers.models.described import held_parts, is_whole
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import read_json
from diorama_local_diffusers.models.info import availability, parts_folder, weights_on_disk
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache, locate
from diorama_local_diffusers.models.quantized import local_file
from diorama_local_diffusers.models.shelf import all_entries
from diorama_local_diffusers.models.wanted import needed_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What deleting a model would do.

    Attributes:
        size: Bytes of the model's files in the hub's cache.
        freed: Bytes that leave the disk.
        files: Snapshot files that go one by one.
        folder: The repository's folder when it goes as a whole, partial downloads included; ``None`` otherwise.
        kept_for: Names of the models for which files stay.
    """

    size: int
    freed: int
    files: frozenset[Path]
    folder: Path | None
    kept_for: tuple[str, ...]


class Holdings:
    """Which files of the hub's cache each complete model runs with.

    Args:
        settings: Of the backend.
    """

    def __init__(self, settings: BackendSettings) -> None:
        self._settings = settings
        self._held = {
            entry.name: held_files(entry, settings)
            for entry in all_entries(settings).values()
            if is_complete(entry, settings)
        }

    def complete(self, entry: ModelEntry) -> bool:
        """Whether all that a model needs is on this machine."""
        return entry.name in self._held

    def removal(self, entry: ModelEntry) -> Removal:
        """Return what deleting ``entry`` would do.

        Models that run with exactly the same files are one model on disk; they do not keep each other.
        """
        own = held_files(entry, self._settings)
        others = {name: files for name, files in self._held.items() if name != entry.name and files != own}
        folder = _repository(entry, self._settings)
        whole = folder is not None and not any(
            file.is_relative_to(folder) for files in others.values() for file in files
        )
        used = frozenset().union(*others.values()) & own
        gone = own - used
        size, freed = _bytes(own), _blob_bytes(gone)
        if whole and folder is not None:
            beside = frozenset(file for file in gone if not file.is_relative_to(folder))
            size = _bytes(file for file in own if not file.is_relative_to(folder)) + _folder_bytes(folder)
            freed = _blob_bytes(beside) + _folder_bytes(folder)
            gone = beside
        kept_for = tuple(sorted(name for name, files in others.items() if files & own))
        return Removal(
            size=size, freed=freed, files=gone, folder=folder if whole else None, kept_for=kept_for
        )


def delete_files(entry: ModelEntry, settings: BackendSettings) -> int:
    """Remove the files that only this model runs with from the hub's cache, and return the freed bytes.

    Raises:
        BackendNotReady: the files are the user's own.
        Conflict: other models run with every one of them.
    """
    place = locate(entry, settings)
    if not HUB_ID.fullmatch(entry.path) or (place is not None and not place.is_relative_to(hub_cache())):
        raise BackendNotReady(
            f"The files of {entry.name} are your own and stay.",
            fix="Take the model out of the list with `diorama models remove`.",
        )
    removal = Holdings(settings).removal(entry)
    if removal.kept_for and not removal.freed:
        raise Conflict(
            f"Every file of {entry.name} is also a file of {', '.join(removal.kept_for)}, so all of them stay.",
            field="model",
            fix=f"Delete {settings.id}:{removal.kept_for[0]} first.",
        )
    for file in removal.files:
        _remove(file)
    if removal.folder is not None:
        shutil.rmtree(removal.folder, ignore_errors=True)
    return removal.freed


def is_complete(entry: ModelEntry, settings: BackendSettings) -> bool:
    """Whether all files that a model needs are here, whatever else it may lack."""
    place = weights_on_disk(entry, settings)
    if place is None:
        return False
    found: Availability = availability(entry, place, parts_folder(entry, place, settings), settings)
    return found.state in (AvailabilityState.READY, AvailabilityState.NEEDS_INSTALL)


def held_files(entry: ModelEntry, settings: BackendSettings) -> frozenset[Path]:
    """Return the snapshot files of the hub's cache that a model runs with."""
    place = locate(entry, settings)
    found: set[Path] = set()
    if place is not None and place.is_dir():
        found |= _parts(place, entry, without_denoiser=bool(entry.gguf))
    elif place is not None and place.is_file() and entry.type != "upscaler":
        folder = parts_folder(entry, place, settings)
        needed = _parts(folder.path, entry, without_denoiser=True) if folder is not None else set()
        whole, held = is_whole(place, entry.type), held_parts(place, entry.type)
        found |= {
            file
            for file in needed
            if file.suffix != ".safetensors" or not (whole or file.parent.name in held)
        }
    found |= {file for kind in entry.quantizations if (file := local_file(entry, kind, settings))}
    if entry.lora and (lora := hub_lora(entry.lora)):
        found.add(lora)
    cache = hub_cache()
    return frozenset(file for file in found if file.is_relative_to(cache))


def _parts(folder: Path, entry: ModelEntry, *, without_denoiser: bool) -> set[Path]:
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    needed = needed_names(read_json(folder / "model_index.json"), names)
    weights = f"{family_named(entry.type).denoiser}/"
    return {
        folder / name
        for name in needed
        if not (without_denoiser and name.startswith(weights) and name.endswith(".safetensors"))
    }


def _repository(entry: ModelEntry, settings: BackendSettings) -> Path | None:
    """Return the folder of the model's own repository in the hub's cache."""
    place = locate(entry, settings)
    if not HUB_ID.fullmatch(entry.path) or (place is not None and not place.is_relative_to(hub_cache())):
        return None
    folder = hub_cache() / f"models--{entry.path.replace('/', '--')}"
    return folder if folder.is_dir() else None


def _remove(file: Path) -> None:
    """Remove a snapshot file, its blob when nothing else points there, and the repository when it is empty."""
    blob = file.resolve()
    file.unlink(missing_ok=True)
    repository = _repository_of(file)
    left = [other for other in (repository / "snapshots").rglob("*") if other.is_file()]
    if blob != file and all(other.resolve() != blob for other in left):
        blob.unlink(missing_ok=True)
    if not left:
        shutil.rmtree(repository, ignore_errors=True)


def _repository_of(file: Path) -> Path:
    return hub_cache() / file.relative_to(hub_cache()).parts[0]


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in {file.resolve() for file in files} if file.exists())


def _blob_bytes(files: frozenset[Path]) -> int:
    """Return the bytes that removing snapshot files frees: blobs that other snapshot files need are not counted."""
    blobs = {file.resolve() for file in files}
    for repository in {_repository_of(file) for file in files}:
        others = (other for other in (repository / "snapshots").rglob("*") if other.is_file())
        blobs -= {other.resolve() for other in others if other not in files}
    return _bytes(blobs)


def _folder_bytes(repository: Path) -> int:
    """Return the bytes of a repository in the cache: its blobs, and files where links are not possible."""
    files = (file for part in ("blobs", "snapshots") for file in (repository / part).rglob("*"))
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())
