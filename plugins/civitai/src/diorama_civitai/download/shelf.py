"""The models folders as Civitai's files fill them: names, what is there already, one writer per file."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from diorama.contract import BackendNotReady, JobContext

from diorama_civitai.api.shapes import VersionInfo
from diorama_civitai.download.choice import Choice
from diorama_civitai.download.sidecar import read_sidecars, sidecar_of

_LONGEST_STEM = 100
_LOOK_SECONDS = 0.25


class Shelf:
    """Where downloads end up. Safe to use from several threads.

    Args:
        folders: The models folders; the first takes new files.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._writing: dict[str, threading.Lock] = {}

    def target(self, version: VersionInfo, choice: Choice) -> Path:
        """Return the place of a file; its name carries version and file, since many files share a name."""
        if not self._folders:
            raise BackendNotReady("There is no models folder.", fix="Set `models_dirs` in config.toml.")
        name = choice.file.name
        ending = PurePosixPath(name.lower()).suffix
        stem = f"{safe_stem(name[: -len(ending)])}-{version.id}-{choice.file.id}"
        return self._folders[0] / choice.folder / f"{stem}{ending}"

    def find(
        self, *, sha256: str = "", version: int = 0, file: int = 0
    ) -> tuple[Path, dict[str, Any]] | None:
        """Return a downloaded file with its note, by content or by version (and file, where given)."""
        for place, plain in read_sidecars(self._folders):
            if plain.get("size") != place.stat().st_size:
                continue
            by_content = bool(sha256) and plain.get("sha256") == sha256
            by_name = plain.get("version_id") == version and (not file or plain.get("file_id") == file)
            if by_content or (version and by_name):
                return place, plain
        return None

    def by_hash(self, digest: str) -> dict[str, Any] | None:
        """Return the note about a downloaded file with this hash, of whichever kind it is."""
        low = digest.lower()
        for _, plain in read_sidecars(self._folders):
            hashes = plain.get("hashes")
            known = [str(value).lower() for value in hashes.values()] if isinstance(hashes, dict) else []
            if low == plain.get("sha256") or low in known:
                return plain
        return None

    def remove(self, version: int, file: int) -> int:
        """Remove a downloaded file and its note; return the freed bytes."""
        found = self.find(version=version, file=file)
        if found is None:
            return 0
        freed = found[0].stat().st_size
        found[0].unlink(missing_ok=True)
        sidecar_of(found[0]).unlink(missing_ok=True)
        return freed

    @contextmanager
    def alone(self, key: str, context: JobContext) -> Iterator[None]:
        """Let one job at a time write the same file; the others wait for it, and may be cancelled meanwhile.

        Raises:
            JobCancelled: the waiting job was cancelled.
        """
        with self._lock:
            lock = self._writing.setdefault(key, threading.Lock())
        while not lock.acquire(timeout=_LOOK_SECONDS):
            context.progress("downloading", None, "Another download is fetching the same file")
        try:
            yield
        finally:
            lock.release()


def safe_stem(name: str) -> str:
    """Return a name that can be nothing else: no folders, no control characters, no leading dot, bounded."""
    stem = PurePosixPath(name.replace("\\", "/")).name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_-]+", "_", plain).strip("_-")[:_LONGEST_STEM] or "model"
