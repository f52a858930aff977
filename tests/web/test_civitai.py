"""Civitai through the REST API, with a site of our own on loopback and downloads as real jobs."""

from __future__ import annotations

import hashlib
import json
import signal
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "plugins/civitai/tests"))

from civitai_standin import Site, cut_after, safetensors

CHECKPOINT = safetensors(2_000_000, seed=3)


def tiny_checkpoint(size: int = 65536) -> bytes:
    """A safetensors file whose tensor names are those of Stable Diffusion."""
    names = ("model.diffusion_model.input_blocks.0.0.weight", "first_stage_model.encoder.conv_in.weight")
    header = {
        name: {"dtype": "U8", "shape": [size], "data_offsets": [index * size, (index + 1) * size]}
        for index, name in enumerate(names)
    }
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(2 * size)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def civitai(site: Site, new_server: Callable[..., Any]) -> Any:
    """A server with the plugins for Civitai and for models on this machine."""
    return new_server(
        DIORAMA_BACKENDS__CIVITAI__PLUGIN="diorama_civitai:create_backend",
        DIORAMA_BACKENDS__CIVITAI__URL=site.url,
        DIORAMA_BACKENDS__CIVITAI__ALLOW_HOSTS=site.storage,
        DIORAMA_BACKENDS__CIVITAI__RETRY_SECONDS="0.01",
        DIORAMA_BACKENDS__LOCAL__PLUGIN="diorama_local_diffusers:create_backend",
    )


def models_dir(server: Any) -> Path:
    return Path(server.home) / "data" / "models"


def test_found_shown_and_described_as_promised(civitai: Any, site: Site) -> None:
    from jsonschema import Draft202012Validator

    for number in range(1, 5):
        site.add(number, type="LORA" if number % 2 else "Checkpoint")
    page = civitai.client.get("/api/civitai/models", params={"types": ["LORA"], "limit": 2}).json()
    assert [model["id"] for model in page["models"]] == [1]
    rest = civitai.client.get(
        "/api/civitai/models", params={"limit": 2, "cursor": page["next_cursor"]}
    ).json()
    assert [model["id"] for model in rest["models"]] == [3, 4]
    assert rest["next_cursor"] is None
    digest = site.models[2]["modelVersions"][0]["files"][0]["hashes"]["AutoV2"]
    document = civitai.client.get("/openapi.json").json()
    job = civitai.finished(civitai.submit())
    for template, address in {
        "/api/civitai/models": "/api/civitai/models",
        "/api/civitai/models/{model_id}": "/api/civitai/models/3",
        "/api/civitai/model-versions/{version_id}": "/api/civitai/model-versions/30",
        "/api/civitai/by-hash/{digest}": f"/api/civitai/by-hash/{digest.lower()}",
        "/api/civitai/by-asset/{asset_id}": f"/api/civitai/by-asset/{job['images'][0]['id']}",
        "/api/civitai/downloads": "/api/civitai/downloads",
    }.items():
        answer = civitai.client.get(address)
        assert answer.status_code == 200, answer.text
        content = document["paths"][template]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
        validator = Draft202012Validator({**schema, "components": document["components"]})
        problems = [f"{list(item.path)}: {item.message}" for item in validator.iter_errors(answer.json())]
        assert not problems, (template, problems[:3])


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("GET", "/api/civitai/models?types=Loras", None, 422, "types"),
        ("GET", "/api/civitai/models?limit=101", None, 422, "limit"),
        ("GET", "/api/civitai/models/77", None, 404, None),
        ("GET", "/api/civitai/models/x", None, 422, "model_id"),
        ("GET", "/api/civitai/by-hash/zzzzzzzz", None, 422, "digest"),
        ("GET", "/api/civitai/by-hash/" + "0" * 64, None, 404, None),
        ("POST", "/api/civitai/downloads", {}, 422, "source"),
        ("POST", "/api/civitai/downloads", {"version_id": 10, "source": "10"}, 422, "source"),
        ("POST", "/api/civitai/downloads", {"source": "https://evil.test/model.safetensors"}, 404, "model"),
        ("POST", "/api/civitai/downloads", {"version_id": 10, "file_name": "../x"}, 422, "file_name"),
        ("POST", "/api/civitai/downloads", {"version_id": 20}, 422, "file_id"),
        ("POST", "/api/civitai/downloads", {"version_id": 10, "file_id": 999}, 404, "file_id"),
        ("DELETE", "/api/civitai/downloads/00000000000000000000000000", None, 404, "job_id"),
    ],
)
def test_bad_requests(bad: Any, method: str, path: str, body: Any, status: int, field: str | None) -> None:
    answer = (
        bad.client.request(method, path, json=body) if body is not None else bad.client.request(method, path)
    )
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].get("field") == field
    assert bad.client.get("/api/civitai/downloads").json()["jobs"] == []


