"""LTX-2: text and/or a picture to a video with synchronised sound."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import InvalidRequest, VideoRequest

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily

SKIPPED_BLOCK = 28
"""The transformer block that spatio-temporal guidance leaves out, by the pipeline's default."""


def _number(title: str, default: float, most: float = 20.0) -> dict[str, Any]:
    return {
        "type": "number",
        "minimum": 0,
        "maximum": most,
        "default": default,
        "title": title,
        "x-group": "advanced",
    }


class LTX2(VideoFamily):
    """One transformer for pictures and sound."""

    name = "ltx2"
    title = "LTX-2"
    classes: ClassVar[dict[Task, str]] = {
        "text": "LTX2Pipeline",
        "image": "LTX2ImageToVideoPipeline",
        "images": "LTX2ConditionPipeline",
    }
    most_pictures = 5
    fewest_steps = 2
    multiple_of = 32
    width = 768
    height = 512
    frame_step = 8
    default_frames = 121
    default_fps = 24.0
    default_steps = 40
    default_guidance = 4.0
    lora_kind = "ltx2"
    base = "Lightricks/LTX-2"
    sound = True
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "stg_scale": _number("Spatio-temporal guidance of the picture", 1.0),
            "modality_scale": _number("Guidance of the picture by the sound", 3.0),
            "audio_guidance_scale": _number("Guidance of the sound", 7.0),
            "audio_stg_scale": _number("Spatio-temporal guidance of the sound", 1.0),
            "audio_modality_scale": _number("Guidance of the sound by the picture", 3.0),
        },
    }

    def video_arguments(self, request: VideoRequest, frames: int, fps: float) -> dict[str, Any]:
        """The rate is a condition too: sound and picture must agree on it."""
        return {"num_frames": frames, "frame_rate": fps}

    def picture_arguments(self, pictures: list[Any], frames: int, pipe: Any) -> dict[str, Any]:
        """Spread several pictures evenly over the video, the last one at its end."""
        if len(pictures) == 1:
            return {"image": pictures[0]}
        from diffusers.pipelines.ltx2 import LTX2VideoCondition

        last = (frames - 1) // pipe.vae_temporal_compression_ratio
        if last < len(pictures) - 1:
            raise InvalidRequest(
                f"{frames} frames have room for {last + 1} pictures.",
                field="reference_images",
                fix="Ask for more frames, or leave some out.",
            )
        step = last / (len(pictures) - 1)
        conditions = [
            LTX2VideoCondition(frames=picture, index=round(number * step))
            for number, picture in enumerate(pictures)
        ]
        return {"conditions": conditions}

    def further(self, task: Task, request: Any, pipe: Any) -> dict[str, Any]:
        """Switch off the guidance that leaves a block out when the transformer is too short to have it."""
        found = super().further(task, request, pipe)
        if pipe.transformer.config.num_layers <= SKIPPED_BLOCK:
            found |= {"stg_scale": 0.0, "audio_stg_scale": 0.0}
        return found

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Lay the tokens of the frame in the middle out."""
        factor = pipe.vae_spatial_compression_ratio
        rows, columns = height // factor, width // factor
        grid = latents[0].T.reshape(latents.shape[-1], -1, rows, columns)
        return grid[:, grid.shape[1] // 2]


class LTX2Float8(LTX2):
    """LTX-2 whose transformer is stored in 8 bits a weight and computed in the device's own type."""

    name = "ltx2-fp8"
    title = "LTX-2 in fp8"
    stored_float8 = True
