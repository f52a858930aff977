"""What a worker writes to stdout and stderr: into a rotating file, and the last lines kept for an obituary."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

from diorama.access.redaction import RedactionFilter

_FILE_BYTES = 4 * 1024**2
_FILES = 3
_KEPT_LINES = 40
_LONGEST_LINE = 4096
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class WorkerLog:
    """The log file of the workers of one device.

    Args:
        path: The file; older parts get ``.1`` to ``.3``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = RotatingFileHandler(
            path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=True
        )
        self._handler.addFilter(RedactionFilter())

    def write(self, line: str) -> str:
        """Write one line, scrubbed of secrets and control characters; return what was written."""
        record = logging.makeLogRecord({"msg": _CONTROL.sub("", line)[:_LONGEST_LINE], "args": None})
        self._handler.handle(record)
        return record.getMessage()

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class Pump:
    """Reads a worker's output to its end, in a thread.

    Args:
        source: The reading end of the pipe.
        log: Where the lines go.

    Attributes:
        count: Lines read so far.
    """

    def __init__(self, source: IO[bytes], log: WorkerLog) -> None:
        self._source = source
        self._log = log
        self._last: deque[str] = deque(maxlen=_KEPT_LINES)
        self.count = 0
        self._thread = threading.Thread(target=self._run, name="worker-log", daemon=True)
        self._thread.start()

    def lines(self, after: int = 0) -> Sequence[str]:
        """Return the last lines, without the first ``after`` ones, once the end has come (or after a second)."""
        self._thread.join(1.0)
        fresh = min(self.count - after, len(self._last))
        return tuple(self._last)[len(self._last) - fresh :]

    def _run(self) -> None:
        with self._source:
            while line := self._source.readline(_LONGEST_LINE):
                # A progress bar overwrites itself by carriage returns; only its last state is worth keeping.
                text = line.decode("utf-8", "replace").rstrip("\r\n").rpartition("\r")[2]
                if text.strip():
                    self._last.append(self._log.write(text))
                    self.count += 1