@pytest.fixture(scope="module")
def bad(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One server for all requests that store nothing."""
    with Site() as site:
        site.add(1)
        site.add(2, file={"name": "old.ckpt"})
        made = type(server)(
            tmp_path_factory.mktemp("civitai"),
            environ={
                "DIORAMA_BACKENDS__CIVITAI__PLUGIN": "diorama_civitai:create_backend",
                "DIORAMA_BACKENDS__CIVITAI__URL": site.url,
            },
        )
        yield made
        made.stop()


def test_without_the_plugin_it_says_what_to_install(server: Any) -> None:
    for path in (
        "/api/civitai/models",
        "/api/civitai/models/1",
        "/api/comfyui/status",
        "/api/comfyui/workflows",
    ):
        answer = server.client.get(path)
        assert answer.status_code == 409
        assert answer.json()["error"]["code"] == "backend_not_ready"
        assert "pip install diorama-" in answer.json()["error"]["fix"]


def test_a_checkpoint_is_in_the_catalog_when_its_job_ends(civitai: Any, site: Site) -> None:
    site.add(1, tiny_checkpoint(), version={"baseModel": "SD 1.5"})
    accepted = civitai.client.post("/api/civitai/downloads", json={"source": f"{site.url}/models/1"})
    assert accepted.status_code == 202, accepted.text
    job = civitai.finished(accepted.json()["job_id"])
    assert (job["status"], job["kind"], job["model"]) == ("completed", "download", "civitai:10")
    model = civitai.client.get("/api/models/local:paint-10-100").json()
    assert (model["title"], model["kind"], model["author"]) == ("Model 1 – v1", "sd", "painter")
    generate = model["operations"]["generate"]
    assert generate["num_inference_steps"]["default"] == 30
    assert model["license"]["commercial_use"] is True
    listed = civitai.client.get("/api/civitai/downloads").json()["jobs"]
    assert [item["job_id"] for item in listed] == [job["job_id"]]
    again = civitai.client.post("/api/civitai/downloads", json={"version_id": 10}).json()["job_id"]
    assert civitai.finished(again)["status"] == "completed"
    assert len(site.paths("storage")) == 1
    civitai.client.delete(f"/api/civitai/downloads/{job['job_id']}")
    assert len(civitai.client.get("/api/civitai/downloads").json()["jobs"]) == 1


def until(check: Callable[[], bool]) -> None:
    for _ in range(600):
        if check():
            return
        time.sleep(0.05)
    raise AssertionError("it does not happen")


def test_shared_cancelled_and_continued(civitai: Any, site: Site) -> None:
    site.add(1, CHECKPOINT)
    site.gate.clear()
    first = civitai.client.post("/api/civitai/downloads", json={"version_id": 10}).json()["job_id"]
    second = civitai.client.post("/api/civitai/downloads", json={"source": "10"}).json()["job_id"]
    assert first == second
    part = models_dir(civitai) / "checkpoints" / "paint-10-100.safetensors.part"
    until(lambda: part.exists() and part.stat().st_size >= len(CHECKPOINT) // 2)

    def downloading() -> Any:
        return civitai.client.get("/api/civitai/downloads", params={"active_only": True}).json()["jobs"][0]

    until(lambda: downloading()["numbers"].get("bytes_done", 0) > 0)  # reports are thinned out on their way
    running = downloading()
    assert running["status"] == "downloading"
    assert running["numbers"]["bytes_total"] == len(CHECKPOINT)
    assert 0 < running["numbers"]["bytes_done"] <= len(CHECKPOINT) // 2
    assert running["progress"] == pytest.approx(
        99 * running["numbers"]["bytes_done"] / len(CHECKPOINT), abs=0.1
    )
    assert running["eta_seconds"] > 0
    assert civitai.client.delete(f"/api/civitai/downloads/{first}").status_code == 200
    assert civitai.finished(first)["status"] == "cancelled"
    site.gate.set()
    retried = civitai.client.post(f"/api/jobs/{first}/retry").json()["job_id"]
    assert civitai.finished(retried)["status"] == "completed"
    assert site.headers("storage")[-1]["range"] == f"bytes={len(CHECKPOINT) // 2}-"
    file = models_dir(civitai) / "checkpoints" / "paint-10-100.safetensors"
    assert hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(CHECKPOINT).digest()


def test_a_killed_server_goes_on_where_it_was(civitai: Any, site: Site) -> None:
    site.add(1, CHECKPOINT)
    site.storage_faults = [cut_after(500_000)]
    site.gate.clear()
    job_id = civitai.client.post("/api/civitai/downloads", json={"version_id": 10}).json()["job_id"]
    part = models_dir(civitai) / "checkpoints" / "paint-10-100.safetensors.part"
    until(lambda: part.exists() and part.stat().st_size > 600_000)
    civitai.stop(signal.SIGKILL)
    had = part.stat().st_size
    site.gate.set()
    civitai.start()
    assert civitai.finished(job_id)["status"] == "completed"
    assert site.headers("storage")[-1]["range"] == f"bytes={had}-"
    assert (models_dir(civitai) / "checkpoints" / "paint-10-100.safetensors").read_bytes() == CHECKPOINT


def test_a_failed_download_says_why(civitai: Any, site: Site) -> None:
    site.add(1, CHECKPOINT)
    site.needs_key.add(10)
    job = civitai.finished(
        civitai.client.post("/api/civitai/downloads", json={"version_id": 10}).json()["job_id"]
    )
    assert (job["status"], job["error"]["code"]) == ("failed", "backend_not_ready")
    assert "key" in job["error"]["fix"]
    refused = civitai.client.post("/api/jobs", json={"model": "civitai:10", "prompt": "a boat"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "operation_not_supported")
    assert "diorama civitai download 10" in refused.json()["error"]["fix"]
