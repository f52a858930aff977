"""Stable Diffusion 3 and 3.5."""

from __future__ import annotations

from typing import ClassVar

from diorama_local_diffusers.families.base import ImageFamily, Task


class StableDiffusion3(ImageFamily):
    """A flow-matching transformer with two CLIP encoders and T5."""

    name = "sd3"
    title = "Stable Diffusion 3"
    classes: ClassVar[dict[Task, str]] = {
        "text": "StableDiffusion3Pipeline",
        "image": "StableDiffusion3Img2ImgPipeline",
        "mask": "StableDiffusion3InpaintPipeline",
    }
    control_classes: ClassVar[dict[Task, str]] = {"text": "StableDiffusion3ControlNetPipeline"}
    control_class = "SD3ControlNetModel"
    default_steps = 28
    default_guidance = 7.0
    lora_kind = "sd3"
    base = "stabilityai/stable-diffusion-3-medium-diffusers"
