"""Every family through the backend's hooks, with tiny random pipelines: sizes, frames, seeds, cancel, previews."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import (
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    JobCancelled,
    MediaInput,
    Operation,
    VideoRequest,
)
from diorama_local_diffusers.families import families
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from PIL import Image

pytestmark = pytest.mark.torch

PICTURES = ["sdxl", "sd3", "flux", "flux:schnell", "flux2", "qwen-image"]
REPAINTING = ["sdxl", "sd3", "flux", "qwen-image"]
INSTRUCT = ["flux-kontext", "flux2"]  # those of Qwen have tests of their own
ODD_SIZES = [(1, 1), (7, 9), (100, 72), (641, 363), (900, 31)]
TEXT_VIDEO = {"cogvideox": 9, "ltx2": 9, "wan": 5, "mochi": 7}
PICTURE_VIDEO = {"cogvideox-i2v": 9, "ltx2": 9, "wan-i2v": 5, "svd": 3}


@pytest.fixture
def add(settings: Any, tiny: Callable[..., Path]) -> Callable[[str], Any]:
    """Puts a tiny model, whose natural size is 64 pixels, into the user's list."""

    def add_one(name: str, **more: Any) -> Any:
        family = name.partition(":")[0]
        folder = tiny(name)
        entry = ModelEntry(
            name="tiny",
            path=str(folder),
            type=family,
            default_width=64,
            default_height=64,
            default_steps=2,
            **more,
        )
        write_entries(settings, [entry])
        return model_info(entry, settings)

    return add_one


def picture(place: Path, size: tuple[int, int]) -> MediaInput:
    random = np.random.default_rng(0)
    Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


def shade(place: Path, grey: int) -> MediaInput:
    Image.new("RGB", (64, 64), (grey, grey, grey)).save(place)
    return MediaInput(path=str(place), width=64, height=64)


def pixels(context: Any, index: int = 0) -> Any:
    return np.asarray(context.saved[index][0])


@pytest.mark.parametrize("name", PICTURES)
def test_text_to_image(backend: Any, add: Any, job: Any, name: str) -> None:
    model = add(name)
    base = {"model": model.id, "prompt": "a cat", "width": 64, "height": 96, "negative_prompt": "dog"}
    first, again, other = job(model), job(model), job(model)
    backend.generate(GenerateRequest(**base, seed=3, num_images=2), first)
    backend.generate(GenerateRequest(**base, seed=4), again)
    backend.generate(GenerateRequest(**(base | {"prompt": "a tree"}), seed=4), other)
    assert pixels(first).shape == (96, 64, 3)
    assert np.array_equal(pixels(first, 1), pixels(again))
    assert not np.array_equal(pixels(again), pixels(other))
    assert [report["step"] for report in first.reports if report.get("image") == 2] == [0, 1, 2]
    assert first.previews[0].dtype == np.uint8
    assert first.previews[0].shape[0] / first.previews[0].shape[1] == 96 / 64


