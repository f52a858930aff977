"""The sd adapter through the backend's own hooks, with a tiny random pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import EditRequest, GenerateRequest, JobCancelled, MediaInput, ModelInfo, Operation
from diorama_local_diffusers.models.user import add_model
from PIL import Image

pytestmark = pytest.mark.torch


@pytest.fixture
def model(settings: Any, tiny: Callable[..., Path]) -> ModelInfo:
    return add_model(settings, str(tiny("sd")), name="tiny-sd")


def picture(place: Path, size: tuple[int, int], mode: str = "RGB", seed: int = 0) -> MediaInput:
    random = np.random.default_rng(seed)
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8), mode).save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


def pixels(context: Any, index: int = 0) -> Any:
    return np.asarray(context.saved[index][0])


def test_capabilities_come_from_the_folder(model: ModelInfo) -> None:
    generate, edit = model.operations[Operation.GENERATE], model.operations[Operation.EDIT]
    assert generate.sizes is not None
    assert generate.sizes.default == (64, 64)
    assert edit.mask
    assert edit.sizes is not None
    assert edit.sizes.match_input


def test_seed_means_one_picture_alone_or_in_a_batch(backend: Any, model: ModelInfo, job: Any) -> None:
    base = {"model": model.id, "prompt": "a cat", "num_inference_steps": 2, "width": 64, "height": 72}
    batch, alone = job(model), job(model)
    backend.generate(GenerateRequest(**base, seed=7, num_images=3), batch)
    backend.generate(GenerateRequest(**base, seed=9), alone)
    assert [facts["seed"] for _, facts in batch.saved] == [7, 8, 9]
    assert pixels(batch, 2).shape == (72, 64, 3)
    assert np.array_equal(pixels(batch, 2), pixels(alone))
    assert not np.array_equal(pixels(batch, 0), pixels(batch, 1))


def test_progress_counts_steps_and_pictures_and_shows_previews(
    backend: Any, model: ModelInfo, job: Any
) -> None:
    context = job(model)
    backend.generate(
        GenerateRequest(
            model=model.id, prompt="a cat", seed=1, num_inference_steps=3, num_images=2, width=64, height=64
        ),
        context,
    )
    assert context.reports[0]["stage"] == "loading_model"
    steps = [
        (report["image"], report["step"], report["steps"]) for report in context.reports if "step" in report
    ]
    assert steps == [(1, 0, 3), (1, 1, 3), (1, 2, 3), (1, 3, 3), (2, 0, 3), (2, 1, 3), (2, 2, 3), (2, 3, 3)]
    assert context.reports[-1]["fraction"] == 1.0
    assert context.previews
    assert context.previews[0].shape == (8, 8, 3)


def test_negative_prompt_and_sampler_have_an_effect(backend: Any, model: ModelInfo, job: Any) -> None:
    base = {
        "model": model.id,
        "prompt": "a cat",
        "num_inference_steps": 3,
        "width": 64,
        "height": 64,
        "seed": 1,
    }
    made = []
    for more in ({}, {"negative_prompt": "a dog"}, {"scheduler": "euler"}, {"guidance_scale": 1.0}, {}):
        context = job(model)
        backend.generate(GenerateRequest(**(base | more)), context)
        made.append(pixels(context))
    assert not np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    assert not np.array_equal(made[0], made[3])
    assert np.array_equal(made[0], made[4]), "a job must not see the sampler of the one before"


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (64, 64), (61, 83), (641, 363), (900, 31)])
def test_edit_returns_exactly_the_inputs_size(
    backend: Any, model: ModelInfo, job: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    context = job(model)
    source = picture(tmp_path / "in.png", size)
    backend.edit(
        EditRequest(
            model=model.id, prompt="x", images=(source,), strength=0.5, num_inference_steps=4, seed=1
        ),
        context,
    )
    assert context.saved[0][0].size == size


def test_inpainting_changes_only_inside_the_mask(
    backend: Any, model: ModelInfo, job: Any, tmp_path: Path
) -> None:
    context = job(model)
    source = picture(tmp_path / "in.png", (70, 90))
    mask = np.zeros((90, 70), np.uint8)
    mask[20:50, 10:40] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    request = EditRequest(
        model=model.id, prompt="x", images=(source,), mask=MediaInput(path=str(tmp_path / "mask.png"), width=70, height=90),
        strength=1.0, num_inference_steps=2, seed=1,
    )  # fmt: skip
    backend.edit(request, context)
    before, after = np.asarray(source.load_image()), pixels(context)
    assert np.array_equal(before[mask == 0], after[mask == 0])
    assert not np.array_equal(before[mask > 0], after[mask > 0])


def test_strength_zero_keeps_the_picture_and_small_strengths_get_enough_steps(
    backend: Any, model: ModelInfo, job: Any, tmp_path: Path
) -> None:
    source = picture(tmp_path / "in.png", (64, 64))
    request = {"model": model.id, "prompt": "x", "images": (source,), "num_inference_steps": 1, "seed": 1}
    still, short = job(model), job(model)
    backend.edit(EditRequest(**request, strength=0.0), still)
    assert np.array_equal(pixels(still), np.asarray(source.load_image()))
    backend.edit(EditRequest(**request, strength=0.3), short)
    assert short.adjustments[0][:3] == ("num_inference_steps", 1, 4)


def test_cancel_ends_within_one_step_and_the_model_stays_usable(
    backend: Any, model: ModelInfo, job: Any
) -> None:
    base = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "seed": 1}
    cancelled, whole, again = job(model, cancel_at=2), job(model), job(model)
    with pytest.raises(JobCancelled):
        backend.generate(GenerateRequest(**base, num_inference_steps=30), cancelled)
    assert max(report.get("step", 0) for report in cancelled.reports) == 2
    assert not cancelled.saved
    backend.generate(GenerateRequest(**base, num_inference_steps=2), whole)
    backend.generate(GenerateRequest(**base, num_inference_steps=2), again)
    assert np.array_equal(pixels(whole), pixels(again))


def test_cancel_is_seen_before_each_block_of_a_step(backend: Any, model: ModelInfo, job: Any) -> None:
    context = job(model)
    loaded = backend.room.open(backend._entry("tiny-sd"), context)
    calls = []
    block = loaded.pipe.unet.up_blocks[0]
    handle = loaded.pipe.unet.down_blocks[0].register_forward_hook(
        lambda *_: setattr(context, "is_cancelled", True)
    )
    late = block.register_forward_hook(lambda *_: calls.append(1))
    with pytest.raises(JobCancelled):
        backend.generate(
            GenerateRequest(model=model.id, prompt="x", width=64, height=64, num_inference_steps=5, seed=1),
            context,
        )
    handle.remove()
    late.remove()
    assert not calls


def test_edit_shares_the_weights(backend: Any, model: ModelInfo, job: Any) -> None:
    loaded = backend.room.open(backend._entry("tiny-sd"), job(model))
    views = [loaded.view(name) for name in loaded.family.classes.values()]
    assert len({id(view.unet) for view in views}) == 1
    assert len({id(view.vae) for view in views}) == 1


def test_a_model_is_loaded_once_and_unloaded_on_request(backend: Any, model: ModelInfo, job: Any) -> None:
    request = GenerateRequest(model=model.id, prompt="x", width=64, height=64, num_inference_steps=1, seed=1)
    first, second, third = job(model), job(model), job(model)
    backend.generate(request, first)
    backend.generate(request, second)
    assert "loading_model" in {report["stage"] for report in first.reports}
    assert "loading_model" not in {report["stage"] for report in second.reports}
    backend.unload(model.native_id)
    backend.generate(request, third)
    assert "loading_model" in {report["stage"] for report in third.reports}
    assert np.array_equal(pixels(first), pixels(third))


def test_a_negative_prompt_without_guidance_is_reported(backend: Any, model: ModelInfo, job: Any) -> None:
    base = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "num_inference_steps": 1, "seed": 1}
    guided, plain = job(model), job(model)
    backend.generate(GenerateRequest(**base, negative_prompt="y"), guided)
    backend.generate(GenerateRequest(**base, negative_prompt="y", guidance_scale=1.0), plain)
    assert not guided.ignored_words
    assert [(field, value) for field, value, _ in plain.ignored_words] == [("negative_prompt", "y")]
