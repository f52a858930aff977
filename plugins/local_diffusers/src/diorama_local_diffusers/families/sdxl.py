"""Stable Diffusion XL and its descendants (Turbo, Lightning, Playground, RealVis, Animagine, Juggernaut ...)."""

from __future__ import annotations

from typing import ClassVar

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.sd import StableDiffusion


class StableDiffusionXL(StableDiffusion):
    """A larger UNet with two CLIP text encoders and size conditioning."""

    name = "sdxl"
    title = "Stable Diffusion XL"
    classes: ClassVar[dict[Task, str]] = {
        "text": "StableDiffusionXLPipeline",
        "image": "StableDiffusionXLImg2ImgPipeline",
        "mask": "StableDiffusionXLInpaintPipeline",
    }
    control_classes: ClassVar[dict[Task, str]] = {
        "text": "StableDiffusionXLControlNetPipeline",
        "image": "StableDiffusionXLControlNetImg2ImgPipeline",
        "mask": "StableDiffusionXLControlNetInpaintPipeline",
    }
    native = 1024
    default_steps = 30
    default_guidance = 5.0
    lora_kind = "sdxl"
    base = "stabilityai/stable-diffusion-xl-base-1.0"
