"""Downloads: whole, continued, shared, refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from civitai_jobs import files, job, make_backend
from civitai_standin import BIG, KEY, Site, cut_after, file_block
from diorama.contract import (
    BackendError,
    BackendNotReady,
    DioramaError,
    InsufficientStorage,
    InvalidRequest,
    JobCancelled,
    NotAllowed,
    NotFound,
    RateLimited,
)
from diorama_civitai.api.hosts import Hosts, is_public
from diorama_civitai.backend import CivitaiBackend
from diorama_civitai.options import CivitaiOptions, read_options


def test_a_checkpoint_arrives_usable(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    context = fetch("10")
    assert files(models_dir) == ["checkpoints/paint-10-100.json", "checkpoints/paint-10-100.safetensors"]
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG
    note = json.loads((models_dir / "checkpoints/paint-10-100.json").read_text())
    assert note["sha256"] == hashlib.sha256(BIG).hexdigest()
    assert (note["base_model"], note["family"], note["kind"]) == ("SD 1.5", "sd15", "sd")
    assert (note["air"], note["verified"], note["title"]) == (
        "urn:air:sd1:checkpoint:civitai:1@10",
        True,
        "Model 1 – v1",
    )
    assert note["license"]["commercial_use"] == ["Image", "RentCivit"]
    numbers = [numbers for *_, numbers in context.reports if "bytes_done" in numbers]
    assert numbers[-1]["bytes_done"] == numbers[-1]["bytes_total"] == len(BIG)
    assert max(item.get("bytes_per_second", 0) for item in numbers) > 0
    assert all(0 <= item["bytes_done"] <= item["bytes_total"] for item in numbers)


@pytest.mark.parametrize(
    ("kind", "folder"),
    [
        ("LORA", "loras"),
        ("LoCon", "loras"),
        ("DoRA", "loras"),
        ("TextualInversion", "embeddings"),
        ("VAE", "vae"),
    ],
)
def test_every_kind_has_its_folder(fetch: Any, site: Site, models_dir: Path, kind: str, folder: str) -> None:
    site.add(2, type=kind, version={"settings": {"strength": 0.7}})
    fetch("20/200")
    note = json.loads((models_dir / folder / "paint-20-200.json").read_text())
    assert note["trigger_words"] == ["oil painting", "thick paint"]
    assert note["recommended"]["weight"] == 0.7


def test_the_entry_says_what_it_is(backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1, BIG, version={"baseModel": "Wan Video 14B t2v"})
    model = backend.describe("10", look())
    assert model is not None
    assert (model.id, model.kind, model.downloadable) == ("civitai:10", "wan", True)
    assert [str(operation) for operation in model.operations] == ["video"]
    assert model.availability.state == "needs_download"
    assert model.disk_gb == pytest.approx(len(BIG) / 1e9)
    assert model.license is not None
    assert model.license.name == "Civitai terms: credit required"


def test_it_goes_on_where_it_broke_off(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    site.storage_faults = [cut_after(1_000_000), cut_after(500_000), cut_after(100)]
    fetch("10")
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG
    ranges = [headers.get("range") for headers in site.headers("storage")]
    assert ranges == [None, "bytes=1000000-", "bytes=1500000-", "bytes=1500100-"]
    assert len(site.paths("download")) == 4, "each attempt asks for a fresh signed address"


def test_a_cancelled_one_is_continued_by_the_next(
    backend: CivitaiBackend, site: Site, fetch: Any, look: Any, models_dir: Path, tmp_path: Path
) -> None:
    site.add(1, BIG)
    site.gate.clear()
    context = job(backend, "10", look(), tmp_path)
    part = models_dir / "checkpoints/paint-10-100.safetensors.part"
    ended: list[BaseException] = []

    def run() -> None:
        try:
            backend.download("10", context)
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    for _ in range(2000):
        if part.exists() and any(n.get("bytes_done", 0) >= len(BIG) // 2 for *_, n in context.reports):
            break
        thread.join(0.01)
    context.cancel()  # while the storage sends nothing
    thread.join(20)
    assert isinstance(ended[0], JobCancelled)
    assert files(models_dir) == [
        "checkpoints/paint-10-100.safetensors.part",
        "checkpoints/paint-10-100.safetensors.part.json",
    ]
    assert part.stat().st_size == len(BIG) // 2
    site.gate.set()
    fetch("10")
    assert site.headers("storage")[-1]["range"] == f"bytes={len(BIG) // 2}-"
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG
    assert not part.exists()


def leave_part(models_dir: Path, content: bytes, **note: Any) -> None:
    folder = models_dir / "checkpoints"
    folder.mkdir(parents=True)
    (folder / "paint-10-100.safetensors.part").write_bytes(content)
    state = {
        "version": 10,
        "file": 100,
        "sha256": hashlib.sha256(BIG).hexdigest(),
        "etag": "",
        "total": len(BIG),
        **note,
    }
    (folder / "paint-10-100.safetensors.part.json").write_text(json.dumps(state))


def test_a_whole_part_is_only_checked(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    leave_part(models_dir, BIG)
    fetch("10")
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG
    assert site.headers("storage")[-1]["range"] == f"bytes={len(BIG)}-", "answered with 416"


@pytest.mark.parametrize("size", [len(BIG) + 5, len(BIG) - 1000])
def test_a_damaged_part_is_fetched_anew(fetch: Any, site: Site, models_dir: Path, size: int) -> None:
    site.add(1, BIG)
    leave_part(models_dir, b"\0" * size)
    fetch("10")
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG


@pytest.mark.parametrize(
    "note", [{"sha256": "0" * 64}, {"version": 11}, {"more": 1}, {"total": "x"}, {"total": 1e999}]
)
def test_a_part_of_something_else_is_not_continued(
    fetch: Any, site: Site, models_dir: Path, note: Any
) -> None:
    site.add(1, BIG)
    leave_part(models_dir, BIG[:1000], **note)
    fetch("10")
    assert "range" not in site.headers("storage")[0]


def test_a_changed_file_starts_over(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    leave_part(models_dir, BIG[:1000], etag='"another"')
    fetch("10")
    assert site.headers("storage")[0]["if-range"] == '"another"'
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG


def test_two_downloads_of_one_file_share_it(
    backend: CivitaiBackend, site: Site, look: Any, models_dir: Path, tmp_path: Path
) -> None:
    site.add(1, BIG)
    site.add(2, BIG)  # another model with the same content
    site.gate.clear()
    contexts = [job(backend, native, look(), tmp_path) for native in ("10", "10/100", "20")]
    names = ("10", "10/100", "20")
    threads = [
        threading.Thread(target=backend.download, args=pair) for pair in zip(names, contexts, strict=True)
    ]
    for thread in threads:
        thread.start()
    for _ in range(2000):
        if sum("same file" in message for context in contexts for _, _, message, _ in context.reports) >= 2:
            break
        threads[0].join(0.01)
    site.gate.set()
    for thread in threads:
        thread.join(20)
    assert len(site.paths("storage")) == 1
    assert len(files(models_dir)) == 2
    assert all(context.reports[-1][1] == 1.0 for context in contexts)


def test_what_is_here_is_not_fetched_again(
    fetch: Any, site: Site, backend: CivitaiBackend, models_dir: Path
) -> None:
    site.add(1, BIG)
    fetch("10")
    asked = len(site.asked)
    fetch("10")
    assert len(site.paths("storage")) == 1
    assert len(site.asked) == asked, "details are kept for some minutes"
    assert backend.delete("10") == len(BIG)
    assert files(models_dir) == []
    fetch("10")
    assert len(site.paths("storage")) == 2


def test_a_crash_before_the_note_costs_no_second_download(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    fetch("10")
    (models_dir / "checkpoints/paint-10-100.json").unlink()
    fetch("10")
    assert len(site.paths("storage")) == 1
    assert len(files(models_dir)) == 2


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("1.1.1.1", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::10.0.0.1", False),
        ("224.0.0.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_the_key_goes_to_civitai_only(fetch: Any, site: Site) -> None:
    site.add(1, BIG)
    site.needs_key.add(10)
    with pytest.raises(BackendNotReady, match="signed in") as caught:
        fetch("10")
    assert "key" in (caught.value.fix or "")
    fetch("10", KEY)
    assert site.headers("download")[-1]["authorization"] == f"Bearer {KEY}"
    assert all("authorization" not in headers for headers in site.headers("storage"))


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://civitai.com/api/download/models/1", True),
        ("https://www.civitai.red/x", True),
        ("https://b2.civitai.com/file", False),
        ("http://civitai.com/x", False),
        ("https://civitai.com:8443/x", False),
        ("https://civitai.com.evil.test/x", False),
        ("https://evil.test/?u=civitai.com", False),
        ("https://civitai.com@evil.test/", False),
    ],
)
def test_who_may_see_the_key(url: str, allowed: bool) -> None:
    assert Hosts(CivitaiOptions()).may_see_key(url) is allowed


@pytest.mark.parametrize(
    "goal",
    [
        "http://127.0.0.1:9/x",
        "https://localhost/x",
        "https://169.254.169.254/meta",
        "file:///etc/passwd",
        "ftp://x/y",
    ],
)
def test_a_redirect_never_leads_inside(fetch: Any, site: Site, goal: str, models_dir: Path) -> None:
    site.add(1, BIG)
    site.redirect_to = goal
    with pytest.raises(BackendError):
        fetch("10")
    assert files(models_dir) == []


def test_an_address_of_another_host_is_not_taken_from_the_answer(fetch: Any, site: Site) -> None:
    site.add(1, BIG, file={"downloadUrl": f"http://{site.storage}/bucket/100"})
    fetch("10", KEY)
    assert site.paths("download") == ["/api/download/models/10?fileId=100"]


def test_the_listed_address_may_be_gone(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG, file={"downloadUrl": f"{site.url}/api/download/models/10?type=Model&format=SafeTensor"})
    fetch("10")
    assert site.paths("download") == [
        "/api/download/models/10?type=Model&format=SafeTensor", "/api/download/models/10?fileId=100",
    ]  # fmt: skip
    assert len(files(models_dir)) == 2


def test_the_best_safe_file_is_chosen(
    fetch: Any, backend: CivitaiBackend, site: Site, look: Any, models_dir: Path
) -> None:
    model = site.add(1, BIG, file={"name": "full.ckpt"})
    second = {**file_block(101, BIG, "vae.safetensors", type="VAE", primary=False)}
    third = {**file_block(102, BIG, "../../pruned\\paint\0.safetensors", primary=False)}
    model["modelVersions"][0]["files"] += [second, third]
    site.content |= {101: BIG, 102: BIG}
    fetch("10")
    assert files(models_dir)[1] == "checkpoints/paint-10-102.safetensors"
    with pytest.raises(NotFound) as caught:
        backend.describe("10/999", look())
    assert "vae.safetensors" in (caught.value.fix or "")


def test_early_access(fetch: Any, backend: CivitaiBackend, site: Site, look: Any) -> None:
    site.add(1, BIG, version={"availability": "EarlyAccess", "earlyAccessEndsAt": "2099-01-02T00:00:00.000Z"})
    site.early_access.add(10)
    model = backend.describe("10", look())
    assert model is not None
    assert "2099-01-02" in (model.availability.fix or "")
    with pytest.raises(NotAllowed, match="early access until 2099-01-02"):
        fetch("10", KEY)
    site.bought = True
    fetch("10", KEY)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, {}, b'{"message": "The creator has disabled downloads on this file"}'), NotAllowed),
        ((403, {}, b'{"error": "Forbidden"}'), NotAllowed),
        ((404, {}, b'{"error": "File not found"}'), NotFound),
        ((410, {}, b""), NotFound),
        ((429, {"Retry-After": "86400"}, b"too many downloads"), RateLimited),
        ((400, {}, b"{}"), InvalidRequest),
        ((302, {"Location": "/login?reason=download-auth"}, b""), DioramaError),
    ],
)
def test_refusals_of_the_download_route(
    fetch: Any, site: Site, answer: Any, kind: type[DioramaError]
) -> None:
    site.add(1, BIG, file={"downloadUrl": ""})
    site.download_faults = [answer]
    with pytest.raises(kind):
        fetch("10")


def test_trouble_that_passes_is_waited_for(fetch: Any, site: Site, models_dir: Path) -> None:
    site.add(1, BIG)
    site.download_faults = [(503, {}, b""), (429, {"Retry-After": "0"}, b""), (502, {}, b"")]
    fetch("10")
    assert len(files(models_dir)) == 2
    site.add(2)
    site.download_faults = [(503, {}, b"")] * 5
    with pytest.raises(BackendError, match="503"):
        fetch("20")


def test_an_expired_address_is_asked_for_again(fetch: Any, site: Site, models_dir: Path) -> None:
    def expired(handler: Any, content: bytes) -> bool:
        handler.answer(403, b"<Error><Code>ExpiredToken</Code></Error>", Content_Type="application/xml")
        return True

    site.add(1, BIG)
    site.storage_faults = [cut_after(1_000_000), expired]
    fetch("10")
    assert len(site.paths("download")) == 3
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG


def test_the_disk_is_looked_at_first(fetch: Any, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(1, BIG)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage(10**12, 10**12, 10**6))
    with pytest.raises(InsufficientStorage, match="GB left"):
        fetch("10")
    assert not site.paths("storage")


def test_offline_and_strangers(backend: CivitaiBackend, site: Site, look: Any, tmp_path: Path) -> None:
    site.add(1, BIG)
    with pytest.raises(BackendNotReady, match="offline"):
        backend.describe("10", look(offline=True))
    assert backend.describe("owner/name", look()) is None
    with pytest.raises(NotFound):
        backend.describe("99", look())


def test_the_entry_says_where_the_file_runs(
    backend: CivitaiBackend, site: Site, fetch: Any, look: Any
) -> None:
    site.add(1, BIG)
    before, _ = backend.describe("10", look()), fetch("10")
    after = backend.describe("10", look())
    assert before is not None
    assert after is not None
    assert "diorama civitai download 10" in str(before.availability.fix)
    assert "local:paint-10-100" in str(after.availability.fix)


def test_a_known_hash_needs_no_look_up(fetch: Any, site: Site, backend: CivitaiBackend, look: Any) -> None:
    site.add(1, BIG)
    fetch("10")
    before = len(site.asked)
    assert backend.by_hash(hashlib.sha256(BIG).hexdigest(), look())["id"] == 10
    assert len(site.asked) == before


def test_a_restarted_process_continues(site: Site, tmp_path: Path, look: Any, models_dir: Path) -> None:
    site.add(1, BIG)
    leave_part(models_dir, BIG[:2_000_000])
    fresh = make_backend(site, tmp_path)
    fresh.download("10", job(fresh, "10", look(), tmp_path))
    fresh.close()
    assert site.headers("storage")[0]["range"] == "bytes=2000000-"
    assert (models_dir / "checkpoints/paint-10-100.safetensors").read_bytes() == BIG


def test_options_are_read() -> None:
    assert read_options({}) == CivitaiOptions()
    assert read_options({"url": "https://civitai.red/", "allow_hosts": "Box.test"}).allow_hosts == (
        "box.test",
    )
