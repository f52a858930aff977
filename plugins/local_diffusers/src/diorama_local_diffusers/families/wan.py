"""Wan 2.1 and 2.2: text to video, and image to video as a checkpoint of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily

_SECOND = {
    "type": "object",
    "properties": {
        "guidance_scale_2": {
            "type": "number",
            "minimum": 0,
            "maximum": 20,
            "title": "Guidance of the low-noise part",
            "description": "For models with two transformers; equal to the guidance when left out.",
            "x-group": "advanced",
        }
    },
}


class Wan(VideoFamily):
    """A flow-matching transformer, in 2.2 one for high and one for low noise."""

    name = "wan"
    title = "Wan"
    classes: ClassVar[dict[Task, str]] = {"text": "WanPipeline"}
    default_steps = 40
    default_guidance = 5.0
    lora_kind = "wan"
    base = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
    parameters: ClassVar[dict[str, Any]] = _SECOND

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Take the frame in the middle."""
        return latents[0][:, latents.shape[2] // 2]


class WanImage(Wan):
    """Wan that starts from a picture."""

    name = "wan-i2v"
    title = "Wan image-to-video"
    base = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
    classes: ClassVar[dict[Task, str]] = {"image": "WanImageToVideoPipeline"}
