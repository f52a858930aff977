"""The KREA stand-in, driven by plain HTTP: KREA has no Python client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from standins import KreaStandin, Script
from standins.media import picture, size_of


@pytest.fixture
def client(krea_server: KreaStandin) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=krea_server.url(), headers={"Authorization": f"Bearer {krea_server.key}"}
    ) as http:
        yield http


def states(client: httpx.Client, job_id: str, polls: int) -> list[dict[str, Any]]:
    return [client.get(f"/jobs/{job_id}").json() for _ in range(polls)]


def test_the_document_needs_no_key_and_has_every_odd_shape(krea_server: KreaStandin) -> None:
    answer = httpx.get(krea_server.url(path="/openapi.json"))
    paths = answer.json()["paths"]
    assert "/generate/image/krea/krea-2/medium" in paths
    schema = paths["/generate/image/bfl/flux-1-dev"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    assert schema["properties"]["image_url"]["type"] == ["string", "null"]
    assert schema["x-krea-deprecated-field-aliases"][0]["from"] == "imageUrl"
    assert "post" not in paths["/generate/image/history"]
    again = httpx.get(
        krea_server.url(path="/openapi.json"), headers={"If-None-Match": answer.headers["etag"]}
    )
    assert again.status_code == 304


def test_a_job_goes_through_all_states(client: httpx.Client, krea_server: KreaStandin) -> None:
    krea_server.next(Script(queued=2, running=3))
    made = client.post(
        "/generate/image/bfl/flux-1-dev", json={"prompt": "x", "width": 640, "height": 512}
    ).json()
    rows = states(client, made["job_id"], 6)
    assert [made["status"], *(row["status"] for row in rows)] == [
        "backlogged",
        "queued",
        "scheduled",
        "processing",
        "sampling",
        "intermediate-complete",
        "completed",
    ]
    assert rows[4]["result"]["urls"]
    assert size_of(httpx.get(rows[-1]["result"]["urls"][0]).content) == (640, 512)


@pytest.mark.parametrize(
    ("script", "ending"),
    [
        (Script(0, 0, outcome="failed"), {"status": "failed", "result": None}),
        (
            Script(0, 0, outcome="failed", error="too busy"),
            {"status": "failed", "result": {"error": "too busy"}},
        ),
        (Script(0, 0, outcome="refused"), {"status": "failed", "result": {"error": "NSFW content detected"}}),
        (Script(0, 0, outcome="hollow"), {"status": "completed"}),
    ],
)
def test_bad_endings(
    client: httpx.Client, krea_server: KreaStandin, script: Script, ending: dict[str, Any]
) -> None:
    krea_server.next(script)
    job_id = client.post("/generate/image/bfl/flux-1-dev", json={"prompt": "x"}).json()["job_id"]
    row = states(client, job_id, 1)[0]
    assert {key: row.get(key) for key in ending} == ending


def test_cancel_while_queued_and_after_the_end(client: httpx.Client, krea_server: KreaStandin) -> None:
    krea_server.next(Script(hold="queued"), Script(0, 0))
    first, second = (
        client.post("/generate/video/kling/kling-2.5", json={"prompt": "x"}).json()["job_id"]
        for _ in range(2)
    )
    assert client.delete(f"/jobs/{first}").status_code == 200
    assert states(client, first, 1)[0]["status"] == "cancelled"
    assert states(client, second, 1)[0]["status"] == "completed"
    assert client.delete(f"/jobs/{second}").status_code == 400


def test_assets(client: httpx.Client) -> None:
    asset = client.post("/assets", files={"file": ("in.png", picture(80, 60).content, "image/png")}).json()
    assert (asset["width"], asset["height"]) == (80, 60)
    body = {
        "image_url": asset["image_url"],
        "width": 160,
        "height": 120,
        "model": "Standard V2",
        "output_format": "png",
    }
    made = client.post("/generate/enhance/topaz/standard-enhance", json=body).json()
    done = states(client, made["job_id"], 3)[-1]
    assert size_of(httpx.get(done["result"]["urls"][0]).content) == (160, 120)
    assert (
        client.post(
            "/assets", files={"file": ("big.png", b"\0" * (75 * 1024 * 1024 + 1), "image/png")}
        ).status_code
        == 400
    )


def test_errors_and_credentials(client: httpx.Client, krea_server: KreaStandin) -> None:
    krea_server.fault("submit", status=402, detail="Insufficient balance")
    krea_server.fault("submit", status=429, detail="Too many concurrent jobs")
    answers = [client.post("/generate/image/bfl/flux-1-dev", json={"prompt": "x"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [402, 429, 200]
    assert answers[0].json() == {"error": "Insufficient balance"}
    assert client.get("/jobs", params={"limit": 1}).json()["items"][0]["job_id"] == krea_server.job.id
    assert httpx.get(krea_server.url(path="/jobs"), headers={"Authorization": "Bearer no"}).status_code == 401


@pytest.mark.parametrize(
    "extra", [{"imageUrl": "x"}, {"steps": 0}, {"image_url": None}, {"image_url": "data:image/png;base64,AA"}]
)
def test_it_is_strict(extra: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="rules broken"), KreaStandin() as server:
        httpx.post(
            server.url(path="/generate/image/bfl/flux-1-dev"),
            json={"prompt": "x", **extra},
            headers={"Authorization": f"Bearer {server.key}"},
        )
