"""Discovered models, kept on disk between listings."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from diorama.contract.plain import dumps, from_plain, loads
from diorama.contract.remote.offers import Offer


class Shelf:
    """A file of offers.

    Args:
        path: The file; its folder is made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Mapping[str, Offer]:
        """Return what was written last; nothing when there is no file or it cannot be read."""
        try:
            stamp = self._path.stat().st_mtime_ns
        except OSError:
            return {}
        return _read(self._path, stamp)

    def age(self) -> float | None:
        """Return the seconds since it was written, or since :meth:`touch`; ``None`` when there is no file."""
        try:
            return max(time.time() - self._path.stat().st_mtime, 0.0)
        except OSError:
            return None

    def touch(self) -> None:
        """Let what lies there count as fresh, because asking anew has failed."""
        with suppress(OSError):
            os.utime(self._path)

    def write(self, offers: Mapping[str, Offer]) -> None:
        """Replace the file at once, so that a reader sees the old or the new list."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.tmp")
        temporary.write_bytes(dumps(list(offers.values())))
        temporary.replace(self._path)


@lru_cache(maxsize=16)
def _read(path: Path, stamp: int) -> Mapping[str, Offer]:
    try:
        offers = from_plain(list[Offer], loads(path.read_bytes()))
    except (OSError, ValueError):
        return {}  # written by another version; the next refresh writes it anew
    return {offer.info.native_id: offer for offer in offers}
