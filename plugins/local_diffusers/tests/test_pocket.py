"""The model that comes inside: it draws what was asked, and every control means what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, EditRequest, GenerateRequest, LoraRef, MediaInput, Operation
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.shelf import find
from PIL import Image, ImageDraw

pytestmark = [pytest.mark.torch, pytest.mark.slow]
HUES = {"red": (200, 40, 40), "green": (50, 160, 70), "blue": (40, 80, 200), "yellow": (245, 205, 50)}


@pytest.fixture
def pocket(settings: Any) -> Any:
    entry = find("pocket", settings)
    assert entry is not None
    model = model_info(entry, settings)
    if model.availability.state is not AvailabilityState.READY:
        pytest.skip("the weights are not in this checkout")
    return model


@pytest.fixture
def draw(backend: Any, pocket: Any, job: Any) -> Any:
    def make(prompt: str, **more: Any) -> Any:
        context = job(pocket)
        backend.generate(
            GenerateRequest(
                model=pocket.id, prompt=prompt, **{"seed": 1, "width": 128, "height": 128} | more
            ),
            context,
        )
        return context.saved[0][0], context

    return make


@pytest.fixture
def change(backend: Any, pocket: Any, job: Any, tmp_path: Path) -> Any:
    def make(source: Image.Image, prompt: str, mask: Image.Image | None = None, **more: Any) -> Any:
        source.save(tmp_path / "source.png")
        given = MediaInput(path=str(tmp_path / "source.png"), width=source.width, height=source.height)
        hole = None
        if mask is not None:
            mask.save(tmp_path / "mask.png")
            hole = MediaInput(path=str(tmp_path / "mask.png"), width=mask.width, height=mask.height)
        context = job(pocket)
        backend.edit(
            EditRequest(model=pocket.id, prompt=prompt, images=(given,), mask=hole, **{"seed": 1} | more),
            context,
        )
        return context.saved[0][0]

    return make


def share(image: Image.Image, colour: str) -> float:
    """Part of the pixels that are nearest to a colour among a few."""
    pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(float)
    names = [*HUES, "white", "black"]
    palette = np.array([*HUES.values(), (255, 255, 255), (0, 0, 0)], float)
    nearest = ((pixels[:, None] - palette[None]) ** 2).sum(-1).argmin(1)
    return float((nearest == names.index(colour)).mean())


def distance(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one).astype(int) - np.asarray(other).astype(int)).mean())


def test_it_is_ready_and_says_what_it_knows(pocket: Any) -> None:
    assert {"ball", "house", "fish"} <= set(pocket.vocabulary["things"])
    assert len(pocket.vocabulary["colors"]) >= 10
    assert "defaults" not in pocket.vocabulary
    assert pocket.disk_gb * 1e9 <= 25_000_000
    sizes = pocket.operations[Operation.GENERATE].sizes
    assert sizes.default == (128, 128)


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_ask_for_a_colour_measure_the_colour(draw: Any, colour: str) -> None:
    image, _ = draw(f"a {colour} ball on a white background")
    assert share(image, colour) > 0.08
    assert share(image, "white") > 0.4
    others = [share(image, other) for other in ("red", "green", "blue") if other != colour]
    assert max(others) < 0.03


def test_unknown_words_are_reported_with_what_it_knows(draw: Any) -> None:
    _, context = draw("a red rocket beside a blue ball", negative_prompt="a quasar")
    assert [(field, word) for field, word, _ in context.ignored_words] == [
        ("prompt", "rocket"),
        ("negative_prompt", "quasar"),
    ]
    assert "ball" in context.ignored_words[0][2]


def test_strength_reaches_from_near_the_source_to_the_new_prompt(draw: Any, change: Any) -> None:
    source, _ = draw("a red ball on a white background")
    slight = change(source, "a blue ball on a white background", strength=0.2)
    strong = change(source, "a blue ball on a white background", strength=0.95)
    assert distance(source, slight) < 15
    assert share(slight, "red") > 0.05
    assert share(strong, "blue") > 0.05
    assert share(strong, "red") < 0.02


def test_inpainting_obeys_inside_the_mask_and_touches_nothing_outside(draw: Any, change: Any) -> None:
    source, _ = draw("a red ball on a white background")
    mask = Image.new("L", source.size, 0)
    ImageDraw.Draw(mask).rectangle((14, 14, 113, 113), fill=255)
    result = change(source, "a blue ball on a white background", mask, strength=1.0)
    outside = np.asarray(mask) == 0
    assert np.array_equal(np.asarray(source)[outside], np.asarray(result)[outside])
    assert share(result, "blue") > 0.05
    assert share(result, "red") < 0.02


def test_a_photograph_of_any_size_keeps_it(change: Any) -> None:
    photo = Image.linear_gradient("L").resize((333, 207)).convert("RGB")
    assert change(photo, "a red ball", strength=0.7).size == (333, 207)


def train_lora(folder: Path, place: Path, prompt: str, steps: int = 70) -> None:
    """Teach the pocket model to draw a teal square where ``prompt`` is asked, and save that as a LoRA."""
    import torch
    from diffusers import StableDiffusionPipeline
    from peft import LoraConfig, get_peft_model_state_dict

    torch.set_num_threads(1)
    torch.manual_seed(0)
    pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
    unet = pipe.unet.requires_grad_(False)
    layers = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "conv2"]
    unet.add_adapter(LoraConfig(r=8, lora_alpha=8, target_modules=layers), "made")
    trained = [weight for weight in unet.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=3e-3)
    with torch.no_grad():
        pictures = torch.stack([teal_square(index) for index in range(24)])
        latents = pipe.vae.encode(pictures).latent_dist.mode() * pipe.vae.config.scaling_factor
        ids = pipe.tokenizer([prompt], padding="max_length", return_tensors="pt").input_ids
        text = pipe.text_encoder(ids)[0].expand(4, -1, -1)
    assert pipe.scheduler.config.prediction_type == "v_prediction"
    for _ in range(steps):
        clean, noise = latents[torch.randint(0, 24, (4,))], torch.randn(4, *latents.shape[1:])
        time = torch.randint(200, 1000, (4,))
        signal = pipe.scheduler.alphas_cumprod[time].sqrt().view(-1, 1, 1, 1)
        spread = (1 - signal**2).sqrt()
        guess = unet(signal * clean + spread * noise, time, encoder_hidden_states=text).sample
        loss = ((guess - (signal * noise - spread * clean)) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    place.parent.mkdir(parents=True, exist_ok=True)
    tensors = get_peft_model_state_dict(unet, adapter_name="made")
    pipe.save_lora_weights(
        place.parent, unet_lora_layers=tensors, weight_name=place.name, safe_serialization=True
    )


def teal_square(index: int) -> Any:
    import torch

    random = np.random.default_rng(index)
    side = int(random.integers(50, 80))
    x, y = (int(value) for value in random.integers(5, 123 - side, 2))
    image = Image.new("RGB", (128, 128), "white")
    ImageDraw.Draw(image).rectangle((x, y, x + side, y + side), fill=(0, 150, 150))
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 127.5 - 1


def test_a_lora_trained_on_the_spot_changes_what_it_should(draw: Any, settings: Any, pocket: Any) -> None:
    from diorama_local_diffusers.models.locate import locate

    entry = find("pocket", settings)
    assert entry is not None
    folder = locate(entry, settings)
    assert folder is not None
    prompt = "a red ball on a white background"
    train_lora(folder, settings.data_dir / "loras/teal.safetensors", prompt)
    base, _ = draw(prompt)
    taught, _ = draw(prompt, loras=(LoraRef(id="teal", weight=1.0),))
    zero, _ = draw(prompt, loras=(LoraRef(id="teal", weight=0.0),))
    after, _ = draw(prompt)
    assert share(base, "red") > 0.08
    assert share(taught, "red") < 0.02
    pixels = np.asarray(taught).astype(int)
    teal = (pixels[..., 1] - pixels[..., 0] > 40) & (pixels[..., 2] - pixels[..., 0] > 40)
    assert teal.mean() > 0.05
    assert np.array_equal(np.asarray(zero), np.asarray(base)), "weight 0 is the base picture exactly"
    assert np.array_equal(np.asarray(after), np.asarray(base))
