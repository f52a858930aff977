"""LoRA: what it does, that weight 0 does nothing, that nothing leaks, that a wrong family is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import GenerateRequest, InvalidRequest, LoraRef
from diorama_local_diffusers.models.adapters import family_of_lora, list_loras
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries

pytestmark = pytest.mark.torch


def write_lora(pipe: Any, denoiser: str, place: Path, seed: int = 0) -> None:
    """A random LoRA over the attention of a tiny model, saved by the pipeline itself."""
    import torch
    from peft import LoraConfig, get_peft_model_state_dict

    torch.manual_seed(seed)
    network = getattr(pipe, denoiser)
    network.add_adapter(
        LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False), "made"
    )
    tensors = get_peft_model_state_dict(network, adapter_name="made")
    place.parent.mkdir(parents=True, exist_ok=True)
    pipe.save_lora_weights(
        place.parent, **{f"{denoiser}_lora_layers": tensors}, weight_name=place.name, safe_serialization=True
    )


@pytest.fixture
def studio(settings: Any, backend: Any, tiny: Callable[..., Path], job: Any) -> Callable[..., Any]:
    """Lists a tiny model, writes LoRA for it, and returns a function that makes a picture with LoRA."""
    from diffusers import DiffusionPipeline

    def open_one(name: str, denoiser: str) -> Callable[..., Any]:
        folder = tiny(name)
        for index, lora in enumerate(("first", "second")):
            pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
            write_lora(pipe, denoiser, settings.data_dir / f"loras/{name}/{lora}.safetensors", seed=index)
        entry = ModelEntry(name=name, path=str(folder), type=name, default_width=64, default_height=64)
        write_entries(settings, [entry])
        model = model_info(entry, settings)

        def picture(*loras: LoraRef) -> Any:
            context = job(model)
            request = GenerateRequest(
                model=model.id,
                prompt="a cat",
                width=64,
                height=64,
                num_inference_steps=2,
                seed=1,
                loras=loras,
            )
            result = backend.generate(request, context)
            return np.asarray(context.saved[0][0]).astype(int), result.facts

        return picture

    return open_one


@pytest.mark.parametrize(
    ("name", "denoiser"), [("sd", "unet"), ("sdxl", "unet"), ("flux", "transformer"), ("sd3", "transformer")]
)
def test_loras_change_the_picture_and_leave_no_trace(studio: Any, name: str, denoiser: str) -> None:
    picture = studio(name, denoiser)
    base, facts = picture()
    assert "loras" not in facts
    first, facts = picture(LoraRef(id=f"{name}/first", weight=1.0))
    assert facts["loras"][0]["id"] == f"{name}/first"
    assert len(facts["loras"][0]["sha256"]) == 64
    both, _ = picture(LoraRef(id=f"{name}/first", weight=1.0), LoraRef(id="second", weight=1.5))
    half, _ = picture(LoraRef(id=f"{name}/first", weight=0.5))
    zero, _ = picture(LoraRef(id=f"{name}/first", weight=0.0))
    again, _ = picture(LoraRef(id=f"{name}/first", weight=1.0))
    after, _ = picture()
    assert not np.array_equal(base, first)
    assert not np.array_equal(first, both)
    assert not np.array_equal(first, half)
    assert np.array_equal(zero, base), "weight 0 is the base picture exactly"
    assert np.array_equal(again, first)
    assert np.array_equal(after, base), "nothing of a LoRA may reach the next job"


def test_a_lora_of_another_family_is_refused_with_the_reason(studio: Any) -> None:
    flux = studio("flux", "transformer")
    flux()
    sd = studio("sd", "unet")
    base, _ = sd()
    with pytest.raises(InvalidRequest, match="made for flux"):
        sd(LoraRef(id="flux/first"))
    assert np.array_equal(sd()[0], base)


def test_a_lora_that_fits_no_layer_is_refused_and_leaves_no_trace(studio: Any, settings: Any) -> None:
    from safetensors.numpy import save_file

    sd = studio("sd", "unet")
    base, _ = sd()
    odd = settings.data_dir / "loras/odd.safetensors"
    shape = {"lora_A": np.zeros((2, 8), np.float32), "lora_B": np.zeros((8, 2), np.float32)}
    save_file({f"unet.nowhere.to_q.{key}.weight": value for key, value in shape.items()}, odd)
    with pytest.raises(InvalidRequest, match="odd"):
        sd(LoraRef(id="odd"))
    assert np.array_equal(sd()[0], base)


def test_unknown_names_and_paths_are_refused(studio: Any, tmp_path: Path) -> None:
    sd = studio("sd", "unet")
    for name in (
        "nothing",
        "../secret",
        str(tmp_path / "data/loras/sd/first.safetensors"),
        "a/b/../../c.safetensors",
    ):
        with pytest.raises(InvalidRequest, match="There is no LoRA"):
            sd(LoraRef(id=name))


def test_loras_are_listed_with_their_family(studio: Any, settings: Any) -> None:
    studio("flux", "transformer")
    assert [(lora.id, lora.kind) for lora in list_loras(settings, "flux")] == [
        ("flux/first", "flux"),
        ("flux/second", "flux"),
    ]
    assert list_loras(settings, "sdxl") == []


@pytest.mark.parametrize(
    ("key", "width", "family"),
    [
        ("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight", 768, "sd"),
        ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.lora_down.weight", 2048, "sdxl"),
        ("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight", 2048, "sdxl"),
        ("lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", 3072, "flux"),
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", 3072, "flux"),
        ("diffusion_model.blocks.0.cross_attn.k.lora_A.weight", 5120, "wan"),
        ("transformer_blocks.0.img_mlp.net.2.lora_A.weight", 3072, "qwen-image"),
        ("something.else.lora_A.weight", 10, ""),
    ],
)
def test_families_are_told_from_headers(key: str, width: int, family: str) -> None:
    assert family_of_lora({key: (4, width)}) == family


def test_a_wan_lora_for_low_noise_reaches_the_second_transformer(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any
) -> None:
    from diffusers import DiffusionPipeline
    from diorama.contract import VideoRequest

    folder = tiny("wan")
    for seed, name in enumerate(("style_high_noise", "style_low_noise")):
        pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
        write_lora(pipe, "transformer", settings.data_dir / f"loras/{name}.safetensors", seed=seed)
    entry = ModelEntry(name="wan", path=str(folder), type="wan", default_width=32, default_height=32)
    write_entries(settings, [entry])
    model = model_info(entry, settings)

    def clip(*names: str) -> Any:
        context = job(model)
        loras = tuple(LoraRef(id=name) for name in names)
        request = VideoRequest(
            model=model.id,
            prompt="x",
            width=32,
            height=32,
            num_frames=5,
            num_inference_steps=3,
            seed=1,
            loras=loras,
        )
        backend.video(request, context)
        return context.saved[0][0]

    base = clip()
    high, low, both = (
        clip("style_high_noise"),
        clip("style_low_noise"),
        clip("style_high_noise", "style_low_noise"),
    )
    assert not np.array_equal(base, high)
    assert not np.array_equal(base, low)
    assert not np.array_equal(high, both)
    assert not np.array_equal(low, both)
    assert np.array_equal(clip(), base)
