"""The list of models: shipped, the user's own, and whatever lies in the watched folders."""

from __future__ import annotations

import logging
import tomllib
from contextlib import suppress
from functools import cache
from importlib import resources
from pathlib import Path

from diorama.contract import BackendSettings, DioramaError, InvalidRequest

from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry, Origin, entry_from_table
from diorama_local_diffusers.models.headers import PICKLES
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache, snapshot
from diorama_local_diffusers.models.sidecar import noted_fields, read_sidecar
from diorama_local_diffusers.models.unchanged import kept_while_unchanged

log = logging.getLogger(__name__)
CHECKPOINTS = "checkpoints"
"""Folder below a models folder in which downloaded checkpoints lie."""


def user_file(settings: BackendSettings) -> Path:
    """Return the user's own list, beside the configuration; option ``models_file`` names another place."""
    named = settings.options.get("models_file")
    return Path(str(named)).expanduser() if named else settings.config_dir / "models.toml"


@cache
def shipped() -> tuple[ModelEntry, ...]:
    """Return the models that this package knows."""
    text = resources.files("diorama_local_diffusers").joinpath("models.toml").read_text(encoding="utf-8")
    return _parse(text, "shipped", "models.toml")


def user_entries(settings: BackendSettings) -> tuple[ModelEntry, ...]:
    """Return the user's own models.

    Raises:
        InvalidRequest: the file is not valid.
    """
    place = user_file(settings)
    return _parse(place.read_text(encoding="utf-8"), "user", str(place)) if place.is_file() else ()


def _parse(text: str, origin: Origin, source: str) -> tuple[ModelEntry, ...]:
    try:
        tables = tomllib.loads(text).get("models", [])
    except tomllib.TOMLDecodeError as error:
        raise InvalidRequest(f"{source} is not valid TOML: {error}.", field="models_file") from error
    return tuple(entry_from_table(table, origin, source) for table in tables)


def all_entries(settings: BackendSettings) -> dict[str, ModelEntry]:
    """Return every model by name; the user's rows replace shipped ones of the same name."""
    found = {entry.name: entry for entry in shipped()}
    try:
        found |= {entry.name: entry for entry in user_entries(settings)}
    except InvalidRequest as error:
        log.warning("The user's list of models is left out: %s", error.message)
    taken = {entry.path for entry in found.values()}
    for entry in watched_entries(settings):
        if entry.path not in taken:
            found.setdefault(entry.name, entry)
    for entry in cached_entries(taken):
        found.setdefault(entry.name, entry)
    return found


def watched_entries(settings: BackendSettings) -> list[ModelEntry]:
    """Return the diffusers folders, ``.safetensors`` and ``.gguf`` files in the models folders and their ``checkpoints``."""
    found = []
    for folder in (part for top in settings.models_dirs for part in (top, top / CHECKPOINTS)):
        for place in sorted(folder.iterdir()) if folder.is_dir() else ():
            if not (
                (place / "model_index.json").is_file() or place.suffix.lower() in (".safetensors", ".gguf")
            ):
                continue
            try:
                found.append(watched_entry(place))
            except DioramaError as error:
                log.info("%s is not listed: %s", place, error.message)
    return found


def cached_entries(taken: set[str]) -> list[ModelEntry]:
    """Return the models in the hub's cache that are in no list; their names are their hub ids.

    Args:
        taken: Hub ids that are in the list.
    """
    found = []
    for folder in sorted(hub_cache().glob("models--*--*")):
        repository = folder.name.removeprefix("models--").replace("--", "/", 1)
        place = snapshot(repository) if repository not in taken else None
        if place is None or not (place / "model_index.json").is_file():
            continue
        if next(place.glob("*/*.safetensors"), None) is None:
            continue  # only looked at so far
        with suppress(DioramaError):
            title = repository.partition("/")[2]
            found.append(
                ModelEntry(name=repository, path=repository, type=detect(place), title=title, origin="hub")
            )
    return found


def watched_entry(place: Path) -> ModelEntry:
    """Return the entry of a file or folder, with what a note beside a file says about it.

    Raises:
        InvalidRequest: it is damaged or of no known family.
    """
    noted = noted_fields(read_sidecar(place)) if place.is_file() else {}
    name = place.stem if place.is_file() else place.name
    fields = {"tags": ("local",), **noted}
    family = _file_family(place) if place.is_file() else detect(place)
    return ModelEntry(name=name, path=str(place), type=family, origin="folder", **fields)


@kept_while_unchanged(512)
def _file_family(file: Path) -> str:
    return detect(file)


def find(native_id: str, settings: BackendSettings) -> ModelEntry | None:
    """Return the model called ``native_id``: a name in the list, or the hub id or path of one."""
    entries = all_entries(settings)
    if native_id in entries:
        return entries[native_id]
    return next((entry for entry in entries.values() if entry.path == native_id), None)


def looks_like_source(text: str) -> bool:
    """Whether ``text`` can name a model: a hub id, a path, or a pickle that deserves its refusal."""
    return bool(HUB_ID.fullmatch(text)) or Path(text).expanduser().exists() or Path(text).suffix in PICKLES
