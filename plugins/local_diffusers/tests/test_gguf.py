"""Every GGUF type that is offered: it means the weights that the format says, reloads on change, and takes a LoRA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import GenerateRequest, LoraRef
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.testing.kquants import RECIPES, write_drawn_gguf

pytestmark = pytest.mark.torch


def open_folder(folder: Path) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(folder, local_files_only=True)


@pytest.fixture
def draw(settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path) -> Any:
    """Makes a picture with a folder, or with GGUF files over the tiny model."""
    folder = tiny("qwen-image:wide")

    def make(place: Path | None = None, kind: str = "", loras: tuple[LoraRef, ...] = ()) -> Any:
        row = ModelEntry(
            name=place.name if place else "few-bits", path=str(place or folder), type="qwen-image",
            default_width=64, default_height=64, gguf="" if place else str(tmp_path),
            quantizations=() if place else tuple(RECIPES),
        )  # fmt: skip
        write_entries(settings, [row])
        model = model_info(row, settings)
        context = job(model)
        chosen = {"quantization": kind} if kind else {}
        backend.generate(
            GenerateRequest(model=model.id, prompt="a cat", width=64, height=64, num_inference_steps=2, seed=1,
                            parameters=chosen, loras=loras), context)  # fmt: skip
        return np.asarray(context.saved[0][0]).astype(int)

    return make


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_type_means_the_weights_that_the_format_says(
    draw: Any, tiny: Callable[..., Path], tmp_path: Path, recipe: str
) -> None:
    pipe = open_folder(tiny("qwen-image:wide"))
    weights = write_drawn_gguf(pipe.transformer, tmp_path / f"tiny-{recipe}.gguf", recipe)
    base = draw(tiny("qwen-image:wide"))
    pipe.transformer.load_state_dict(weights)
    pipe.save_pretrained(tmp_path / "same", safe_serialization=True)
    made = draw(kind=recipe)
    # diffusers computes the weights in 16 bits, so that a grey level differs here and there.
    near, far = np.abs(made - draw(tmp_path / "same")).mean(), np.abs(made - base).mean()
    assert far > 1
    assert near < 0.02


def test_a_lora_works_over_few_bits_and_leaves_no_trace(
    draw: Any, settings: Any, tiny: Callable[..., Path], tmp_path: Path
) -> None:
    from peft import LoraConfig, get_peft_model_state_dict

    pipe = open_folder(tiny("qwen-image:wide"))
    write_drawn_gguf(pipe.transformer, tmp_path / "tiny-Q4_K_M.gguf", "Q4_K_M")
    write_drawn_gguf(pipe.transformer, tmp_path / "tiny-Q8_0.gguf", "Q8_0", seed=1)
    pipe.transformer.add_adapter(
        LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False), "made"
    )
    tensors = get_peft_model_state_dict(pipe.transformer, adapter_name="made")
    (settings.data_dir / "loras").mkdir(parents=True)
    pipe.save_lora_weights(
        settings.data_dir / "loras", transformer_lora_layers=tensors, weight_name="odd.safetensors"
    )
    base = draw()  # four bits are the default
    with_lora = draw(loras=(LoraRef(id="odd", weight=1.0),))
    assert not np.array_equal(with_lora, base)
    assert np.array_equal(draw(loras=(LoraRef(id="odd", weight=0.0),)), base)
    assert not np.array_equal(draw(kind="Q8_0"), base)
    assert np.array_equal(draw(kind="Q4_K_M"), base), "nothing of a LoRA may reach the next job"
    assert np.array_equal(draw(kind="Q4_K_M", loras=(LoraRef(id="odd", weight=1.0),)), with_lora)
