"""From a request to a picture, over real HTTP."""

from __future__ import annotations

import base64
import io
import socket
import time
from typing import Any

import pytest
from PIL import Image

NULL = None


def png(size: tuple[int, int] = (64, 48), colour: str = "red", mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def test_generate_waits_and_answers_with_everything_people_know(server: Any) -> None:
    answer = server.client.post(
        "/api/generate",
        json={"prompt": "a red ball", "num_images": 2, "seed": 7, "width": 96, "height": 64, "steps": 3},
    )
    assert answer.status_code == 200, answer.text
    plain = answer.json()
    assert {
        "batch_id",
        "prompt",
        "model",
        "width",
        "height",
        "steps",
        "guidance_scale",
        "images",
        "created_at",
    } <= plain.keys()
    assert {"applied", "adjusted", "ignored"} <= plain.keys()
    assert (plain["prompt"], plain["model"], plain["width"], plain["height"], plain["steps"]) == (
        "a red ball", "fake:image", 96, 64, 3,
    )  # fmt: skip
    assert [image["seed"] for image in plain["images"]] == [7, 8]
    for image in plain["images"]:
        assert {"id", "filename", "url", "thumbnail_url", "seed"} <= image.keys()
        picture = Image.open(io.BytesIO(server.client.get(image["url"]).content))
        assert picture.size == (96, 64)
        assert Image.open(io.BytesIO(server.client.get(image["thumbnail_url"]).content)).format == "WEBP"


def test_both_spellings_mean_the_same(server: Any) -> None:
    first = server.client.post("/api/generate", json={"prompt": "x", "seed": 1, "steps": 4}).json()
    second = server.client.post(
        "/api/generate", json={"prompt": "x", "seed": 1, "num_inference_steps": 4}
    ).json()
    assert first["steps"] == second["steps"] == 4
    one, two = (server.client.get(item["images"][0]["url"]).content for item in (first, second))
    assert Image.open(io.BytesIO(one)).tobytes() == Image.open(io.BytesIO(two)).tobytes()


def test_an_unknown_field_is_told_and_refused_when_strict(server: Any) -> None:
    body = {"prompt": "x", "sparkles": 3}
    told = server.client.post("/api/generate", json=body).json()
    assert [note["field"] for note in told["ignored"]] == ["parameters.sparkles"]
    refused = server.client.post("/api/generate", json={**body, "strict": True})
    assert refused.status_code == 422
    assert refused.json()["error"]["field"] == "parameters.sparkles"


def test_hanging_up_does_not_cancel(server: Any) -> None:
    before = server.stored()[0]
    host, port = server.client.base_url.host, server.client.base_url.port
    body = b'{"prompt": "slow", "parameters": {"delay": 1.0}, "session_id": "hung-up"}'
    with socket.create_connection((host, port)) as raw:
        raw.sendall(
            b"POST /api/generate HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        for _ in range(200):
            jobs = server.client.get("/api/jobs", params={"session_id": "hung-up"}).json()["jobs"]
            if jobs:
                break
            time.sleep(0.02)
    assert server.stored()[0] == before + 1
    assert server.finished(jobs[0]["job_id"])["status"] == "completed"


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [
        ("refuse", 422, "content_refused"),
        ("rate_limit", 429, "rate_limited"),
        ("out_of_memory", 503, "out_of_memory"),
        ("error", 502, "backend_error"),
        ("bug", 502, "backend_error"),
    ],
)
def test_what_goes_wrong_in_a_job_has_one_shape(server: Any, trouble: str, status: int, code: str) -> None:
    answer = server.client.post("/api/generate", json={"prompt": "x", "parameters": {"trouble": trouble}})
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert "Traceback" not in answer.text
    assert server.client.get(f"/api/jobs/{error['job_id']}").json()["status"] == "failed"


def test_edit_by_form_keeps_the_size(server: Any) -> None:
    answer = server.client.post(
        "/api/edit",
        files={"image1": ("holiday.png", png((641, 363)), "image/png")},
        data={"config": '{"prompt": "make it blue", "model": "fake:edit", "seed": 3}'},
    )
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(server.client.get(answer.json()["images"][0]["url"]).content))
    assert picture.size == (641, 363)


def test_edit_with_a_mask_changes_inside_only(server: Any) -> None:
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 64))
    buffer = io.BytesIO()
    mask.save(buffer, "PNG")
    answer = server.client.post(
        "/api/edit",
        files={
            "image1": ("a.png", png((64, 64)), "image/png"),
            "mask": ("m.png", buffer.getvalue(), "image/png"),
        },
        data={"prompt": "blue", "config": '{"model": "fake:image", "seed": 1, "strength": 1.0}'},
    )
    assert answer.status_code == 200, answer.text
    picture = Image.open(io.BytesIO(server.client.get(answer.json()["images"][0]["url"]).content)).convert(
        "RGB"
    )
    assert picture.getpixel((48, 32)) == (255, 0, 0)
    assert picture.getpixel((8, 32)) != (255, 0, 0)


def test_edit_by_json_takes_assets_and_data_urls(server: Any) -> None:
    made = server.client.post("/api/generate", json={"prompt": "x", "width": 64, "height": 64}).json()[
        "images"
    ][0]
    data_url = "data:image/png;base64," + base64.b64encode(png()).decode()
    for source in (made["id"], data_url):
        answer = server.client.post("/api/edit", json={"prompt": "y", "reference_images": [source]})
        assert answer.status_code == 200, answer.text
    parents = server.client.get(f"/api/assets/{answer.json()['images'][0]['id']}").json()["recipe"]
    assert parents["prompt"] == "y"


def test_plan_says_what_would_run_and_stores_no_job(server: Any) -> None:
    before = server.stored()
    plan = server.client.post("/api/plan", json={"prompt": "x", "num_images": 9}).json()
    assert plan["model"] == "fake:image"
    assert [note["field"] for note in plan["adjusted"]] == ["num_images"]
    assert server.stored() == before
