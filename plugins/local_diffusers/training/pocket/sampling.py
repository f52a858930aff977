"""Draw pictures with a (possibly half trained) model."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel
from PIL import Image
from transformers import CLIPTextModel, CLIPTokenizer

from .loop import Average
from .unet_stage import build_unet, sampler

STEPS = 20
GUIDANCE = 3.0

SHOWN = (
    "a red ball under a yellow sun", "one green triangle, plain white behind",
    "a yellow sun above a green mountain", "a black cat on a red background", "a white house in the snow",
    "a red boat at sea", "a yellow moon at night", "an orange fish in the sea", "a pink flower on a meadow",
    "a purple star on a yellow background", "a green tree at sunset", "a blue car in the desert",
    "a red house next to a green tree", "two blue balls", "a brown box on white", "a gold ring on purple",
    "a red balloon in the sky", "a small pink ball in the bottom right corner on black",
    "make the ball blue", "replace the star by a heart", "a white cloud over a red mushroom",
    "a big grey mountain", "a green apple left of a yellow apple", "an orange cat",
)  # fmt: skip


def half_trained_unet(out: Path) -> tuple[UNet2DConditionModel, int]:
    """The averaged UNet of the latest checkpoint, and its step."""
    state = torch.load(out / "unet.pt", map_location="cpu", weights_only=True)
    unet = build_unet()
    average = Average(unet, 0.999)
    average.values = state["average"]
    average.copy_to(unet)
    return unet.eval(), state["step"]


def assemble(out: Path, unet: UNet2DConditionModel | None = None) -> StableDiffusionPipeline:
    """The pipeline of everything trained so far under `out`."""
    pipe = StableDiffusionPipeline(
        vae=AutoencoderKL.from_pretrained(out / "vae"), unet=unet or UNet2DConditionModel.from_pretrained(out / "unet"),
        text_encoder=CLIPTextModel.from_pretrained(out / "text_encoder"),
        tokenizer=CLIPTokenizer.from_pretrained(out / "tokenizer"),
        scheduler=sampler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(
    pipe: StableDiffusionPipeline, prompts: Sequence[str], seed: int = 0, batch: int = 25, **options: Any
) -> list[Image.Image]:
    """One picture for every prompt; prompt k is drawn with seed `seed + k`, so batching does not matter."""
    settings = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE} | options
    images: list[Image.Image] = []
    for k in range(0, len(prompts), batch):
        part = list(prompts[k : k + batch])
        generators = [torch.Generator().manual_seed(seed + k + j) for j in range(len(part))]
        images += pipe(part, generator=generators, **settings).images
    return images


def grid(images: Sequence[Image.Image], columns: int = 8) -> Image.Image:
    """Pictures side by side."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), (255, 255, 255))
    for k, image in enumerate(images):
        sheet.paste(image, (k % columns * width, k // columns * height))
    return sheet
