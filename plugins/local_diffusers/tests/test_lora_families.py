"""A LoRA on every further family that takes one: it counts, weight 0 is nothing, and nothing is left of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import EditRequest, GenerateRequest, LoraRef, MediaInput, VideoRequest
from diorama_local_diffusers.families import families
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from PIL import Image

pytestmark = pytest.mark.torch
FRAMES = {"cogvideox": 9, "ltx2": 9, "wan": 5, "mochi": 7}
NAMES = ["qwen-image", "flux2", "flux-kontext", *FRAMES]


def write_lora(pipe: Any, place: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(0)
    layers = LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False)
    pipe.transformer.add_adapter(layers, "made")
    tensors = get_peft_model_state_dict(pipe.transformer, adapter_name="made")
    place.parent.mkdir(parents=True)
    pipe.save_lora_weights(place.parent, transformer_lora_layers=tensors, weight_name=place.name)


@pytest.fixture
def make(settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path) -> Any:
    """Returns a function that makes a picture or video of a tiny model with LoRA."""
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(tmp_path / "in.png")
    source = MediaInput(path=str(tmp_path / "in.png"), width=64, height=64)

    def run(name: str, *loras: LoraRef) -> Any:
        row = ModelEntry(name=name, path=str(tiny(name)), type=name, default_width=64, default_height=64)
        write_entries(settings, [row])
        model = model_info(row, settings)
        context = job(model)
        values: dict[str, Any] = {
            "model": model.id, "prompt": "a cat", "seed": 1, "num_inference_steps": 2, "loras": loras,
        }  # fmt: skip
        if name == "flux-kontext":
            backend.edit(EditRequest(**values, images=(source,)), context)
        elif name in ("flux2", "qwen-image"):
            backend.generate(GenerateRequest(**values, width=64, height=64), context)
        else:
            backend.video(VideoRequest(**values, width=64, height=32, num_frames=FRAMES[name]), context)
        return np.asarray(context.saved[0][0])

    return run


@pytest.mark.parametrize("name", NAMES)
def test_a_lora_counts_and_leaves_no_trace(
    make: Any, settings: Any, tiny: Callable[..., Path], name: str
) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(tiny(name), local_files_only=True)
    write_lora(pipe, settings.data_dir / "loras/odd.safetensors")
    base = make(name)
    assert not np.array_equal(make(name, LoraRef(id="odd", weight=1.0)), base)
    assert np.array_equal(make(name, LoraRef(id="odd", weight=0.0)), base)
    assert np.array_equal(make(name), base)


def test_every_family_that_takes_lora_is_tested() -> None:
    # The rest is in test_loras.py; the others share pipeline code and kind with a family that is tested.
    tested = {families()[name].lora_kind for name in [*NAMES, "sd", "sdxl", "sd3", "flux"]}
    assert {family.lora_kind for family in families().values() if family.lora_kind} == tested
