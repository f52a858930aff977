"""A video that is made from another one: who takes it, what decides its size, and what is told where it has no use."""

from __future__ import annotations

from typing import Any

import pytest
from diorama.contract import Capabilities, InvalidRequest, MediaInput, ModelInfo, Operation, Range, Sizes
from diorama.jobs.submission import Submission
from diorama.resolution import resolve

CLIP = MediaInput(path="/x.mp4", kind="video", mime="video/mp4", width=640, height=360, sha256="2" * 64)
PICTURE = MediaInput(path="/x.png", width=64, height=64, sha256="0" * 64)
SIZES = Sizes(default=(832, 480), multiple_of=16)
STRENGTH = Range(minimum=0, maximum=1, default=0.8)


def ask(videos_in: bool = True, operation: Operation = Operation.VIDEO, **values: Any) -> Any:
    can = Capabilities(
        sizes=SIZES, videos_in=videos_in, strength=STRENGTH if videos_in else None,
        frames=Range(minimum=1, maximum=81, step=4, default=81, integer=True), images_in=Range(minimum=0, maximum=1),
    )  # fmt: skip
    model = ModelInfo(id="a:b", title="Remaker", operations={operation: can})
    return resolve(Submission(**{"prompt": "a boat", **values}), model)


def test_a_source_video_decides_the_size_unless_one_is_asked() -> None:
    resolved = ask(media=CLIP)
    assert (resolved.request.video, resolved.request.strength) == (CLIP, 0.8)
    assert (resolved.request.width, resolved.request.height) == (None, None)
    assert resolved.applied["media"] == CLIP.sha256
    asked = ask(media=CLIP, width=320, height=192, strength=0.3)
    assert (asked.request.width, asked.request.height, asked.request.strength) == (320, 192, 0.3)
    assert (
        ask(media=CLIP, aspect_ratio="1:1").request.width
        == ask(media=CLIP, aspect_ratio="1:1").request.height
    )
    plain = ask()
    assert (plain.request.width, plain.request.height, plain.request.video) == (832, 480, None)
    assert plain.request.strength is None


def test_strength_without_a_source_is_told() -> None:
    assert [note.field for note in ask(strength=0.5).ignored] == ["strength"]


def test_a_model_that_takes_no_video_says_so() -> None:
    resolved = ask(videos_in=False, media=CLIP, strength=0.5)
    assert resolved.request.video is None
    assert (resolved.request.width, resolved.request.height) == (832, 480)
    assert {note.field: note.why for note in resolved.ignored}["media"] == "Remaker takes no video here."
    assert "strength" in {note.field for note in resolved.ignored}
    with pytest.raises(InvalidRequest):
        ask(videos_in=False, media=CLIP, strict=True)


def test_a_picture_is_no_source_video() -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(media=PICTURE)
    assert (caught.value.field, caught.value.fix) == ("media", "Give a video.")


def test_where_pictures_are_made_a_source_video_is_told() -> None:
    resolved = ask(operation=Operation.GENERATE, media=CLIP, kind="generate")
    assert "media" in {note.field for note in resolved.ignored}