@pytest.mark.parametrize("name", REPAINTING)
def test_image_to_image_and_inpainting(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    source = picture(tmp_path / "in.png", (75, 61))
    mask = np.zeros((61, 75), np.uint8)
    mask[20:40, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    hole = MediaInput(path=str(tmp_path / "mask.png"), width=75, height=61)
    plain, masked = job(model), job(model)
    base = {"model": model.id, "prompt": "x", "images": (source,), "num_inference_steps": 4, "seed": 1}
    backend.edit(EditRequest(**base, strength=0.6), plain)
    backend.edit(EditRequest(**base, strength=1.0, mask=hole), masked)
    before = np.asarray(source.load_image())
    assert plain.saved[0][0].size == (75, 61)
    assert np.array_equal(before[mask == 0], pixels(masked)[mask == 0])
    assert not np.array_equal(before[mask > 0], pixels(masked)[mask > 0])
    ran = [report for report in plain.reports if report["stage"] == "generating"]
    assert ran[-1]["step"] == ran[-1]["steps"] == model_steps(name)


@pytest.mark.parametrize("name", REPAINTING)
def test_repainting_keeps_odd_sizes_too(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    for size in ODD_SIZES:
        context = job(model)
        source = picture(tmp_path / "in.png", size)
        request = EditRequest(model=model.id, prompt="x", images=(source,), strength=0.5, seed=1)
        backend.edit(request, context)
        assert context.saved[0][0].size == size


def model_steps(name: str) -> int:
    return 2 if name == "sdxl" else 3  # 0.6 of 4 steps: rounded down or up


@pytest.mark.parametrize("name", INSTRUCT)
@pytest.mark.parametrize("size", ODD_SIZES)
def test_instruct_edits_return_exactly_the_inputs_size(
    backend: Any, add: Any, job: Any, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    model = add(name)
    context = job(model)
    most = int(model.operations[Operation.EDIT].images_in.maximum)
    sources = tuple(
        picture(tmp_path / f"{index}.png", size if index == 0 else (50, 60)) for index in range(most)
    )
    backend.edit(EditRequest(model=model.id, prompt="make it blue", images=sources, seed=1), context)
    assert context.saved[0][0].size == size
    assert context.previews


@pytest.mark.parametrize("name", TEXT_VIDEO)
def test_text_to_video(backend: Any, add: Any, job: Any, name: str) -> None:
    model = add(name)
    frames = TEXT_VIDEO[name]
    first, again = job(model), job(model)
    request = VideoRequest(
        model=model.id, prompt="a cat", width=64, height=32, num_frames=frames, fps=8, seed=1, audio=True
    )
    backend.video(request, first)
    backend.video(request, again)
    content, facts = first.saved[0]
    assert content.shape == (frames, 32, 64, 3)
    assert content.dtype == np.uint8
    assert facts["fps"] == 8
    assert np.array_equal(content, again.saved[0][0])
    assert first.previews[0].shape[0] * 2 == first.previews[0].shape[1]
    sound = facts["audio"]
    assert (sound is not None) == model.operations[Operation.VIDEO].audio
    if sound is not None:
        assert sound.sample_rate == 16000
        assert sound.samples.dtype == np.float32
        assert sound.samples.shape[0] == 2


@pytest.mark.parametrize("name", PICTURE_VIDEO)
def test_picture_to_video(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    context, shaped = job(model), job(model)
    start = picture(tmp_path / "in.png", (128, 32))
    base = {
        "model": model.id,
        "prompt": "x",
        "images": (start,),
        "num_frames": PICTURE_VIDEO[name],
        "seed": 1,
    }
    sizes = model.operations[Operation.VIDEO].sizes
    width, height = sizes.choices[0] if sizes.choices else (64, 64)
    backend.video(VideoRequest(**base, width=width, height=height), context)
    assert context.saved[0][0].shape == (PICTURE_VIDEO[name], height, width, 3)
    if sizes.choices:
        return
    backend.video(VideoRequest(**base), shaped)
    assert shaped.saved[0][0].shape[1:3] == (32, 128), "without a size the picture's shape counts"


@pytest.mark.parametrize(("name", "frames", "most"), [("wan-i2v", 5, 2), ("ltx2", 9, 5)])
def test_pictures_stand_at_times_of_their_own(
    backend: Any, add: Any, job: Any, tmp_path: Path, name: str, frames: int, most: int
) -> None:
    model = add(name)
    assert model.operations[Operation.VIDEO].images_in.maximum == most
    shades = [shade(tmp_path / f"{grey}.png", grey) for grey in (0, 60, 120, 180, 240)]
    made = {}
    for which in ((0,), (0, 4), (0, 1), *((tuple(range(most)),) if most > 2 else ()), (0, 4)):
        context = job(model)
        backend.video(
            VideoRequest(
                model=model.id, prompt="x", images=tuple(shades[index] for index in which), num_frames=frames,
                width=64, height=64, num_inference_steps=1, seed=1,
            ), context)  # fmt: skip
        content = context.saved[0][0]
        assert content.shape == (frames, 64, 64, 3)
        if which in made:
            assert np.array_equal(made[which], content)
        made[which] = content
    assert len({content.tobytes() for content in made.values()}) == len(made)


@pytest.mark.parametrize("name", ["qwen-image", "ltx2"])
def test_one_step_is_too_few_where_steps_are_stretched(backend: Any, add: Any, job: Any, name: str) -> None:
    model = add(name)
    (operation,) = {Operation.GENERATE, Operation.VIDEO} & model.operations.keys()
    assert model.operations[operation].num_inference_steps.minimum == 2
    context = job(model)
    values: dict[str, Any] = {
        "model": model.id,
        "prompt": "x",
        "width": 64,
        "height": 64,
        "num_inference_steps": 1,
        "seed": 1,
    }
    if name == "ltx2":
        backend.video(VideoRequest(**values, num_frames=9), context)
    else:
        backend.generate(GenerateRequest(**values), context)
    assert np.std(pixels(context)) > 1, "a step without an end gives a picture of nothing"


def test_more_pictures_than_the_frames_have_room_for_are_refused(
    backend: Any, add: Any, job: Any, tmp_path: Path
) -> None:
    model = add("ltx2")
    shades = tuple(shade(tmp_path / f"{grey}.png", grey) for grey in (0, 60, 120, 180, 240))
    request = VideoRequest(
        model=model.id, prompt="x", images=shades, num_frames=1, width=64, height=64, seed=1
    )
    with pytest.raises(InvalidRequest, match="have room for"):
        backend.video(request, job(model))


@pytest.mark.parametrize(("name", "asked", "made"), [("wan", 4, 5), ("mochi", 8, 7), ("cogvideox", 8, 9)])
def test_frame_counts_a_model_cannot_make_are_adjusted(
    backend: Any, add: Any, job: Any, name: str, asked: int, made: int
) -> None:
    model = add(name)
    context = job(model)
    backend.video(
        VideoRequest(model=model.id, prompt="x", width=32, height=32, num_frames=asked, seed=1), context
    )
    assert context.saved[0][0].shape[0] == made
    assert context.adjustments[0][:3] == ("num_frames", asked, made)


def test_every_family_has_an_operation_and_names_itself() -> None:
    for name, family in families().items():
        entry = ModelEntry(name="x", path="a/b", type=name)
        operations = family.capabilities(entry, None)
        assert operations
        assert family.title
        for operation, found in operations.items():
            steps = operation is not Operation.UPSCALE
            assert (found.num_inference_steps is not None) == steps
            assert found.preview == steps


@pytest.mark.parametrize("name", ["sdxl", "qwen-image", "wan"])
def test_cancel_while_the_parts_are_loaded(backend: Any, add: Any, job: Any, name: str) -> None:
    model = add(name)
    cancelled, after = job(model), job(model)
    told = cancelled.progress

    def progress(stage: Any, fraction: Any = None, message: str = "", **numbers: Any) -> None:
        cancelled.is_cancelled = stage == "loading_model" and bool(
            fraction
        )  # one part is there, others are not
        told(stage, fraction, message, **numbers)

    cancelled.progress = progress
    values: dict[str, Any] = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "seed": 1}
    hook = backend.video if name == "wan" else backend.generate
    request = VideoRequest(**values, num_frames=5) if name == "wan" else GenerateRequest(**values)
    with pytest.raises(JobCancelled):
        hook(request, cancelled)
    assert not cancelled.saved
    assert "generating" not in {report["stage"] for report in cancelled.reports}
    hook(request, after)
    assert after.saved


def test_cancel_between_two_pictures_keeps_the_first(backend: Any, add: Any, job: Any) -> None:
    model = add("flux")
    context = job(model)
    saved = context.save

    def save(content: Any, **facts: Any) -> Any:
        context.is_cancelled = True
        return saved(content, **facts)

    context.save = save
    with pytest.raises(JobCancelled):
        backend.generate(
            GenerateRequest(model=model.id, prompt="x", width=64, height=64, seed=1, num_images=3), context
        )
    assert len(context.saved) == 1


@pytest.mark.parametrize("name", ["svd", "wan", "flux"])
def test_cancel_within_a_step(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    start = (picture(tmp_path / "in.png", (64, 64)),) if name == "svd" else ()
    video: dict[str, Any] = {
        "model": model.id,
        "images": start,
        "num_frames": 5,
        "width": 32,
        "height": 32,
        "seed": 1,
    }
    flux: dict[str, Any] = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "seed": 1}
    request = GenerateRequest(**flux) if name == "flux" else VideoRequest(**video, prompt="x")
    hook = backend.generate if name == "flux" else backend.video
    cancelled, after = job(model, cancel_at=1), job(model)
    with pytest.raises(JobCancelled):
        hook(replace(request, num_inference_steps=20), cancelled)
    assert max(report.get("step", 0) for report in cancelled.reports) == 1
    assert not cancelled.saved
    hook(request, after)
    assert after.saved
