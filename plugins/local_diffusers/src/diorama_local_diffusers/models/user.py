"""Adding models to the user's list and taking them out; the files themselves stay where they are."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, InvalidRequest, ModelInfo, UnknownModel

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import missing_weights, read_folder
from diorama_local_diffusers.models.headers import refuse_pickle
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.locate import HUB_ID
from diorama_local_diffusers.models.shelf import shipped, user_entries, user_file
from diorama_local_diffusers.upscale.weights import read_shape

_LINK = re.compile(r"(?:https?://)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+)")
"""A page of the hub, as people copy its address."""

_CHANGING = threading.Lock()
"""Held from reading the list to writing it: two requests at once would each lose what the other added."""


def add_model(settings: BackendSettings, source: str, *, name: str = "", type: str = "") -> ModelInfo:
    """Add a model to the user's list; its family is detected without loading weights.

    Args:
        settings: Of this backend.
        source: Folder, ``.safetensors`` file, ``.gguf`` file, or hub id ``owner/name``, also as its page's address.
        name: Native id; made from the source when empty.
        type: Family; detected when empty. Needed for a hub id that is not on this machine.

    Raises:
        InvalidRequest: a pickle, a damaged file, an unknown family, or a name that is taken.
    """
    if link := _LINK.match(source):
        source = link[1]
    path = Path(source).expanduser()
    refuse_pickle(path)
    if path.exists():
        family = type or detect(path)
        source = str(path.resolve())
        if path.is_dir() and (problems := missing_weights(read_folder(path))):
            raise InvalidRequest(f"{path} cannot be used: {'; '.join(problems)}.", field="source")
    else:
        family = type or _family_of_hub_id(source, settings)
    family_named(family)
    scale = read_shape(path).scale if family == "upscaler" else 0
    entry = ModelEntry(name=name or _name_from(path), path=source, type=family, tags=("added",), scale=scale)
    _refuse_taken(entry, settings)
    known = next((item for item in user_entries(settings) if item.name == entry.name), None)
    if known is None:
        with _list_of(settings) as models:
            if not any(row.get("name") == entry.name for row in models):
                models.append(_table(entry))
    return model_info(known or entry, settings)


def remove_model(settings: BackendSettings, native_id: str) -> None:
    """Take a model out of the user's list.

    Raises:
        UnknownModel: the list has no such model.
    """
    if not any(native_id in (entry.name, entry.path) for entry in user_entries(settings)):
        raise UnknownModel(
            f"{native_id!r} is not among the models that were added.",
            field="model",
            fix="Shipped models cannot be removed; `diorama models delete` frees their disk space.",
        )
    with _list_of(settings) as models:
        for row in [row for row in models if native_id in (row.get("name"), row.get("path"))]:
            models.remove(row)


def write_entries(settings: BackendSettings, entries: list[ModelEntry]) -> None:
    """Replace the user's list."""
    with _list_of(settings) as models:
        models.clear()
        models.extend(_table(entry) for entry in entries)


@contextmanager
def _list_of(settings: BackendSettings) -> Iterator[Any]:
    """Give the tables of the user's list to be changed; what people wrote around them, comments included, stays.

    The file is replaced in one step, so that a crash leaves the old or the new one.
    """
    import tomlkit

    place = user_file(settings)
    with _CHANGING:
        document = tomlkit.parse(place.read_text(encoding="utf-8")) if place.is_file() else tomlkit.document()
        models = document.setdefault("models", tomlkit.aot())
        yield models
        if not models:
            del document["models"]
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = place.with_name(place.name + ".new")
        draft.write_text(tomlkit.dumps(document), encoding="utf-8")
        os.replace(draft, place)


def _table(entry: ModelEntry) -> dict[str, Any]:
    plain = ModelEntry(name=entry.name, path=entry.path, type=entry.type)
    table: dict[str, Any] = {"name": entry.name, "path": entry.path, "type": entry.type}
    for item in fields(entry):
        value = getattr(entry, item.name)
        if item.name != "origin" and value != getattr(plain, item.name):
            table[item.name] = list(value) if isinstance(value, tuple) else value
    return table


def _name_from(path: Path) -> str:
    stem = path.stem if path.suffix.lower() in (".safetensors", ".gguf") else path.name
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.") or "model"


def _refuse_taken(entry: ModelEntry, settings: BackendSettings) -> None:
    taken = [
        item
        for item in (*shipped(), *user_entries(settings))
        if item.name == entry.name and item.path != entry.path
    ]
    if taken:
        raise InvalidRequest(
            f"The name {entry.name!r} belongs to {taken[0].path}.",
            field="name",
            fix="Give another name with --name.",
        )


def _family_of_hub_id(source: str, settings: BackendSettings) -> str:
    from diorama_local_diffusers.models.locate import snapshot

    path = Path(source)
    if (
        path.is_absolute()
        or source.startswith(("~", "."))
        or path.suffix.lower() in (".safetensors", ".gguf")
    ):
        raise InvalidRequest(f"{source} does not exist.", field="source", fix="Check the path.")
    if not HUB_ID.fullmatch(source):
        raise InvalidRequest(
            f"{source} is neither a file, a folder, nor a hub id.",
            field="source",
            fix="Give owner/name or a path.",
        )
    known = next((entry for entry in shipped() if entry.path == source), None)
    if known is not None:
        return known.type
    cached = snapshot(source)
    if cached is not None:
        return detect(cached)
    from diorama_local_diffusers.models.hub import family_on_hub

    return family_on_hub(source, offline=settings.offline)
