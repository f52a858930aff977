"""The fal stand-in, driven by the official client (for what it covers) and plain HTTP (for the platform interface)."""

# ruff: noqa: PT012 - a broken rule shows when the stand-in is left

from __future__ import annotations

from typing import Any

import httpx
import pytest

from standins import FalStandin, Script
from standins.media import picture, size_of


@pytest.fixture
def client(fal_server: FalStandin, monkeypatch: pytest.MonkeyPatch) -> Any:
    import fal_client

    module = fal_client.client
    monkeypatch.setattr(module, "RUN_URL_FORMAT", fal_server.url("queue", "/"))
    monkeypatch.setattr(module, "QUEUE_URL_FORMAT", fal_server.url("queue", "/"))
    monkeypatch.setattr(module, "REST_URL", fal_server.url("rest"))
    monkeypatch.setattr(module, "CDN_URL", fal_server.url("cdn"))
    monkeypatch.setattr(module, "MAX_ATTEMPTS", 1)
    return fal_client.SyncClient(key=fal_server.key)


def test_a_request_goes_through_the_queue(client: Any, fal_server: FalStandin) -> None:
    import fal_client

    fal_server.next(Script(queued=2, running=2))
    handle = client.submit(
        "fal-ai/flux/dev", {"prompt": "a kite", "image_size": {"width": 640, "height": 384}, "num_images": 2}
    )
    seen = [handle.status(with_logs=True) for _ in range(5)]
    assert [type(row) for row in seen] == [fal_client.Queued] * 2 + [fal_client.InProgress] * 2 + [
        fal_client.Completed
    ]
    assert [row.position for row in seen[:2]] == [1, 0]
    assert seen[2].logs[0]["message"] == "step 7/28"
    result = handle.get()
    assert len(result["images"]) == 2
    assert size_of(httpx.get(result["images"][0]["url"]).content) == (640, 384)
    assert [row.headers.get("authorization") for row in fal_server.seen if row.name == "download"] == [None]


def test_answers_have_the_documented_codes(client: Any, fal_server: FalStandin) -> None:
    handle = client.submit("fal-ai/flux/dev", {"prompt": "x"})
    headers = {"Authorization": f"Key {fal_server.key}"}
    assert [httpx.get(handle.status_url, headers=headers).status_code for _ in range(3)] == [202, 202, 200]
    assert handle.status_url.endswith(f"/fal-ai/flux/requests/{handle.request_id}/status")


def test_a_failed_job_is_completed_and_fails_at_the_result(client: Any, fal_server: FalStandin) -> None:
    import fal_client

    fal_server.next(Script(0, 0, outcome="refused"), Script(0, 0, outcome="failed"))
    for status, kind in ((422, "content_policy_violation"), (504, "generation_timeout")):
        handle = client.submit("fal-ai/flux/dev", {"prompt": "x"})
        assert isinstance(handle.status(), fal_client.Completed)
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            handle.get()
        assert caught.value.status_code == status
        assert caught.value.response.json()["detail"][0]["type"] == kind


def test_the_safety_checker_answers_black(client: Any, fal_server: FalStandin) -> None:
    fal_server.next(Script(0, 0, outcome="black"))
    result = client.subscribe("fal-ai/flux/schnell", {"prompt": "x", "num_inference_steps": 4})
    assert result["has_nsfw_concepts"] == [True]
    content = httpx.get(result["images"][0]["url"]).content
    assert content == picture(512, 512, (0, 0, 0), "png").content


@pytest.mark.parametrize("endpoint", ["fal-ai/esrgan", "fal-ai/ltx-video", "workflows/someone/portrait"])
def test_outputs_come_in_every_shape(client: Any, fal_server: FalStandin, endpoint: str) -> None:
    source = client.upload(picture(50, 40).content, "image/png", "in.png")
    given = {"image_url": source, "scale": 2} if "esrgan" in endpoint else {"prompt": "x"}
    fal_server.next(Script(0, 0, shape="strings" if "workflows" in endpoint else "default"))
    result = client.subscribe(endpoint, given)
    url = {
        "fal-ai/esrgan": lambda: result["image"]["url"],
        "fal-ai/ltx-video": lambda: result["video"]["url"],
    }.get(endpoint, lambda: result["images"][0])()
    size = size_of(httpx.get(url).content)
    assert size == {"fal-ai/esrgan": (100, 80), "fal-ai/ltx-video": (64, 64)}.get(endpoint, (512, 512))


