"""Where a model's files are on this machine: in this package, a folder of the user's, or the hub's cache."""

from __future__ import annotations

import os
import re
from pathlib import Path

from diorama.contract import BackendSettings

from diorama_local_diffusers.models.entry import ModelEntry

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
"""``owner/name`` of a hub repository."""


def hub_cache() -> Path:
    """Return the hub's cache folder, as ``huggingface_hub`` finds it, without importing it."""
    if named := os.environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    home = os.environ.get("HF_HOME") or os.path.join(
        os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface"
    )
    return Path(home).expanduser() / "hub"


def snapshot(repository: str, revision: str = "") -> Path | None:
    """Return the cached snapshot of a hub repository, or ``None``."""
    place = hub_cache() / f"models--{repository.replace('/', '--')}"
    reference = place / "refs" / (revision or "main")
    commit = reference.read_text().strip() if reference.is_file() else revision
    found = place / "snapshots" / commit
    return found if commit and found.is_dir() else None


def locate(entry: ModelEntry, settings: BackendSettings) -> Path | None:
    """Return the folder or file of a model, or ``None`` when it is not on this machine."""
    if entry.path.startswith("package:"):
        place = Path(__file__).parent.parent / entry.path.removeprefix("package:")
        return place if place.exists() else None
    return locate_path(entry.path, entry.revision, settings)


def locate_path(text: str, revision: str, settings: BackendSettings) -> Path | None:
    """Return where a path, a name in a models folder, or a hub id lies, or ``None``."""
    path = Path(text).expanduser()
    if path.is_absolute():
        return path if path.exists() else None
    for folder in settings.models_dirs:
        for name in (text, text.replace("/", "--"), text.rpartition("/")[2]):
            if (folder / name).exists():
                return folder / name
    return snapshot(text, revision) if HUB_ID.fullmatch(text) else None
