"""Files that are never kept: pages, pickles, damage, what is not given out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from civitai_jobs import files
from civitai_standin import BIG, Site, other, page, safetensors
from diorama.contract import BackendError, DioramaError, InvalidRequest, NotAllowed, NotFound
from diorama_civitai.backend import CivitaiBackend


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (page("text/html; charset=utf-8", b"<html>Sign in</html>"), "page"),
        (page("application/json", b'{"error": "Unauthorized", "message": "Sign in first"}'), "Sign in first"),
        (
            page("application/octet-stream", b"<!doctype html><html>Sign in to download</html>"),
            "not safetensors",
        ),
        (
            page("application/octet-stream", b"\x80\x02}q\x00X\x04\x00\x00\x00pickle of something"),
            "not safetensors",
        ),
        (page("application/octet-stream", b"PK\x03\x04 a zip with a pickle inside"), "not safetensors"),
    ],
)
def test_what_is_no_file_is_refused(fetch: Any, site: Site, models_dir: Path, fault: Any, said: str) -> None:
    site.add(1, BIG)
    site.storage_faults = [fault]
    with pytest.raises(BackendError, match=said):
        fetch("10")
    assert files(models_dir) == []


@pytest.mark.parametrize("content", [safetensors(3_000_000, seed=6), BIG[:-7], BIG + b"more"])
def test_a_wrong_file_is_removed(fetch: Any, site: Site, models_dir: Path, content: bytes) -> None:
    site.add(1, BIG)
    site.storage_faults = [other(content)]
    with pytest.raises(BackendError, match="SHA-256"):
        fetch("10")
    assert files(models_dir) == []


def test_without_a_listed_hash_size_and_header_decide(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG, file={"hashes": {}})
    site.storage_faults = [other(safetensors(2_000_000))]
    with pytest.raises(BackendError, match="bytes"):
        fetch("10")
    fetch("10")
    note = json.loads((models_dir / "checkpoints/paint-10-100.json").read_text())
    assert note["verified"] is False
    assert note["sha256"] == hashlib.sha256(BIG).hexdigest()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        safetensors(100)[:-1],
        safetensors(100) + b"x",
        b"\x02" + b"\0" * 7 + b"{}",
        (60).to_bytes(8, "little")
        + b'{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}'.ljust(60)
        + b"xx",
        (8).to_bytes(8, "little") + b'{"a":[]}',
        (26).to_bytes(8, "little") + b'{"a":{"data_offsets":[0]}}',
        (35).to_bytes(8, "little") + b'{"a":{"data_offsets":[0,Infinity]}}',
        (30).to_bytes(8, "little") + b'{"a":{"data_offsets":[0,NaN]}}',
    ],
)
def test_a_damaged_header_is_refused(fetch: Any, site: Site, models_dir: Path, content: bytes) -> None:
    site.add(1, content)
    with pytest.raises(BackendError):
        fetch("10")
    assert files(models_dir) == []


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"name": "old.ckpt"}, "pickle"),
        ({"name": "x.safetensors", "metadata": {"format": "PickleTensor"}}, "pickle"),
        ({"name": "x.zip", "type": "Archive"}, "archive"),
        ({"name": "x.safetensors", "type": "Training Data"}, "archive"),
        ({"name": "x.gguf", "metadata": {"format": "SafeTensor"}}, "format"),
        ({"name": "x.onnx", "metadata": {"format": "ONNX"}}, "format"),
        ({"name": "x.gguf", "metadata": {"format": "GGUF"}, "type": "Text Encoder"}, "only checkpoints"),
        ({"pickleScanResult": "Danger"}, "danger"),
        ({"virusScanResult": "Pending"}, "not finished"),
        ({"virusScanResult": None}, "no result"),
    ],
)
def test_what_is_never_fetched(
    backend: CivitaiBackend, site: Site, look: Any, file: dict[str, Any], said: str
) -> None:
    site.add(1, BIG, file=file)
    with pytest.raises(InvalidRequest, match=said):
        backend.describe("10", look())
    assert not site.paths("download")


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"version": {"usageControl": "InternalGeneration"}}, NotAllowed),
        ({"version": {"baseModel": "Sora 2"}}, NotAllowed),
        ({"version": {"files": []}}, NotFound),
        ({"type": "Poses"}, InvalidRequest),
    ],
)
def test_versions_that_are_not_given_out(
    backend: CivitaiBackend, site: Site, look: Any, more: Any, kind: type[DioramaError]
) -> None:
    site.add(1, BIG, **more)
    with pytest.raises(kind):
        backend.describe("10", look())
