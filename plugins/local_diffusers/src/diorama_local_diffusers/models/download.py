"""Downloading a model's files into the hub's cache: only what is needed, resumable, cancellable, with true numbers."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

from diorama.contract import (
    AvailabilityState,
    BackendError,
    BackendSettings,
    InsufficientStorage,
    JobContext,
)

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.hub import hub_errors, refuse_offline
from diorama_local_diffusers.models.info import availability, parts_folder
from diorama_local_diffusers.models.locate import hub_cache, locate
from diorama_local_diffusers.models.wanted import RemoteFile, completing_files, source_of, wanted_files

RESUMED_FROM = 8 * 1024**2
"""Files from this size on are continued after a stop."""
SPARE_BYTES = 500 * 1024**2
"""Room that stays free on the disk."""


def download(
    entry: ModelEntry, settings: BackendSettings, context: JobContext, quantization: str = ""
) -> None:
    """Bring a model's files to this machine; what is there already is not fetched again.

    Args:
        entry: The model.
        settings: Of the backend.
        context: Told the bytes and the speed.
        quantization: GGUF type to fetch; empty for the usual one.

    Raises:
        BackendNotReady: offline, gated, or a model that needs nothing from the hub.
        InsufficientStorage: the disk is too small.
        JobCancelled: what was fetched so far is kept and continued next time.
    """
    repository = source_of(entry, settings)
    refuse_offline(repository, settings.offline)
    token = context.secret("hf_token")
    context.progress("downloading", 0.0, f"Asking the hub about {repository}")
    files = (
        wanted_files(entry, token, quantization)
        if repository == entry.path
        else completing_files(entry, settings, token)
    )
    check_room(files)
    Transfer(files, context, token).run()


def fetch_missing(
    entry: ModelEntry, settings: BackendSettings, context: JobContext, quantization: str = ""
) -> None:
    """Bring what a model lacks on this machine before it is opened; nothing happens when it is whole, or offline."""
    place = locate(entry, settings)
    found = availability(entry, place, parts_folder(entry, place, settings), settings)
    if found.state is AvailabilityState.NEEDS_DOWNLOAD and not settings.offline:
        download(entry, settings, context, quantization)


def check_room(files: list[RemoteFile]) -> None:
    """Refuse a download for which the disk is too small.

    Raises:
        InsufficientStorage: it is.
    """
    needed = sum(file.size for file in files if not _cached(file))
    cache = hub_cache()
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if needed + SPARE_BYTES > free:
        raise InsufficientStorage(
            f"The download needs {needed / 1e9:.1f} GB, and {place} has {free / 1e9:.1f} GB left.",
            fix="Free some space (`diorama models du` shows what models take), or move HF_HOME to a larger disk.",
        )


def _cached(file: RemoteFile) -> bool:
    folder = hub_cache() / f"models--{file.repository.replace('/', '--')}" / "snapshots" / file.commit
    return (folder / file.name).exists()


class Transfer:
    """A running download of several files.

    Args:
        files: What to fetch.
        context: Told the bytes and the speed; its cancel ends the transfer within one chunk.
        token: Of the hub, or ``None``.
    """

    def __init__(self, files: list[RemoteFile], context: JobContext, token: str | None) -> None:
        self._files = files
        self._context = context
        self._token = token
        self._total = max(sum(file.size for file in files), 1)
        self._done = 0
        self._fresh = 0
        self._started = time.monotonic()
        self._name = ""

    def run(self) -> None:
        """Fetch the files one after the other."""
        import huggingface_hub
        from huggingface_hub import constants
        from huggingface_hub.utils import disable_progress_bars

        # The chunked protocol reports and stops from its own threads; plain HTTP resumes and obeys a cancel.
        constants.HF_HUB_DISABLE_XET = True
        disable_progress_bars()
        for file in self._files:
            self._name = file.name
            before = self._done
            with hub_errors(file.repository):
                if file.size >= RESUMED_FROM:
                    self._fetch_blob(file)
                # Small files whole; for large ones only the link from the snapshot to the blob is left to make.
                huggingface_hub.hf_hub_download(
                    file.repository, file.name, revision=file.commit, token=self._token
                )
            self._done = before + file.size
            self._report()
        for file in self._files:
            _note_revision(file)

    def _fetch_blob(self, file: RemoteFile) -> None:
        """Fetch a large file into the cache's blobs; the client itself starts every file anew after a stop."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.file_download import http_get
        from huggingface_hub.utils import build_hf_headers

        url = hf_hub_url(file.repository, file.name, revision=file.commit)
        known = get_hf_file_metadata(url, token=self._token)
        blobs = hub_cache() / f"models--{file.repository.replace('/', '--')}" / "blobs"
        blob = blobs / str(known.etag)
        if blob.exists():
            return
        blobs.mkdir(parents=True, exist_ok=True)
        partial = blob.with_name(blob.name + ".partial")
        with partial.open("ab") as target:
            had = target.tell()
            http_get(
                url,
                target,
                resume_size=had,
                headers=build_hf_headers(token=self._token),
                expected_size=known.size,
                tqdm_class=self._bar(),
            )
        if had:
            _check_digest(partial, blob.name)
        os.replace(partial, blob)

    def advance(self, count: int, *, fresh: bool) -> None:
        """Count bytes; ``fresh`` ones came over the wire just now, others lay on disk from an earlier attempt."""
        self._done += count
        self._fresh += count if fresh else 0
        self._report()

    def _report(self) -> None:
        seconds = max(time.monotonic() - self._started, 1e-3)
        self._context.progress(
            "downloading",
            min(self._done / self._total, 1.0),
            self._name,
            bytes_done=min(self._done, self._total),
            bytes_total=self._total,
            bytes_per_second=int(self._fresh / seconds),
        )

    def _bar(self) -> Any:
        """Return the class that the hub client takes for a progress bar."""
        from tqdm import tqdm

        transfer = self

        class Bar(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, initial: int = 0, **more: Any) -> None:
                more.pop("name", None)
                super().__init__(*args, initial=initial, **{**more, "disable": True})
                transfer.advance(initial, fresh=False)

            def update(self, n: float | None = 1) -> None:
                transfer.advance(int(n or 0), fresh=True)

        return Bar


def _note_revision(file: RemoteFile) -> None:
    """Write down which commit a branch or tag stands for, as the hub's client does; without that nobody finds the files."""
    if file.revision == file.commit:
        return
    place = hub_cache() / f"models--{file.repository.replace('/', '--')}" / "refs" / file.revision
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.new")
    draft.write_text(file.commit, encoding="utf-8")
    os.replace(draft, place)


def _check_digest(partial: Path, etag: str) -> None:
    """Compare a file that was put together from several attempts with the digest that the hub names it by."""
    if len(etag) != 64:
        return
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != etag:
        partial.unlink()
        raise BackendError(
            "The downloaded file is damaged and was removed.", retryable=True, fix="Download it again."
        )
