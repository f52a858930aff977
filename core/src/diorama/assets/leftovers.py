"""Inputs that people handed in and that nothing names any more."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from diorama.database.writer import Database

KEPT_SECONDS = 24 * 3600.0
"""An input stays this long after it was handed in or last used, whether or not a job came of it."""
PAGE = 2000
_NAME = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{1,8}")
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_unlinking = threading.Lock()


def touch(file: Path) -> bool:
    """Let an input count as handed in just now, so that it is not removed; False when it is not there."""
    with _unlinking:
        if not file.is_file() or file.is_symlink():
            return False
        os.utime(file)
        return True


def remove_unneeded(database: Database, folder: Path, before: float) -> tuple[int, int]:
    """Remove the inputs that no job, no recipe of an asset and no session names by their digest.

    Nothing is noted down for it, so that a crash in the middle leaves only what the next call finds again.

    Args:
        database: Where they may be named.
        folder: Where they lie, named by their digest.
        before: Unix seconds; what was handed in or used later is not touched.

    Returns:
        How many files, and their bytes.
    """
    old = _handed_in(folder, before)
    for text in _naming(database) if old else ():
        for digest in _DIGEST.findall(text):
            old.pop(digest, None)
        if not old:
            break
    return _unlink(old, before)


def _handed_in(folder: Path, before: float) -> dict[str, Path]:
    """Return by digest the inputs that are old enough; foreign names are nobody's inputs."""
    if not folder.is_dir():
        return {}
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name = _NAME.fullmatch(entry.name)
            if name and entry.is_file(follow_symlinks=False) and entry.stat().st_mtime < before:
                found[name[1]] = Path(entry.path)
    return found


def _naming(database: Database) -> Iterator[str]:
    """Yield every stored text that may name an input: requests, recipes, what sessions keep."""
    from sqlalchemy import or_, select

    from diorama.database.tables import assets, jobs, sessions

    names = or_(jobs.c.request.contains('"sha256"'), jobs.c.asked.contains('"sha256"'))
    yield from _pages(database, select(jobs.c.id, jobs.c.request, jobs.c.asked).where(names), jobs.c.id)
    recipes = select(assets.c.id, assets.c.recipe).where(assets.c.recipe.contains('"parents"'))
    yield from _pages(database, recipes, assets.c.id)
    states = select(sessions.c.id, sessions.c.state).where(sessions.c.state.is_not(None))
    yield from _pages(database, states, sessions.c.id)


def _pages(database: Database, query: Select[Any], key: ColumnElement[str]) -> Iterator[str]:
    """Yield the texts of a query's rows, a page at a time so that no reader stays open for long."""
    query = query.order_by(key).limit(PAGE)
    page = query
    while True:
        with database.read() as connection:
            rows = connection.execute(page).all()
        for row in rows:
            yield from filter(None, row[1:])
        if len(rows) < PAGE:
            return
        page = query.where(key > rows[-1][0])


def _unlink(files: Mapping[str, Path], before: float) -> tuple[int, int]:
    count = size = 0
    for file in files.values():
        with _unlinking:
            try:
                facts = file.stat(follow_symlinks=False)
                if facts.st_mtime >= before:
                    continue  # handed in again meanwhile
                file.unlink()
            except OSError:
                continue  # gone, or not ours to remove; the next time sees it again
        count, size = count + 1, size + facts.st_size
    return count, size
