"""The Qwen-Image-Edit pipelines from folders, whose processor class transformers makes with torchvision only."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, EditRequest, MediaInput
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from PIL import Image

pytestmark = pytest.mark.torch
AREA = 64 * 64
BOTH = ["qwen-image-edit", "qwen-image-edit-plus"]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """These pipelines bring every picture to a megapixel by a literal; tests do with less."""
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit as one
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_inpaint as masked
    from diffusers.pipelines.qwenimage import pipeline_qwenimage_edit_plus as plus

    for module in (one, masked, plus):
        real = module.calculate_dimensions
        monkeypatch.setattr(
            module, "calculate_dimensions", lambda area, ratio, real=real: real(min(area, AREA), ratio)
        )


@pytest.fixture
def add(settings: Any, tiny: Callable[..., Path], small: None) -> Callable[..., Any]:
    """Puts a tiny model into the user's list."""

    def add_one(name: str, **more: Any) -> Any:
        entry = ModelEntry(
            name="tiny", path=str(tiny(name)), type=name, default_width=64, default_height=64, default_steps=2, **more
        )  # fmt: skip
        write_entries(settings, [entry])
        return model_info(entry, settings)

    return add_one


def drawn(size: tuple[int, int], seed: int) -> Any:
    random = np.random.default_rng(seed)
    return Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))


def picture(place: Path, size: tuple[int, int], seed: int = 0) -> MediaInput:
    drawn(size, seed).save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


@pytest.mark.parametrize("name", BOTH)
def test_the_size_is_kept_to_the_pixel(backend: Any, add: Any, job: Any, tmp_path: Path, name: str) -> None:
    model = add(name)
    assert model.availability.state is AvailabilityState.READY
    for size in [(1, 1), (7, 9), (100, 72), (641, 363), (900, 31)]:
        context = job(model)
        images = (picture(tmp_path / "a.png", size),)
        backend.edit(EditRequest(model=model.id, prompt="blue", images=images, seed=1), context)
        assert context.saved[0][0].size == size
        assert context.previews


def test_further_pictures_count(backend: Any, add: Any, job: Any, tmp_path: Path) -> None:
    model = add("qwen-image-edit-plus")
    first, second = picture(tmp_path / "a.png", (64, 64)), picture(tmp_path / "b.png", (80, 40), seed=1)
    made = []
    for images in ((first,), (first, second), (first, second)):
        context = job(model)
        backend.edit(EditRequest(model=model.id, prompt="blue", images=images, seed=1), context)
        made.append(np.asarray(context.saved[0][0]))
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[1], made[2])


def test_a_mask_protects_the_rest(backend: Any, add: Any, job: Any, tmp_path: Path) -> None:
    model = add("qwen-image-edit")
    source = picture(tmp_path / "a.png", (75, 61))
    mask = np.zeros((61, 75), np.uint8)
    mask[20:40, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    hole = MediaInput(path=str(tmp_path / "mask.png"), width=75, height=61)
    context = job(model)
    backend.edit(EditRequest(model=model.id, prompt="blue", images=(source,), mask=hole, seed=1), context)
    before, after = np.asarray(source.load_image()), np.asarray(context.saved[0][0])
    assert np.array_equal(before[mask == 0], after[mask == 0])
    assert not np.array_equal(before[mask > 0], after[mask > 0])


@pytest.mark.parametrize("name", BOTH)
def test_a_quantised_denoiser_edits_too(
    backend: Any, add: Any, job: Any, tiny: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    from diffusers import QwenImageTransformer2DModel
    from diorama_local_diffusers.testing.checkpoint import write_gguf

    network = QwenImageTransformer2DModel.from_pretrained(tiny(name) / "transformer")
    write_gguf(network, tmp_path / "m-Q8_0.gguf", "Q8_0")
    write_gguf(network, tmp_path / "m-Q4_0.gguf", "Q4_0")
    made = {}
    for kind in ("", "Q8_0", "Q4_0"):
        model = add(name, gguf=str(tmp_path), quantizations=("Q8_0", "Q4_0")) if kind else add(name)
        context, chosen = job(model), {"quantization": kind} if kind else {}
        images = (picture(tmp_path / "a.png", (64, 64)),)
        backend.edit(
            EditRequest(model=model.id, prompt="blue", images=images, seed=1, parameters=chosen), context
        )
        backend.unload()
        made[kind] = np.asarray(context.saved[0][0]).astype(int)
    near, far = (np.abs(made[kind] - made[""]).mean() for kind in ("Q8_0", "Q4_0"))
    assert 0 < near < far < 20


def test_a_processor_is_read_as_the_stock_class_wrote_it(tiny: Callable[..., Path], tmp_path: Path) -> None:
    from diorama_local_diffusers.runtime.picture_processor import open_processor

    new = tiny("qwen-image-edit") / "processor"
    facts = json.loads((new / "processor_config.json").read_bytes())
    old = tmp_path / "old"  # as the published models have it: a file for each part
    old.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (new / name).exists():
            (old / name).write_bytes((new / name).read_bytes())
    limits = {"min_pixels": 28 * 28, "max_pixels": 56 * 56}
    pictures = facts["image_processor"] | {
        "image_processor_type": "Qwen2VLImageProcessorFast",
        "processor_class": "Qwen2_5_VLProcessor",
    }
    (old / "preprocessor_config.json").write_text(json.dumps(pictures | limits))
    (old / "video_preprocessor_config.json").write_text(
        json.dumps({"video_processor_type": "Qwen2VLVideoProcessor"})
    )
    first, second = drawn((84, 56), 1), drawn((28, 56), 2)
    say = {"text": ["<|image_pad|>a<|image_pad|>b"], "images": [first, second], "return_tensors": "pt"}
    one, other = (open_processor(place)(**say, padding=True) for place in (new, old))
    assert set(one) == set(other)
    assert all((one[name] == other[name]).all() for name in one)


def test_the_network_sees_the_pixels_and_a_token_for_each_patch(tiny: Callable[..., Path]) -> None:
    from diorama_local_diffusers.runtime.picture_processor import open_processor

    processor = open_processor(tiny("qwen-image-edit") / "processor")
    source = drawn((56, 28), 3)
    seen = processor(text=["x<|image_pad|>y"], images=[source], padding=True, return_tensors="pt")
    assert seen["image_grid_thw"].tolist() == [[1, 2, 4]]
    ids = seen["input_ids"][0].tolist()
    picture_token = processor.tokenizer.convert_tokens_to_ids("<|image_pad|>")
    assert ids[1:-1] == [picture_token] * 2, "four patches are one token"
    assert picture_token not in (ids[0], ids[-1])
    assert seen["attention_mask"].tolist() == [[1] * 4]
    mean = np.array([0.48145466, 0.4578275, 0.40821073])
    std = np.array([0.26862954, 0.26130258, 0.27577711])
    expected = ((np.asarray(source) / 255 - mean) / std)[:14, :14].transpose(2, 0, 1)
    patch = seen["pixel_values"][0].numpy().reshape(3, 2, 14, 14)
    assert np.allclose(patch[:, 0], expected, atol=1e-5)
    assert np.array_equal(patch[:, 0], patch[:, 1]), "a still picture is a video of two equal frames"
