"""Files of the store: where they lie, how they get there whole, and that nothing outside is ever opened."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from diorama.contract import InsufficientStorage, NotFound
from diorama.ids import id_time


def folder_of(asset_id: str) -> str:
    """Return the folder of an asset, ``YYYY/MM`` by the time in its id (UTC)."""
    return datetime.fromtimestamp(id_time(asset_id), UTC).strftime("%Y/%m")


def inside(root: Path, relative: str) -> Path:
    """Return the file ``relative`` of ``root``.

    Raises:
        NotFound: it is missing, or the way to it leaves the folder or passes a link.
    """
    path = Path(f"{os.path.realpath(root)}{os.sep}{relative}")
    if "\0" in relative or os.path.realpath(path) != str(path) or not path.is_file():
        raise NotFound(
            "The file of this asset is missing.", fix="It may have been moved or deleted by another program."
        )
    return path


def write_whole(target: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Make ``target`` appear with all of its content or not at all.

    Args:
        target: New file; an older one is replaced.
        write: Creates the file at the path it is given.
        durable: Whether the content is on disk before the file appears. The folder is :func:`sync_folder`'s affair.

    Raises:
        InsufficientStorage: the disk is full.
    """
    # A name of its own: another thread may be writing the same content to the same place.
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        write(temporary)
        if durable:
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        _forget(temporary)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise InsufficientStorage(
                "The disk is full.", fix="Free some space or empty the trash."
            ) from error
        raise
    except BaseException:
        _forget(temporary)
        raise


def _forget(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def make_folder(folder: Path) -> None:
    """Create a folder and those above it, each on disk before anything is put into it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Put the names in a folder on disk, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
