"""Stable Diffusion 1 and 2, their many descendants, and the pocket model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from diorama.contract import Capabilities, Operation, Request

from diorama_local_diffusers.families.base import ImageFamily, Task
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder
from diorama_local_diffusers.runtime.schedulers import SAMPLERS

EMBEDDINGS: dict[str, Any] = {
    "embeddings": {
        "type": "array",
        "items": {"type": "string"},
        "title": "Embeddings",
        "description": "Names of textual inversions to load; write the same names into the prompt.",
        "x-group": "advanced",
    }
}
CLIP_SKIP: dict[str, Any] = {
    "clip_skip": {
        "type": "integer",
        "minimum": 0,
        "maximum": 4,
        "default": 0,
        "title": "CLIP skip",
        "description": "How many of the text encoder's last layers are left out.",
        "x-group": "advanced",
    }
}


class StableDiffusion(ImageFamily):
    """A UNet over a VAE's latents, steered by one CLIP text encoder."""

    name = "sd"
    title = "Stable Diffusion"
    classes: ClassVar[dict[Task, str]] = {
        "text": "StableDiffusionPipeline",
        "image": "StableDiffusionImg2ImgPipeline",
        "mask": "StableDiffusionInpaintPipeline",
    }
    control_classes: ClassVar[dict[Task, str]] = {
        "text": "StableDiffusionControlNetPipeline",
        "image": "StableDiffusionControlNetImg2ImgPipeline",
        "mask": "StableDiffusionControlNetInpaintPipeline",
    }
    control_image_name = "image"
    denoiser = "unet"
    multiple_of = 8
    reads_clip_only = True
    native = 512
    default_steps = 25
    default_guidance = 7.5
    schedulers = tuple(SAMPLERS)
    lora_kind = "sd"
    base = "stable-diffusion-v1-5/stable-diffusion-v1-5"

    def native_size(self, entry: ModelEntry, folder: PipelineFolder | None) -> tuple[int, int]:
        """Take the size from the UNet's latents, which is how these models record what they were trained for."""
        if entry.default_width or folder is None:
            return super().native_size(entry, folder)
        sample = folder.config("unet").get("sample_size")
        side = sample * vae_factor(folder) if isinstance(sample, int) else self.native
        return side, side

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Leave out text to image for the dedicated inpainting models, whose UNet always wants a masked picture."""
        found = super().capabilities(entry, folder)
        if folder is not None and folder.config("unet").get("in_channels") == 9:
            del found[Operation.GENERATE]
        return found

    def parameters_of(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[str, Any]:
        """Offer embeddings, and CLIP skip where the text encoder is deep enough for it."""
        found = super().parameters_of(entry, folder)
        layers = folder.config("text_encoder").get("num_hidden_layers", 12) if folder is not None else 12
        more = {**EMBEDDINGS, **(CLIP_SKIP if layers >= 8 else {})}
        return {"type": "object", "properties": {**found.get("properties", {}), **more}}

    def further(self, task: Task, request: Request, pipe: Any) -> dict[str, Any]:
        """Return CLIP skip when it was asked."""
        if not request.parameters.get("clip_skip"):
            return {}
        encoder = pipe.text_encoder
        if not hasattr(encoder, "text_model"):
            # The pipeline looks for the last norm where older text encoders had it.
            object.__setattr__(encoder, "text_model", encoder)
        return {"clip_skip": request.parameters["clip_skip"]}

    @contextmanager
    def around(self, task: Task, pipe: Any) -> Iterator[None]:
        """Let models inpaint whose latents have another number of channels than 4.

        The pipeline accepts the numbers 4 and 9 only, and for 4 does what is right for any plain UNet, so the UNet
        says 4 meanwhile. The number in its configuration is read by pipelines, never by the network.
        """
        channels = pipe.unet.config.in_channels
        odd = task == "mask" and channels not in (4, 9) and channels == pipe.vae.config.latent_channels
        if odd:
            pipe.unet.register_to_config(in_channels=4)
        try:
            yield
        finally:
            if odd:
                pipe.unet.register_to_config(in_channels=channels)

    def size_step(self, folder: PipelineFolder | None) -> int:
        """Return 8: the pipelines refuse other sizes, whatever the VAE's factor."""
        return self.multiple_of

    def runs_steps(self, steps: int, strength: float) -> int:
        """These pipelines round down, and break when nothing is left."""
        return min(int(steps * strength), steps)

    def takes_size(self, task: Task) -> bool:
        """Image-to-image takes its size from the picture."""
        return task != "image"


def vae_factor(folder: PipelineFolder) -> int:
    """Return how many pixels one latent stands for, along a side."""
    levels = folder.config("vae").get("block_out_channels")
    return int(2 ** (len(levels) - 1)) if isinstance(levels, list) and levels else 8
