"""Mochi: text to video."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily


class Mochi(VideoFamily):
    """A flow-matching transformer over a VAE that compresses time by six."""

    name = "mochi"
    title = "Mochi"
    classes: ClassVar[dict[Task, str]] = {"text": "MochiPipeline"}
    width = 848
    height = 480
    frame_step = 6
    default_frames = 85
    default_fps = 30.0
    default_steps = 64
    default_guidance = 4.5
    lora_kind = "mochi"
    base = "genmo/mochi-1-preview"

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Take the frame in the middle."""
        return latents[0][:, latents.shape[2] // 2]