def test_inline_results(client: Any) -> None:
    result = client.subscribe("fal-ai/flux/dev", {"prompt": "x", "sync_mode": True})
    assert result["images"][0]["url"].startswith("data:image/png;base64,")


def test_cancel_in_three_states(client: Any, fal_server: FalStandin) -> None:
    import fal_client

    fal_server.next(Script(hold="queued"), Script(0, 5, hold="running"), Script(0, 0))
    for polls, accepted in ((1, True), (1, True), (1, False)):
        handle = client.submit("fal-ai/flux/dev", {"prompt": "x"})
        for _ in range(polls):
            handle.status()
        if accepted:
            handle.cancel()
            with pytest.raises(fal_client.FalClientHTTPError) as caught:
                handle.get()
            assert caught.value.status_code == 499
        else:
            with pytest.raises(fal_client.FalClientHTTPError):
                handle.cancel()
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        client.cancel("fal-ai/flux/dev", "00000000-0000-0000-0000-000000000000")
    assert caught.value.status_code == 404


def test_the_client_itself_repeats_a_submission(
    client: Any, fal_server: FalStandin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why a backend has to switch these retries off: a lost answer is bought twice."""
    import fal_client

    monkeypatch.setattr(fal_client.client, "MAX_ATTEMPTS", 2)
    fal_server.fault("submit", disconnect=True, after=True)
    client.submit("fal-ai/flux/dev", {"prompt": "x"})
    assert fal_server.submissions == 2


def test_errors(client: Any, fal_server: FalStandin) -> None:
    import fal_client

    fal_server.fault("submit", status=403, detail="User is locked. Reason: Exhausted balance.")
    fal_server.fault("submit", status=502, body="<html><h1>502 Bad Gateway</h1>nginx</html>")
    fal_server.fault("submit", status=429, detail="Too many")
    for status in (403, 502, 429):
        with pytest.raises(fal_client.FalClientHTTPError) as caught:
            client.submit("fal-ai/flux/dev", {"prompt": "x"})
        assert caught.value.status_code == status
    assert fal_server.submissions == 0
    wrong = fal_client.SyncClient(key="other:key")
    with pytest.raises(fal_client.FalClientHTTPError) as caught:
        wrong.submit("fal-ai/flux/dev", {"prompt": "x"})
    assert caught.value.status_code == 401


def test_discovery_has_pages_and_prices(fal_server: FalStandin) -> None:
    names: list[str] = []
    cursor = None
    for _ in range(3):
        query = {"status": "active", "expand": "openapi-3.0"} | ({"cursor": cursor} if cursor else {})
        page = httpx.get(fal_server.url("api", "/v1/models"), params=query).json()
        names += [row["endpoint_id"] for row in page["models"]]
        cursor = page["next_cursor"]
    assert cursor is None
    assert len(names) == len(set(names)) == 21
    assert "fal-ai/old-painter" not in names
    assert page["models"][0]["openapi"]["components"]["schemas"]
    address = fal_server.url("api", "/v1/models/pricing")
    assert (
        httpx.get(
            address, params={"endpoint_id": "fal-ai/flux/dev"}, headers={"Authorization": "Key no"}
        ).status_code
        == 401
    )
    prices = httpx.get(
        address,
        params={"endpoint_id": ["fal-ai/flux/dev"]},
        headers={"Authorization": f"Key {fal_server.key}"},
    ).json()
    assert prices["prices"][0]["unit_price"] == 0.025


def test_it_is_strict_about_inputs_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError, match=r"aspect_ratio.*sub-path"), FalStandin() as server:
        headers = {"Authorization": f"Key {server.key}"}
        body = {"prompt": "x", "aspect_ratio": "1:1"}
        assert (
            httpx.post(server.url("queue", "/fal-ai/flux/dev"), json=body, headers=headers).status_code == 422
        )
        made = httpx.post(
            server.url("queue", "/fal-ai/flux/dev"), json={"prompt": "x"}, headers=headers
        ).json()
        httpx.get(
            server.url("queue", f"/fal-ai/flux/dev/requests/{made['request_id']}/status"), headers=headers
        )
