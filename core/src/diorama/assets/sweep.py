"""Tidying up after a crash: what is on disk without a row goes, what has a row without a file is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        removed_files: Files without a row, and half-written ones.
        removed_folders: Work folders of jobs that are over.
        freed_bytes: Size of the removed files.
        missing: Ids of assets whose file is gone.
    """

    removed_files: int
    removed_folders: int
    freed_bytes: int
    missing: tuple[str, ...]


def sweep(connection: Connection, root: Path, work_dir: Path, before: float) -> SweepReport:
    """Compare a month's folder at a time with its rows.

    Args:
        connection: For reading; rows that are committed later belong to files that are newer than ``before``.
        root: Assets folder.
        work_dir: Folder of the jobs' folders.
        before: Unix seconds; nothing changed later is touched.
    """
    files, freed, missing = 0, 0, []
    waiting = {path.relative_to(root).as_posix() for path in _months(root)}
    for month, rows in groupby(_rows(connection), key=lambda row: row[1].rpartition("/")[0]):
        waiting.discard(month)
        present = {entry.name: entry for entry in _entries(root / month)}
        known: set[str] = set()
        for asset_id, path, thumbnail in rows:
            name = path.rpartition("/")[2]
            known |= {
                name,
                (thumbnail or "").rpartition("/")[2],
                f"{asset_id}.thumb.webp",
                f"{asset_id}.moving.webp",
            }
            if name not in present:
                missing.append(asset_id)
        count, size = _remove([entry for name, entry in present.items() if name not in known], before)
        files, freed = files + count, freed + size
    for month in waiting:
        count, size = _remove(list(_entries(root / month)), before)
        files, freed = files + count, freed + size
    folders = _remove_work(work_dir, before)
    return SweepReport(
        removed_files=files, removed_folders=folders, freed_bytes=freed, missing=tuple(missing)
    )


def remove_unfinished(folder: Path, before: float) -> int:
    """Remove half-written files that a crash left in a folder without rows; return how many."""
    found = [
        entry for entry in _entries(folder) if entry.name.startswith(".") and entry.name.endswith(".tmp")
    ]
    return _remove(found, before)[0]


def _rows(connection: Connection) -> Iterator[tuple[str, str, str | None]]:
    """Yield id, path and thumbnail of all assets by id, which is also the order of their folders."""
    from sqlalchemy import select

    from diorama.database.tables import assets

    last, size = "", 5000
    statement = select(assets.c.id, assets.c.path, assets.c.thumbnail).order_by(assets.c.id).limit(size)
    while True:
        rows = connection.execute(statement.where(assets.c.id > last)).all()
        for row in rows:
            yield row[0], row[1], row[2]
        if len(rows) < size:
            return
        last = rows[-1][0]


def _months(root: Path) -> Iterator[Path]:
    for year in _folders(root):
        yield from _folders(year)


def _folders(path: Path) -> Iterator[Path]:
    if path.is_dir():
        with os.scandir(path) as found:
            yield from [
                path / entry.name
                for entry in found
                if entry.is_dir(follow_symlinks=False) and entry.name.isdigit()
            ]


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    if folder.is_dir():
        with os.scandir(folder) as found:
            yield from [entry for entry in found if entry.is_file(follow_symlinks=False)]


def _remove(entries: list[os.DirEntry[str]], before: float) -> tuple[int, int]:
    count, size = 0, 0
    for entry in entries:
        try:
            facts = entry.stat(follow_symlinks=False)
            if facts.st_mtime < before:
                os.unlink(entry.path)
                count, size = count + 1, size + facts.st_size
        except OSError:
            continue  # gone meanwhile, or not ours to remove; the next sweep sees it again
    return count, size


def _remove_work(work_dir: Path, before: float) -> int:
    count = 0
    if not work_dir.is_dir():
        return 0
    for entry in list(os.scandir(work_dir)):
        try:
            if entry.is_dir(follow_symlinks=False) and entry.stat(follow_symlinks=False).st_mtime < before:
                shutil.rmtree(entry.path, ignore_errors=True)
                count += 1
        except OSError:
            continue
    return count
