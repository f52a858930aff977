"""The OpenAI-shaped stand-in, driven by the vendor's client (images) and plain HTTP (the open video convention)."""

# ruff: noqa: PT012 - a broken rule shows when the stand-in is left

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from standins import OpenAIStandin, Script
from standins.media import picture, size_of


@pytest.fixture
def client(openai_server: OpenAIStandin) -> Iterator[Any]:
    import openai

    with openai.OpenAI(
        api_key=openai_server.key, base_url=openai_server.url(path="/v1"), max_retries=0
    ) as made:
        yield made


@pytest.fixture
def http(openai_server: OpenAIStandin) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=openai_server.url(path="/v1"), headers={"Authorization": f"Bearer {openai_server.key}"}
    ) as made:
        yield made


def test_generation_with_extra_fields(client: Any, openai_server: OpenAIStandin) -> None:
    answer = client.images.generate(
        model="Qwen/Qwen-Image",
        prompt="x",
        n=2,
        size="320x192",
        extra_body={"seed": 7, "num_inference_steps": 4},
    )
    sizes = [size_of(base64.b64decode(item.b64_json)) for item in answer.data]
    assert sizes == [(320, 192)] * 2
    assert openai_server.job.arguments["seed"] == 7


def test_edit_with_two_pictures_and_a_mask(client: Any, openai_server: OpenAIStandin) -> None:
    openai_server.answers = "url"
    files = [("a.png", picture(96, 64).content, "image/png"), ("b.png", picture(32, 32).content, "image/png")]
    answer = client.images.edit(
        model="Qwen/Qwen-Image-Edit",
        prompt="x",
        image=files,
        mask=("m.png", picture(96, 64).content, "image/png"),
    )
    assert size_of(httpx.get(answer.data[0].url).content) == (96, 64)
    assert openai_server.job.arguments["masked"] is True


def test_models_and_errors(client: Any, openai_server: OpenAIStandin) -> None:
    import openai

    assert "Qwen/Qwen-Image" in [model.id for model in client.models.list()]
    openai_server.next(Script(outcome="refused"))
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(model="Qwen/Qwen-Image", prompt="x")
    assert caught.value.code == "moderation_blocked"
    with pytest.raises(openai.NotFoundError):
        client.images.generate(model="some/chat-model", prompt="x")
    openai_server.fault("submit", status=429, retry_after=3, detail="slow down")
    with pytest.raises(openai.RateLimitError) as limited:
        client.images.generate(model="Qwen/Qwen-Image", prompt="x")
    assert limited.value.response.headers["retry-after"] == "3"


def test_a_video_from_json_and_from_a_picture(http: httpx.Client, openai_server: OpenAIStandin) -> None:
    made = http.post("/videos", json={"prompt": "x", "model": "Wan-AI/Wan2.2-T2V", "seconds": "4"}).json()
    rows = [http.get(f"/videos/{made['id']}").json() for _ in range(3)]
    assert [row["status"] for row in rows] == ["queued", "in_progress", "completed"]
    assert size_of(http.get(f"/videos/{made['id']}/content").content) == (64, 64)
    form = {"prompt": "x", "model": "Wan-AI/Wan2.2-T2V", "num_frames": "33"}
    http.post(
        "/videos", data=form, files={"input_reference": ("a.png", picture(64, 64).content, "image/png")}
    )
    assert openai_server.job.arguments == {
        "prompt": "x",
        "model": "Wan-AI/Wan2.2-T2V",
        "num_frames": 33,
        "inputs": 1,
    }


def test_bad_video_endings(http: httpx.Client, openai_server: OpenAIStandin) -> None:
    openai_server.next(
        Script(0, 0, outcome="refused"), Script(0, 0, outcome="removed"), Script(hold="queued")
    )
    first, second, third = (
        http.post("/videos", json={"prompt": "x", "model": "Wan-AI/Wan2.2-T2V"}).json()["id"]
        for _ in range(3)
    )
    assert http.get(f"/videos/{first}").json()["error"]["code"] == "moderation_blocked"
    assert http.get(f"/videos/{second}").json()["status"] == "completed"
    assert http.get(f"/videos/{second}/content").status_code == 404
    http.delete(f"/videos/{third}")
    assert http.get(f"/videos/{third}").json()["status"] == "failed"


def test_it_is_strict() -> None:
    with pytest.raises(AssertionError, match="sampler"), OpenAIStandin() as server:
        body = {"model": "Qwen/Qwen-Image", "prompt": "x", "sampler": "euler"}
        httpx.post(
            server.url(path="/v1/images/generations"),
            json=body,
            headers={"Authorization": f"Bearer {server.key}"},
        )
