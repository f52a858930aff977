"""Weights kept in 8 bits for those who ask: really so, near the usual picture, and a model of their own in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import (
    BackendSettings,
    GenerateRequest,
    InvalidRequest,
    LoraRef,
    Operation,
    VideoRequest,
)
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries

pytestmark = pytest.mark.torch


@pytest.fixture
def add(settings: BackendSettings, tiny: Callable[..., Path]) -> Callable[..., Any]:
    def add_one(name: str, **more: Any) -> Any:
        row = ModelEntry(
            name=name, path=str(tiny(name)), type=name, default_width=64, default_height=64, default_steps=2, **more
        )  # fmt: skip
        write_entries(settings, [row])
        return model_info(row, settings)

    return add_one


def picture(backend: Any, model: Any, job: Any, loras: tuple[LoraRef, ...] = (), **parameters: Any) -> Any:
    context = job(model)
    request = GenerateRequest(
        model=model.id, prompt="a cat", width=64, height=64, seed=1, parameters=parameters, loras=loras
    )
    result = backend.generate(request, context)
    return np.asarray(context.saved[0][0]).astype(int), result.facts


@pytest.mark.parametrize(
    ("name", "part"), [("sdxl", "unet"), ("sd3", "transformer"), ("flux", "transformer")]
)
def test_weights_are_in_8_bits_and_the_picture_is_near(
    backend: Any, add: Any, job: Any, name: str, part: str
) -> None:
    import torch

    model = add(name)
    schema = model.operations[Operation.GENERATE].parameters["properties"]["fp8"]
    assert (schema["type"], schema["default"]) == ("boolean", False)
    usual, plain = picture(backend, model, job)
    few, facts = picture(backend, model, job, fp8=True)
    assert facts["weights"] == "fp8"
    assert "weights" not in plain
    assert 0 < np.abs(few - usual).mean() < 2
    assert len(backend.room.residents.names()) == 2, "the usual weights stay open beside them"
    loaded = backend.room.open(backend._entry(name), job(model), "fp8")
    network = getattr(loaded.pipe, part)
    matrices = [weight for key, weight in network.named_parameters() if "to_q.weight" in key]
    assert {weight.dtype for weight in matrices} == {torch.float8_e4m3fn}
    assert loaded.bytes < backend.room.open(backend._entry(name), job(model)).bytes
    again, _ = picture(backend, model, job)
    assert np.array_equal(again, usual)
    assert np.array_equal(picture(backend, model, job, fp8=True)[0], few)


def test_both_networks_of_wan_are_in_8_bits(backend: Any, add: Any, job: Any) -> None:
    import torch

    model = add("wan")
    context = job(model)
    backend.video(
        VideoRequest(
            model=model.id, prompt="x", width=32, height=32, num_frames=5, seed=1, parameters={"fp8": True}
        ),
        context,
    )
    loaded = backend.room.open(backend._entry("wan"), context, "fp8")
    for network in (loaded.pipe.transformer, loaded.pipe.transformer_2):
        assert torch.float8_e4m3fn in {weight.dtype for weight in network.parameters()}
    assert context.saved[0][0].shape == (5, 32, 32, 3)


@pytest.mark.parametrize("name", ["sdxl", "flux"])
def test_a_lora_works_over_8_bits_and_leaves_no_trace(
    backend: Any, add: Any, job: Any, settings: BackendSettings, tiny: Callable[..., Path], name: str
) -> None:
    from diffusers import DiffusionPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    pipe = DiffusionPipeline.from_pretrained(tiny(name), local_files_only=True)
    part = "unet" if name == "sdxl" else "transformer"
    network = getattr(pipe, part)
    network.add_adapter(
        LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False), "made"
    )
    layers = {f"{part}_lora_layers": get_peft_model_state_dict(network, adapter_name="made")}
    (settings.data_dir / "loras").mkdir(parents=True)
    pipe.save_lora_weights(settings.data_dir / "loras", weight_name="odd.safetensors", **layers)
    model = add(name)
    base, _ = picture(backend, model, job, fp8=True)
    with_lora, _ = picture(backend, model, job, (LoraRef(id="odd", weight=1.0),), fp8=True)
    assert not np.array_equal(with_lora, base)
    loaded = backend.room.open(backend._entry(name), job(model), "fp8")
    learned = dict(getattr(loaded.pipe, part).named_parameters())
    kept = {key: value for key, value in learned.items() if ".lora_A." in key}
    original = layers[f"{part}_lora_layers"]
    for key, value in kept.items():
        assert np.array_equal(value.detach().numpy(), original[key.replace(".lora0.", ".")].detach().numpy())
    assert np.array_equal(picture(backend, model, job, (LoraRef(id="odd", weight=0.0),), fp8=True)[0], base)
    assert np.array_equal(picture(backend, model, job, fp8=True)[0], base)


def test_a_profile_over_8_bits_changes_nothing_that_it_cannot(backend: Any, add: Any, job: Any) -> None:
    model = add("flux")
    base, _ = picture(backend, model, job, fp8=True)
    for _ in range(2):  # the first one measures
        made, facts = picture(backend, model, job, fp8=True, profile="fast")
        assert "fused_qkv" not in facts["profile_rungs"]
        assert np.abs(made - base).max() <= 2


@pytest.mark.parametrize("plan", ["vae_tiling", "model_offload", "group_offload"])
def test_every_memory_plan_gives_the_same_pixels(
    backend: Any, add: Any, job: Any, settings: BackendSettings, plan: str
) -> None:
    from diorama_local_diffusers import create_backend

    model = add("flux")
    expected, _ = picture(backend, model, job, fp8=True)
    lean = create_backend(replace(settings, options={"memory_plan": plan}))
    made, facts = picture(lean, model, job, fp8=True)
    assert facts["memory_plan"] == plan
    assert np.array_equal(made, expected)
    assert np.array_equal(picture(lean, model, job, fp8=True)[0], expected)


def test_a_device_without_such_numbers_says_so(backend: Any, add: Any, job: Any) -> None:
    import torch
    from diorama_local_diffusers.runtime.opening import Opener

    model = add("flux")
    opener = Opener(backend._entry("flux"), backend.settings, job(model), "mps", torch.float16)
    with pytest.raises(InvalidRequest) as refused:
        opener.open("fp8")
    assert refused.value.field == "fp8"


def test_quantised_models_have_their_own_choice(backend: Any, add: Any, tmp_path: Path) -> None:
    model = add("flux", gguf=str(tmp_path), quantizations=("Q8_0",))
    assert "fp8" not in model.operations[Operation.GENERATE].parameters["properties"]


def test_what_it_needs_in_8_bits_is_among_the_ways(backend: Any, add: Any) -> None:
    add("flux")
    whole, few = backend.memory_needs("flux", "cpu")
    assert (whole.plan, few.plan) == ("full", "full (fp8)")
    assert few.parameters == {"fp8": True}
    assert few.device_bytes < whole.device_bytes
    plans = [need.plan for need in backend.memory_needs("flux", "cuda:0")]
    assert plans == [
        "full",
        "model_offload",
        "group_offload",
        "full (fp8)",
        "model_offload (fp8)",
        "group_offload (fp8)",
    ]
