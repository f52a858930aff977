"""How much room the library and its surroundings take."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import func, select

from diorama.database.tables import assets
from diorama.database.writer import Database
from diorama.settings import Settings


def usage(database: Database, settings: Settings) -> dict[str, dict[str, int]]:
    """Return files and bytes of the library, of its trash, of pictures that came in, of the database and of the cache.

    Results are counted from their rows, thumbnails left out; the rest is measured on disk.
    """
    trashed = assets.c.trashed_at.is_not(None)
    query = select(trashed, func.count(), func.coalesce(func.sum(assets.c.bytes), 0)).group_by(trashed)
    with database.read() as connection:
        rows = {bool(row[0]): (int(row[1]), int(row[2])) for row in connection.execute(query)}
    parts = {
        "library": rows.get(False, (0, 0)),
        "trash": rows.get(True, (0, 0)),
        "inputs": _measured(settings.inputs_dir),
        "database": _files(settings.data_dir.glob("diorama.sqlite*")),
        "cache": _measured(settings.cache_dir),
    }
    return {name: {"files": files, "bytes": size} for name, (files, size) in parts.items()}


def _measured(folder: Path) -> tuple[int, int]:
    found = (Path(place, name) for place, _, names in os.walk(folder) for name in names)
    return _files(found)


def _files(paths: Iterable[Path]) -> tuple[int, int]:
    count = size = 0
    for path in paths:
        try:
            size += path.lstat().st_size
        except OSError:
            continue  # it went away meanwhile
        count += 1
    return count, size
