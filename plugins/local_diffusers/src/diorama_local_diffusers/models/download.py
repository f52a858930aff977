"""Downloading a model's files into the hub's cache: only what is needed, resumable, cancellable, with true numbers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from diorama.contract import (
    AvailabilityState,
    BackendError,
    BackendNotReady,
    BackendSettings,
    InsufficientStorage,
    InvalidRequest,
    JobContext,
)

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import NO_WEIGHTS
from diorama_local_diffusers.models.hub import hub_errors, refuse_offline, repository_files
from diorama_local_diffusers.models.info import availability, parts_folder
from diorama_local_diffusers.models.locate import HUB_ID, hub_cache, locate
from diorama_local_diffusers.models.quantized import default_type, matching
from diorama_local_diffusers.models.single import base_of, is_whole

SMALL_KINDS = frozenset({".json", ".txt", ".model", ".jinja"})
"""Endings of configuration and tokenizer files."""
RESUMED_FROM = 8 * 1024**2
"""Files from this size on are continued after a stop."""
SPARE_BYTES = 500 * 1024**2
"""Room that stays free on the disk."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository at one commit.

    Attributes:
        repository: ``owner/name``.
        commit: Hash of the revision.
        name: Path inside the repository.
        size: Bytes.
        revision: Branch or tag that was asked for.
    """

    repository: str
    commit: str
    name: str
    size: int
    revision: str = "main"


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


def source_of(entry: ModelEntry, settings: BackendSettings) -> str:
    """Return the hub repository that a model's files come from: its own, or the one that completes a single file.

    Raises:
        BackendNotReady: it needs nothing from the hub.
    """
    if HUB_ID.fullmatch(entry.path):
        return entry.path
    place = locate(entry, settings)
    base = base_of(entry)
    if place is not None and place.is_file() and entry.type != "upscaler" and HUB_ID.fullmatch(base):
        return base
    raise BackendNotReady(f"{entry.name} is not from the hub; there is nothing to download.")


def completing_files(entry: ModelEntry, settings: BackendSettings, token: str | None) -> list[RemoteFile]:
    """Return what a single file needs beside itself: its family's small files, and for a denoiser alone the other parts."""
    place = locate(entry, settings)
    whole = place is not None and is_whole(place)
    files = repository_parts(base_of(entry), "", token)
    denoiser = f"{family_named(entry.type).denoiser}/"
    return [
        file
        for file in files
        if not file.name.endswith(".safetensors") or not (whole or file.name.startswith(denoiser))
    ]


def wanted_files(entry: ModelEntry, token: str | None, quantization: str = "") -> list[RemoteFile]:
    """Return what a model needs: its repository's parts, and further files that its row names."""
    files = repository_parts(entry.path, entry.revision, token)
    if entry.gguf:
        files = [
            file
            for file in files
            if not (file.name.startswith("transformer/") and file.name.endswith(".safetensors"))
        ]
    if entry.gguf:
        files.append(quantized_remote(entry, quantization or default_type(entry), token))
    if entry.lora:
        repository, name = entry.lora.rsplit("/", 1)
        commit, sizes = repository_files(repository, "", token)
        files.append(RemoteFile(repository, commit, name, sizes.get(name, 0)))
    return files


def repository_parts(repository: str, revision: str, token: str | None) -> list[RemoteFile]:
    """Return the files of a diffusers repository that a pipeline needs."""
    from huggingface_hub import hf_hub_download

    commit, sizes = repository_files(repository, revision, token)
    with hub_errors(repository):
        index = json.loads(
            Path(hf_hub_download(repository, "model_index.json", revision=commit, token=token)).read_bytes()
        )
    names = needed_names(index, list(sizes))
    return [RemoteFile(repository, commit, name, sizes[name], revision or "main") for name in names]


def quantized_remote(entry: ModelEntry, kind: str, token: str | None) -> RemoteFile:
    """Return the GGUF file of one quantisation on the hub."""
    commit, sizes = repository_files(entry.gguf, "", token)
    name = matching(kind, list(sizes))
    if name is None:
        raise InvalidRequest(f"{entry.gguf} has no {kind} file.", field="quantization")
    return RemoteFile(entry.gguf, commit, name, sizes[name])


def needed_names(index: dict[str, Any], names: list[str]) -> list[str]:
    """Choose the files of a diffusers repository: components of ``model_index.json``, safetensors, one variant.

    The half-precision variant is taken where every part has one: it is half the size and loads everywhere.
    """
    parts = {key: value[1] for key, value in index.items() if isinstance(value, list) and value[0]}
    weights: dict[str, list[str]] = {
        part: [] for part, kind in parts.items() if not str(kind).endswith(NO_WEIGHTS)
    }
    small = []
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) == 2 and path.parts[0] in parts:
            if path.suffix == ".safetensors" and path.parts[0] in weights:
                weights[path.parts[0]].append(name)
            elif path.suffix in SMALL_KINDS:
                small.append(name)
        elif name == "model_index.json":
            small.append(name)
    half = bool(weights) and all(any(_is_half(name) for name in found) for found in weights.values() if found)
    chosen = [name for found in weights.values() for name in found if _is_half(name) == half]
    kept = [name for name in small if ".index." not in name or (".fp16." in name) == half]
    return sorted(kept) + sorted(chosen)


def _is_half(name: str) -> bool:
    return ".fp16" in PurePosixPath(name).name


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
