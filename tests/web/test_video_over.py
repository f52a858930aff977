"""Video to video through the REST API: taken in as a file or from the library, bounded, remembered, run again."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diorama.testing.context import decode_video
from diorama.testing.samples import sample_image, sample_sound, sample_video

OVER = {"model": "fake:video-over", "prompt": "a boat", "seed": 7}


@pytest.fixture
def remaking(new_server: Callable[..., Any]) -> Any:
    return new_server(DIORAMA_BACKENDS__FAKE__VIDEOS="true")


def data_url(path: str, mime: str) -> str:
    return f"data:{mime};base64,{base64.b64encode(Path(path).read_bytes()).decode()}"


def first_value(server: Any, asset: str) -> int:
    """The red of the first frame."""
    frame, _count = decode_video(server.client.get(f"/api/assets/{asset}/file").content)
    assert frame is not None
    return int(frame.getpixel((3, 3))[0])


def test_a_file_is_made_over_by_its_strength_and_the_result_again(remaking: Any, tmp_path: Path) -> None:
    source = data_url(sample_video(tmp_path, frames=9, fps=8).path, "video/mp4")
    made = {}
    for strength in (0, 1):
        answer = remaking.client.post(
            "/api/video/jobs", json={**OVER, "video_asset_id": source, "strength": strength}
        )
        assert answer.status_code == 202, answer.text
        made[strength] = remaking.finished(answer.json()["job_id"])
        assert made[strength]["applied"]["strength"] == strength
    kept, left = (made[strength]["video"] for strength in (0, 1))
    assert (kept["width"], kept["height"]) == (64, 48)  # the source's own shape
    assert first_value(remaking, kept["id"]) < 30  # the sample begins black
    assert abs(first_value(remaking, left["id"]) - first_value(remaking, kept["id"])) > 40

    again = remaking.finished(
        remaking.submit(**OVER, kind="video", media=kept["id"], strength=0.25, num_frames=5)
    )
    recipe = remaking.client.get(f"/api/assets/{again['video']['id']}").json()["recipe"]
    assert recipe["strength"] == 0.25
    (parent,) = recipe["parents"]
    assert (parent["role"], parent["asset_id"]) == ("video", kept["id"])

    retried = remaking.client.post(f"/api/jobs/{again['job_id']}/retry").json()["job_id"]
    twin = remaking.finished(retried)["video"]["id"]
    details = [remaking.client.get(f"/api/assets/{item}").json() for item in (again["video"]["id"], twin)]
    assert details[0]["recipe"]["parents"] == details[1]["recipe"]["parents"]
    assert details[0]["recipe"]["strength"] == details[1]["recipe"]["strength"]


def test_what_cannot_be_made_over_is_refused_in_words(remaking: Any, tmp_path: Path) -> None:
    picture, sound = sample_image(tmp_path).path, sample_sound(tmp_path).path
    large = base64.b64encode(bytes(2_100_000)).decode()
    for given, words in (
        (data_url(picture, "video/mp4"), "A picture was given where a video is needed."),
        (data_url(sound, "video/mp4"), "A sound was given where a video is needed."),
        (f"data:video/mp4;base64,{large}", "2000000 bytes"),
        ("data:video/mp4;base64,AAAA", "cannot be used"),
    ):
        answer = remaking.client.post("/api/jobs", json={**OVER, "kind": "video", "media": given})
        assert answer.status_code in (413, 422), answer.text
        error = answer.json()["error"]
        assert error["field"] == "media"
        assert words in error["message"]
    assert remaking.stored() == (0, 0)


def test_the_list_says_which_models_take_a_video(remaking: Any) -> None:
    models = remaking.client.get("/api/models", params={"operation": "video"}).json()["models"]
    assert {model["id"]: model["takes_video"] for model in models} == {
        "fake:video": False,
        "fake:video-over": True,
    }
    source = sample_video(remaking.home)
    body = {**OVER, "model": "fake:video", "kind": "video", "strength": 0.3}
    job = remaking.finished(remaking.submit(**body, media=data_url(source.path, "video/mp4")))
    assert {note["field"] for note in job["ignored"]} == {"media", "strength"}
