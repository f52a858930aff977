"""Stable Video Diffusion: a picture to a short video, without any prompt."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Range, Request, VideoRequest

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily
from diorama_local_diffusers.models.entry import ModelEntry


class StableVideo(VideoFamily):
    """A UNet with time layers, conditioned on the picture, the rate and the amount of motion."""

    name = "svd"
    title = "Stable Video Diffusion"
    classes: ClassVar[dict[Task, str]] = {"image": "StableVideoDiffusionPipeline"}
    denoiser = "unet"
    multiple_of = 8
    width = 1024
    height = 576
    frame_step = 1
    default_frames = 25
    most_frames = 50
    default_fps = 7.0
    default_steps = 25
    default_guidance = 3.0
    negative_prompt = False
    reads_prompt = False
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "motion_bucket_id": {
                "type": "integer", "minimum": 0, "maximum": 255, "default": 127, "title": "Motion",
                "description": "How much moves: 0 little, 255 much.", "x-order": 1,
            },
            "noise_aug_strength": {
                "type": "number", "minimum": 0, "maximum": 1, "default": 0.02, "title": "Noise on the start picture",
                "description": "More lets the video leave the picture further.", "x-order": 2,
            },
        },
    }  # fmt: skip

    def guidance_range(self, entry: ModelEntry) -> Range | None:
        """Guidance grows from 1 at the first frame to this value at the last."""
        return Range(minimum=1, maximum=10, default=entry.default_guidance or self.default_guidance)

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return the ends of the guidance ramp."""
        highest = self.guidance_of(request, entry)
        return {"min_guidance_scale": min(1.0, highest), "max_guidance_scale": highest}

    def video_arguments(self, request: VideoRequest, frames: int, fps: float) -> dict[str, Any]:
        """The rate is a condition here; what the pipeline takes are whole numbers."""
        return {"num_frames": frames, "fps": max(1, round(fps)), "decode_chunk_size": min(frames, 8)}

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Take the frame in the middle; here time comes before the channels."""
        return latents[0][latents.shape[1] // 2]
