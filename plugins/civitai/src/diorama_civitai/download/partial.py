"""The unfinished file, and the note beside it that says what it is a part of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_CHUNK = 4 * 1024**2


@dataclass(slots=True)
class PartState:
    """What an unfinished file belongs to.

    Attributes:
        version: Version of the model.
        file: File of the version.
        sha256: Of the whole file, empty when not known.
        etag: What the storage calls this content, empty when it did not say.
        total: Bytes of the whole file, 0 while not known.
    """

    version: int
    file: int
    sha256: str
    etag: str = ""
    total: int = 0


class Partial:
    """``<target>.part`` with ``<target>.part.json``, and the digest of what is in it."""

    def __init__(self, target: Path, state: PartState) -> None:
        self.path = target.with_name(target.name + ".part")
        self._note = target.with_name(target.name + ".part.json")
        self.state = state
        self.digest = hashlib.sha256()
        self.size = 0

    def resume(self, tick: Callable[[int], None]) -> None:
        """Take up what an earlier attempt left of the same file, and hash it; anything else is removed.

        Args:
            tick: Told the bytes that were hashed so far; what it raises passes through.
        """
        if not self._belongs():
            self.restart()
            return
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                self.digest.update(chunk)
                self.size += len(chunk)
                tick(self.size)

    def restart(self) -> None:
        """Throw away what is there."""
        self.remove()
        self.digest = hashlib.sha256()
        self.size = 0
        self.state.etag, self.state.total = "", 0

    def keep_note(self) -> None:
        """Write the note."""
        self._note.write_text(json.dumps(asdict(self.state)), encoding="utf-8")

    def add(self, chunk: bytes) -> None:
        """Count a chunk that was written."""
        self.digest.update(chunk)
        self.size += len(chunk)

    def remove(self) -> None:
        """Remove the file and its note."""
        self.path.unlink(missing_ok=True)
        self.forget_note()

    def forget_note(self) -> None:
        """Remove the note only."""
        self._note.unlink(missing_ok=True)

    def _belongs(self) -> bool:
        """Whether what is there is a part of the same file, told by hash where there is one."""
        if not self.path.is_file():
            return False
        try:
            raw: Any = json.loads(self._note.read_text(encoding="utf-8"))
            before = PartState(**raw)
            total = int(before.total)
        except (OSError, ValueError, TypeError, OverflowError):
            return False
        mine = self.state
        same = (before.version, before.file) == (mine.version, mine.file) and before.sha256 == mine.sha256
        if same:
            mine.etag, mine.total = str(before.etag), total
        return same
