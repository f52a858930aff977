"""One engine per data directory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from diorama.contract import Conflict

PATIENCE = 0.3
"""Seconds; a command that only looks whether somebody holds the lock has it for a moment itself."""


class DataLock:
    """Holds ``engine.lock``; ``engine.json`` beside it says who does.

    The lock is the operating system's own, so it is free again the moment its holder dies.
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._note = data_dir / "engine.json"
        self._lock: Any = None

    def take(self, url: str | None = None) -> None:
        """Take the lock; nothing happens when we hold it already.

        Raises:
            Conflict: another engine holds it.
        """
        if self._lock is not None:
            return
        from filelock import FileLock, Timeout

        self._data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._data_dir / "engine.lock")
        try:
            lock.acquire(timeout=PATIENCE, poll_interval=PATIENCE / 10)
        except Timeout as error:
            raise self._taken() from error
        self._lock = lock
        self._note.write_text(json.dumps({"pid": os.getpid(), "url": url}), encoding="utf-8")

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._note.unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def _taken(self) -> Conflict:
        holder = read_holder(self._data_dir)
        where = f"process {holder['pid']}" if holder.get("pid") else "another process"
        at = f" serving {holder['url']}" if holder.get("url") else ""
        return Conflict(
            f"The data directory {self._data_dir} is in use by {where}{at}.",
            fix="Use that one, end it, or set DIORAMA_HOME to another folder.",
        )


def read_holder(data_dir: Path) -> dict[str, Any]:
    """Return ``{"pid", "url"}`` of the engine that holds (or last held) the directory, else an empty dict."""
    try:
        plain = json.loads((data_dir / "engine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return plain if isinstance(plain, dict) else {}


def holder_url(data_dir: Path) -> str | None:
    """Return the address of the server that holds ``data_dir`` now, or ``None`` when nobody does or it has none."""
    url = read_holder(data_dir).get("url")
    if not url:
        return None
    from filelock import FileLock, Timeout

    lock = FileLock(data_dir / "engine.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return str(url)
    lock.release()
    return None
