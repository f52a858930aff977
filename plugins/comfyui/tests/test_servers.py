"""Several servers, servers that are down, and what is asked of them."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, make_backend, models, wait_for
from comfyui_standin import StandIn
from comfyui_workflows import TEXT_TO_IMAGE
from diorama.contract import BackendError, GenerateRequest, InvalidRequest
from diorama.testing import RecordingListContext, backend_settings
from diorama_comfyui import create_backend
from diorama_comfyui.options import read_options
from diorama_comfyui.server.client import normal_url

ONLY_B = {("CheckpointLoaderSimple", "ckpt_name"): ["only-b-sd15.safetensors", "sd15.safetensors"]}


def apple(steps: int) -> GenerateRequest:
    return GenerateRequest(model="comfyui:apple", prompt="x", seed=1, num_inference_steps=steps)


def test_offline_server_keeps_its_models_and_comes_back(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "comfyui") as server:
        backend = make_backend(tmp_path, server)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        up = models(backend)
        assert {model.availability.state for model in up.values()} == {"ready"}
        server.stop()
        down = models(backend)
        assert set(down) == set(up)
        assert {model.availability.state for model in down.values()} == {"offline"}
        assert server.url in str(down["apple"].availability.fix)
        fresh = make_backend(tmp_path, server)
        assert set(models(fresh)) == set(up), "known from the cache of an earlier start"
        server.start()
        assert {model.availability.state for model in models(backend).values()} == {"ready"}


def test_without_the_cache_the_workflow_is_listed_from_memory(
    raw_info: dict[str, Any], tmp_path: Path
) -> None:
    with StandIn(raw_info, tmp_path / "comfyui") as server:
        backend = make_backend(tmp_path, server)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        before = models(backend)["apple"]
        server.stop()
        for path in (tmp_path / "cache").iterdir():
            path.unlink()
        after = models(make_backend(tmp_path, server))["apple"]
        assert after.operations == before.operations
        assert after.availability.state == "offline"


def test_one_server_down_slows_no_other(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "a") as server:
        settings = backend_settings("comfyui", tmp_path, servers=["http://127.0.0.1:9", server.url])
        backend = create_backend(settings)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        assert models(backend)["apple"].availability.state == "ready"
        assert Job(backend, apple(2), tmp_path).end().artifacts
        first, second = backend.status()
        assert not first["online"]
        assert first["error"]
        assert (second["online"], second["version"]) == (True, "0.33.0")
        assert second["devices"][0]["name"] == "cpu"
        assert "argv" not in str(second)


def test_job_goes_to_the_least_busy_server_that_fits(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "a") as a, StandIn(raw_info, tmp_path / "b", files=ONLY_B) as b:
        backend = make_backend(tmp_path, a, b)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        a.engine.gate.clear()
        first = Job(backend, apple(5), tmp_path)
        wait_for(lambda: a.engine.running)
        Job(backend, apple(6), tmp_path).end()
        assert (len(a.engine.submitted), len(b.engine.submitted)) == (1, 1)
        a.engine.gate.set()
        first.end()
        request = GenerateRequest(
            model="comfyui:checkpoint/only-b-sd15.safetensors", prompt="x", seed=1, width=64, height=64
        )
        Job(backend, request, tmp_path).end()
        assert (len(a.engine.submitted), len(b.engine.submitted)) == (1, 2)


def test_workflow_bound_to_a_server(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "a") as a, StandIn(raw_info, tmp_path / "b") as b:
        backend = make_backend(tmp_path, a, b)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple", server=b.url)
        Job(backend, apple(2), tmp_path).end()
        assert (len(a.engine.submitted), len(b.engine.submitted)) == (0, 1)


def test_free_and_interrupt(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "a") as server:
        backend = make_backend(tmp_path, server)
        backend.free_memory()
        backend.unload()
        assert server.engine.freed == [{"unload_models": True, "free_memory": True}] * 2
        backend.interrupt(server.url)
        with pytest.raises(InvalidRequest):
            backend.interrupt("http://elsewhere")
        assert "0.33.0" in backend.check(RecordingListContext())
        server.stop()
        backend.unload()
        for call in (backend.interrupt, backend.free_memory, lambda: backend.check(RecordingListContext())):
            with pytest.raises(BackendError):
                call()


def test_network_servers_are_not_asked_offline(tmp_path: Path) -> None:
    """The address is one that never answers; asking it would take the connection time-out."""
    backend = create_backend(backend_settings("comfyui", tmp_path, url="http://192.0.2.1:8188"))
    assert not backend.servers.all[0].is_local
    assert models(backend, offline=True) == {}


@pytest.mark.parametrize(
    ("raw", "urls"),
    [
        ({}, ["http://127.0.0.1:8188"]),
        ({"url": "127.0.0.1:9000/"}, ["http://127.0.0.1:9000"]),
        (
            {
                "servers": [
                    "https://a.example",
                    {"url": "b:1", "headers": {"X-Key": "k"}},
                    "https://a.example/",
                ]
            },
            ["https://a.example", "http://b:1"],
        ),
    ],
)
def test_options(raw: dict[str, Any], urls: list[str]) -> None:
    assert [url for url, _ in read_options(raw).servers] == urls


def test_a_password_in_an_address_becomes_a_header() -> None:
    """Addresses are shown, logged and stored with jobs."""
    (server,) = read_options({"url": "https://me:p%40ss@a.example:8443/comfy/"}).servers
    assert server == (
        "https://a.example:8443/comfy",
        {"Authorization": f"Basic {b64encode(b'me:p@ss').decode()}"},
    )
    with pytest.raises(InvalidRequest) as caught:
        read_options({"url": "ftp://me:secret@a.example"})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"url": "ftp://x"}, "servers"),
        ({"servers": "http://x"}, "servers"),
        ({"servers": [5]}, "servers"),
        ({"preview_method": "magic"}, "preview_method"),
        ({"offline_seconds": "long"}, "offline_seconds"),
        ({"concurrency": 0}, "concurrency"),
    ],
)
def test_wrong_options(raw: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_options(raw)
    assert caught.value.field == field


@pytest.mark.parametrize(
    "url", ["", "http://", "://x", "file:///etc/passwd", "http://x:abc", "x:0", "http://x:99999"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ValueError, match="no address"):
        normal_url(url)
