"""The Higgsfield stand-in, driven by the official client."""

# ruff: noqa: PT012 - a broken rule shows when the stand-in is left

from __future__ import annotations

from typing import Any

import httpx
import pytest

from standins import HiggsfieldStandin, Script
from standins.media import picture, size_of


@pytest.fixture
def client(higgsfield_server: HiggsfieldStandin) -> Any:
    from higgsfield_client import SyncClient

    return SyncClient(base_url=higgsfield_server.url(), api_key=higgsfield_server.key)


def test_a_request_goes_through_its_states(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    from higgsfield_client import Completed, InProgress, Queued

    controller = client.submit(
        "higgsfield-ai/soul/standard", {"prompt": "x", "num_images": 2, "aspect_ratio": "1:1"}
    )
    assert [type(controller.status()) for _ in range(3)] == [Queued, InProgress, Completed]
    result = controller.get()
    assert len(result["images"]) == 2
    assert size_of(httpx.get(result["images"][1]["url"]).content) == (512, 512)


@pytest.mark.parametrize(
    ("outcome", "status"), [("failed", "failed"), ("refused", "nsfw"), ("canceled", "canceled")]
)
def test_bad_endings_raise_nothing(
    client: Any, higgsfield_server: HiggsfieldStandin, outcome: Any, status: str
) -> None:
    higgsfield_server.next(Script(0, 0, outcome=outcome))
    result = client.subscribe("reve/text-to-image", {"prompt": "x"})
    assert result["status"] == status
    assert "error" not in result


def test_an_unknown_status_is_a_value_error(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    higgsfield_server.next(Script(0, 0, outcome="aborted"))
    with pytest.raises(ValueError, match="exploded"):
        client.subscribe("reve/text-to-image", {"prompt": "x"})


def test_upload_and_video(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    address = client.upload(picture(64, 48).content, "image/png")
    result = client.subscribe("higgsfield-ai/dop/turbo", {"prompt": "x", "image_url": address})
    assert size_of(httpx.get(result["video"]["url"]).content) == (64, 64)


def test_cancel_only_while_queued(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    from higgsfield_client import Cancelled

    higgsfield_server.next(Script(hold="queued"), Script(0, 1, hold="running"))
    first, second = (client.submit("reve/text-to-image", {"prompt": "x"}) for _ in range(2))
    first.cancel()
    assert isinstance(first.status(), Cancelled)
    second.status()
    with pytest.raises(Exception, match="cancel"):
        second.cancel()
    second.status()


def test_the_concurrency_limit_is_a_400(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    from higgsfield_client import HiggsfieldClientError

    higgsfield_server.fault(
        "submit", status=400, detail="Maximum number of concurrent requests (4) has been reached"
    )
    with pytest.raises(HiggsfieldClientError, match="concurrent") as caught:
        client.submit("reve/text-to-image", {"prompt": "x"})
    assert caught.value.__cause__.response.status_code == 400
    client.submit("reve/text-to-image", {"prompt": "x"})
    assert higgsfield_server.submissions == 1


@pytest.mark.parametrize("status", [401, 403, 404, 422])
def test_errors(client: Any, higgsfield_server: HiggsfieldStandin, status: int) -> None:
    from higgsfield_client import HiggsfieldClientError

    detail: Any = (
        [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required"}] if status == 422 else "no"
    )
    higgsfield_server.fault("submit", status=status, detail=detail)
    with pytest.raises(HiggsfieldClientError):
        client.submit("reve/text-to-image", {"prompt": "x"})


def test_the_client_itself_repeats_a_submission(client: Any, higgsfield_server: HiggsfieldStandin) -> None:
    """Why a backend has to switch these retries off: a 503 after the effect is bought twice."""
    higgsfield_server.fault("submit", status=503, after=True)
    client.submit("reve/text-to-image", {"prompt": "x"})
    assert higgsfield_server.submissions == 2


def test_estimate_and_the_optional_list(higgsfield_server: HiggsfieldStandin) -> None:
    headers = {"Authorization": f"Key {higgsfield_server.key}"}
    url = higgsfield_server.url
    assert (
        httpx.post(
            url(path="/estimate/reve/edit"),
            json={"prompt": "x", "image_url": higgsfield_server.publish(picture(8, 8))},
            headers=headers,
        ).json()["usd"]
        == "0.094"
    )
    assert httpx.get(url(path="/models"), headers=headers).json()["items"][0]["output_type"] == "image"
    higgsfield_server.lists_models = False
    assert httpx.get(url(path="/models"), headers=headers).status_code == 404


def test_storage_refuses_the_key() -> None:
    with pytest.raises(AssertionError, match="received the key"), HiggsfieldStandin() as server:
        headers = {"Authorization": f"Key {server.key}"}
        slot = httpx.post(
            server.url(path="/files/generate-upload-url"), json={"content_type": "image/png"}, headers=headers
        ).json()
        httpx.put(slot["upload_url"], content=b"x", headers={**headers, **slot["upload_headers"]})
