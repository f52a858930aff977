"""The Qwen-Image-Edit adapters without torchvision: the real pipelines with a processor made here.

The processor class of these models cannot be made without torchvision, so the pipelines are put together in memory;
everything else runs as it does from a folder. With torchvision, test_families.py runs them from a folder too.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import EditRequest, MediaInput
from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.runtime.pictures import edit
from diorama_local_diffusers.runtime.residency import Loaded
from PIL import Image

pytestmark = pytest.mark.torch
AREA = 64 * 64


class Processor:
    """Prepares pictures with the real image processor and repeats the picture token as often as there are patches."""

    def __init__(self) -> None:
        from diorama_local_diffusers.testing.tokenizers import qwen_tokenizer
        from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

        self.tokenizer = qwen_tokenizer()
        self.image_processor = Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56)

    def __call__(self, text: list[str], images: Any, padding: bool, return_tensors: str) -> Any:
        from transformers import BatchFeature

        pictures = self.image_processor(images=images, return_tensors="pt")
        counts = [
            int(grid.prod()) // self.image_processor.merge_size**2 for grid in pictures["image_grid_thw"]
        ]
        remaining = iter(counts)
        texts = [re.sub(r"<\|image_pad\|>", lambda _: "<|image_pad|>" * next(remaining), one) for one in text]
        return BatchFeature(
            {**self.tokenizer(texts, padding=padding, return_tensors=return_tensors), **pictures}
        )


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
def loaded(request: pytest.FixtureRequest, settings: Any, small: None) -> Any:
    import diffusers
    import torch
    from diorama_local_diffusers.testing.images import qwen_parts

    torch.manual_seed(0)
    torch.set_num_threads(1)
    family = family_named(request.param)
    kind = getattr(diffusers, family.classes["instruct"])
    pipe = kind(**qwen_parts(), processor=Processor())
    pipe.set_progress_bar_config(disable=True)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            part.eval()
    entry = ModelEntry(
        name="tiny", path="/nowhere", type=family.name, default_width=64, default_height=64, default_steps=2
    )
    return Loaded(entry, family, None, pipe, settings)


def picture(place: Path, size: tuple[int, int], seed: int = 0) -> MediaInput:
    random = np.random.default_rng(seed)
    Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)).save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


@pytest.mark.parametrize("loaded", ["qwen-image-edit", "qwen-image-edit-plus"], indirect=True)
@pytest.mark.parametrize("size", [(1, 1), (100, 72), (641, 363), (200, 31)])
def test_the_size_is_kept_to_the_pixel(
    loaded: Any, settings: Any, job: Any, tmp_path: Path, size: tuple[int, int]
) -> None:
    context = job(model_info(loaded.entry, settings))
    edit(
        loaded,
        EditRequest(model="local:tiny", prompt="blue", images=(picture(tmp_path / "a.png", size),), seed=1),
        context,
    )
    assert context.saved[0][0].size == size
    assert context.previews


@pytest.mark.parametrize("loaded", ["qwen-image-edit-plus"], indirect=True)
def test_further_pictures_count(loaded: Any, settings: Any, job: Any, tmp_path: Path) -> None:
    first, second = picture(tmp_path / "a.png", (64, 64)), picture(tmp_path / "b.png", (80, 40), seed=1)
    made = []
    for images in ((first,), (first, second), (first, second)):
        context = job(model_info(loaded.entry, settings))
        edit(loaded, EditRequest(model="local:tiny", prompt="blue", images=images, seed=1), context)
        made.append(np.asarray(context.saved[0][0]))
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[1], made[2])


@pytest.mark.parametrize("loaded", ["qwen-image-edit"], indirect=True)
def test_a_mask_protects_the_rest(loaded: Any, settings: Any, job: Any, tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", (75, 61))
    mask = np.zeros((61, 75), np.uint8)
    mask[20:40, 10:50] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    hole = MediaInput(path=str(tmp_path / "mask.png"), width=75, height=61)
    context = job(model_info(loaded.entry, settings))
    edit(loaded, EditRequest(model="local:tiny", prompt="blue", images=(source,), mask=hole, seed=1), context)
    before, after = np.asarray(source.load_image()), np.asarray(context.saved[0][0])
    assert np.array_equal(before[mask == 0], after[mask == 0])
    assert not np.array_equal(before[mask > 0], after[mask > 0])


def test_without_torchvision_the_catalog_says_what_to_install(settings: Any, tiny: Any) -> None:
    import importlib.util

    from diorama.contract import AvailabilityState

    entry = ModelEntry(name="edit", path=str(tiny("qwen-image")), type="qwen-image-edit")
    found = model_info(entry, settings).availability
    if importlib.util.find_spec("torchvision") is None:
        assert found.state is AvailabilityState.NEEDS_INSTALL
        assert "torchvision" in str(found.fix)
    else:
        assert found.state is AvailabilityState.READY
