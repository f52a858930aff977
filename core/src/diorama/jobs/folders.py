"""Work folders of running jobs, kept for the next job while they are empty.

Making and removing a folder waits for the file system's journal, which the ledger keeps busy.
"""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from diorama.ids import new_id

KEPT = 16


class WorkFolders:
    """Gives an empty folder to each run.

    Args:
        root: Their parent, on the file system of the results.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._empty: list[Path] = []

    def take(self) -> Path:
        """Return an empty folder that nobody else uses."""
        with self._lock:
            if self._empty:
                return self._empty.pop()
        folder = self._root / new_id()
        folder.mkdir(parents=True)
        return folder

    def give_back(self, folder: Path) -> None:
        """End the use of a folder after a run that ended well; what lies in it is removed."""
        try:
            with os.scandir(folder) as entries:
                empty = next(entries, None) is None
        except OSError:
            return
        with self._lock:
            if empty and len(self._empty) < KEPT:
                self._empty.append(folder)
                return
        self.drop(folder)

    def drop(self, folder: Path) -> None:
        """Remove a folder after a run that ended badly and may still have a hand in it."""
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the folders that were kept."""
        with self._lock:
            kept, self._empty = self._empty, []
        for folder in kept:
            self.drop(folder)
