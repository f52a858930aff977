"""A video made over: its frames at the model's rate, as many as it has, near to it or far as asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import InvalidRequest, JobCancelled, MediaInput, Operation, VideoRequest
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime.sources import read_frames

pytestmark = pytest.mark.torch
BOTH = {"wan:single": 5, "cogvideox": 9}


def clip(place: Path, count: int, fps: int, size: tuple[int, int] = (64, 48)) -> MediaInput:
    """A video whose frames say by a white bar which one they are."""
    import av

    with av.open(str(place), "w") as container:
        stream: Any = container.add_stream("libx264", rate=fps, options={"crf": "8"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(count):
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            pixels[:, 2 * number : 2 * number + 4] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return MediaInput(path=str(place), kind="video", mime="video/mp4", width=size[0], height=size[1])


def which(picture: Any) -> int:
    bright = np.flatnonzero(np.asarray(picture).mean(axis=(0, 2)) > 128)
    return round((bright.mean() - 1.5) / 2)


@pytest.mark.parametrize(
    ("fps", "most", "expected"),
    [
        (24, 99, list(range(24))),
        (8, 99, [0, 3, 6, 9, 12, 15, 18, 21]),
        (8, 3, [0, 3, 6]),
        (48, 5, [0, 0, 1, 1, 2]),
    ],
)
def test_frames_are_those_shown_at_the_asked_rate(
    tmp_path: Path, fps: float, most: int, expected: list[int]
) -> None:
    source = clip(tmp_path / "in.mp4", 24, 24)
    frames = read_frames(Path(source.path), fps, most, (64, 48))
    assert [which(frame) for frame in frames] == expected


def test_another_shape_is_cropped_around_its_middle(tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 12, 8)
    frame = read_frames(Path(source.path), 8, 12, (24, 48))[11]
    assert frame.size == (24, 48)
    bright = np.flatnonzero(np.asarray(frame).mean(axis=(0, 2)) > 128)
    assert abs(bright.mean() - (23.5 - 20)) < 1


def test_what_is_no_video_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video")
    with pytest.raises(InvalidRequest):
        read_frames(tmp_path / "x.mp4", 8, 5, (64, 48))


@pytest.fixture
def add(settings: Any, tiny: Callable[..., Path]) -> Callable[[str], Any]:
    def add_one(name: str) -> Any:
        row = ModelEntry(
            name="tiny", path=str(tiny(name)), type=name.partition(":")[0], default_width=64, default_height=64,
            default_steps=4, default_fps=8, default_num_frames=9,
        )  # fmt: skip
        write_entries(settings, [row])
        return model_info(row, settings)

    return add_one


@pytest.mark.parametrize("name", BOTH)
def test_strength_says_how_near_it_stays(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    can = model.operations[Operation.VIDEO]
    assert can.videos_in
    assert can.strength is not None
    source, count = clip(tmp_path / "in.mp4", 40, 16), BOTH[name]
    frames = np.stack(
        [np.asarray(frame) for frame in read_frames(tmp_path / "in.mp4", 8, count, (64, 64))]
    ).astype(int)
    distance = {}
    for strength in (0.0, 0.25, 1.0, 1.0):
        context = job(model)
        backend.video(
            VideoRequest(model=model.id, prompt="x", video=source, strength=strength, num_frames=count, fps=8,
                         width=64, height=64, seed=1), context)  # fmt: skip
        made, facts = context.saved[0]
        assert (made.shape, facts["fps"]) == ((count, 64, 64, 3), 8)
        steps = [report["steps"] for report in context.reports if report["stage"] == "generating"]
        assert set(steps) == ({round(4 * strength)} if strength else set())
        if strength in distance:
            assert np.array_equal(distance[strength][1], made), "a seed means one video"
        distance[strength] = (np.abs(made.astype(int) - frames).mean(), made)
    assert distance[0.0][0] == 0
    assert distance[0.25][0] > 0
    assert not np.array_equal(distance[0.25][1], distance[1.0][1])


@pytest.mark.parametrize("name", BOTH)
def test_the_sources_shape_and_length_count(
    backend: Any, add: Any, job: Any, tmp_path: Path, name: str
) -> None:
    model = add(name)
    context = job(model)
    source = clip(tmp_path / "in.mp4", 20, 16, (128, 32))
    backend.video(
        VideoRequest(model=model.id, prompt="x", video=source, num_frames=81, strength=0.1, seed=1), context
    )
    assert context.saved[0][0].shape == (9, 32, 128, 3), (
        "20 frames at 16 a second are 10 at 8, and it makes 1 + 8 or 4 n"
    )
    told = {field: (before, after) for field, before, after, _ in context.adjustments}
    assert told["num_frames"] == (81, 9)
    assert told["num_inference_steps"] == (4, 10), "at least one step runs"


def test_the_end_of_a_short_source_is_held(backend: Any, add: Any, job: Any, tmp_path: Path) -> None:
    model = add("cogvideox")
    context = job(model)
    source = clip(tmp_path / "in.mp4", 6, 8, (64, 64))
    request = VideoRequest(
        model=model.id, prompt="x", video=source, num_frames=49, strength=0.0, width=64, height=64
    )
    backend.video(request, context)
    assert [which(frame) for frame in context.saved[0][0]] == [0, 1, 2, 3, 4, 5, 5, 5, 5]
    assert context.adjustments == [("num_frames", 49, 9, "The source video has 6 frames at 8 a second.")]


def test_what_takes_no_source_video_says_so(backend: Any, add: Any, job: Any, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4", 9, 8)
    for name in ("wan", "mochi"):
        model = add(name)
        assert not model.operations[Operation.VIDEO].videos_in
        with pytest.raises(InvalidRequest, match="takes no source video"):
            backend.video(VideoRequest(model=model.id, prompt="x", video=source, seed=1), job(model))
    two = add("wan").operations[Operation.VIDEO].parameters["properties"]
    one = add("wan:single").operations[Operation.VIDEO].parameters["properties"]
    assert "guidance_scale_2" in two
    assert "guidance_scale_2" not in one


def test_cancel_leaves_the_model_ready(backend: Any, add: Any, job: Any, tmp_path: Path) -> None:
    model = add("cogvideox")
    source = clip(tmp_path / "in.mp4", 9, 8)
    request = VideoRequest(
        model=model.id,
        prompt="x",
        video=source,
        num_frames=9,
        width=64,
        height=64,
        num_inference_steps=20,
        seed=1,
    )
    cancelled, after = job(model, cancel_at=2), job(model)
    with pytest.raises(JobCancelled):
        backend.video(request, cancelled)
    assert not cancelled.saved
    backend.video(request, after)
    assert after.saved
