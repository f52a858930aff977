"""CogVideoX: text to video, and image to video as a checkpoint of its own."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Sizes, VideoRequest

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.sd import vae_factor
from diorama_local_diffusers.families.video import VideoFamily
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder


class CogVideoX(VideoFamily):
    """A diffusion transformer over a VAE that compresses time by four."""

    name = "cogvideox"
    title = "CogVideoX"
    classes: ClassVar[dict[Task, str]] = {
        "text": "CogVideoXPipeline",
        "video": "CogVideoXVideoToVideoPipeline",
    }
    width = 720
    height = 480
    frame_step = 8  # the VAE decodes two latent frames at a time, so their number must be odd
    default_frames = 49
    default_fps = 8.0
    default_steps = 50
    default_guidance = 6.0
    lora_kind = "cogvideox"

    def native_size(self, entry: ModelEntry, folder: PipelineFolder | None) -> tuple[int, int]:
        """Models with learned positions can make one size only, and record it."""
        return fixed_size(folder) or super().native_size(entry, folder)

    def sizes(self, entry: ModelEntry, folder: PipelineFolder | None) -> Sizes:
        """Offer that size alone where there is one."""
        only = fixed_size(folder)
        if only is None:
            return super().sizes(entry, folder)
        return Sizes(
            default=only, choices=(only,), free=False, minimum=min(only), maximum=max(only), multiple_of=1
        )

    def size_for(
        self,
        request: VideoRequest,
        entry: ModelEntry,
        folder: PipelineFolder | None,
        picture: tuple[int, int] | None,
    ) -> tuple[int, int]:
        """Return that size where there is one."""
        return fixed_size(folder) or super().size_for(request, entry, folder, picture)

    def takes_videos(self, folder: PipelineFolder | None) -> bool:
        """CogVideoX 1.5 joins two latent frames, which the pipeline cannot make of the frame counts that its VAE decodes."""
        joined = folder is not None and folder.config("transformer").get("patch_size_t") is not None
        return super().takes_videos(folder) and not joined

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Take the frame in the middle; here time comes before the channels."""
        return latents[0][latents.shape[1] // 2]


def fixed_size(folder: PipelineFolder | None) -> tuple[int, int] | None:
    """Return the only frame size of a model with learned positions, ``None`` for others."""
    config = folder.config("transformer") if folder is not None else {}
    if not config.get("use_learned_positional_embeddings"):
        return None
    factor = vae_factor(folder) if folder is not None else 8
    return int(config["sample_width"]) * factor, int(config["sample_height"]) * factor


class CogVideoXImage(CogVideoX):
    """CogVideoX that starts from a picture."""

    name = "cogvideox-i2v"
    title = "CogVideoX image-to-video"
    classes: ClassVar[dict[Task, str]] = {"image": "CogVideoXImageToVideoPipeline"}
