"""Models that are in no list but named directly: a hub id, or a path of the user's."""

from __future__ import annotations

from pathlib import Path

from diorama.contract import BackendSettings

from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.hub import family_on_hub
from diorama_local_diffusers.models.locate import HUB_ID, snapshot


def direct_entry(native_id: str, settings: BackendSettings, *, offline: bool) -> ModelEntry | None:
    """Return an entry for a hub id, or ``None`` when the text names nothing.

    Paths are not accepted here: a request must never open a file of its own choosing, so folders and files come in
    by ``diorama models add`` only.

    Raises:
        DioramaError: it is not on this machine, and cannot be looked up on the hub.
    """
    if not HUB_ID.fullmatch(native_id) or ".." in native_id:
        return None
    for folder in settings.models_dirs:
        place = folder / native_id.replace("/", "--")
        if place.is_dir():
            return _entry(native_id, detect(place))
    cached = snapshot(native_id)
    if cached is not None and (cached / "model_index.json").is_file():
        return _entry(native_id, detect(cached))
    return _entry(native_id, family_on_hub(native_id, offline=offline))


def _entry(native_id: str, family: str) -> ModelEntry:
    return ModelEntry(name=native_id, path=native_id, type=family, title=Path(native_id).name, origin="hub")
