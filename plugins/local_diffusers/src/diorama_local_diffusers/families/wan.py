"""Wan 2.1 and 2.2: text to video, and image to video as a checkpoint of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder

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
    classes: ClassVar[dict[Task, str]] = {"text": "WanPipeline", "video": "WanVideoToVideoPipeline"}
    default_steps = 40
    default_guidance = 5.0
    lora_kind = "wan"
    base = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
    parameters: ClassVar[dict[str, Any]] = _SECOND

    def takes_videos(self, folder: PipelineFolder | None) -> bool:
        """Only models with one transformer: the pipeline has no place for a second one, for low noise."""
        return super().takes_videos(folder) and folder is not None and not _second(folder)

    def parameters_of(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[str, Any]:
        """Leave out the second guidance where there is no second transformer."""
        found = super().parameters_of(entry, folder)
        if folder is None or _second(folder):
            return found
        kept = {key: value for key, value in found["properties"].items() if key != "guidance_scale_2"}
        return {"type": "object", "properties": kept}

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Take the frame in the middle."""
        return latents[0][:, latents.shape[2] // 2]


def _second(folder: PipelineFolder) -> bool:
    """Whether a model has a transformer of its own for low noise; in the folders of others it stands as ``null``."""
    return folder.has("transformer_2")


class WanImage(Wan):
    """Wan that starts from a picture."""

    name = "wan-i2v"
    title = "Wan image-to-video"
    base = "Wan-AI/Wan2.2-I2V-A14B-Diffusers"
    classes: ClassVar[dict[Task, str]] = {
        "image": "WanImageToVideoPipeline",
        "images": "WanImageToVideoPipeline",
    }
    most_pictures = 2

    def pictures_taken(self, folder: PipelineFolder | None) -> int:
        """Return 2, the first and the last frame; the small Wan 2.2 looks at the first one only."""
        return 1 if folder is not None and folder.index.get("expand_timesteps") else self.most_pictures

    def picture_arguments(self, pictures: list[Any], frames: int, pipe: Any) -> dict[str, Any]:
        """Return the first picture, and the last one where there are two."""
        first, *later = pictures
        return {"image": first, "last_image": later[-1]} if later else {"image": first}
