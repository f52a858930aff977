"""Qwen-Image-Edit (one picture) and Qwen-Image-Edit-Plus (2509 and later, up to three)."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Request

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.instruct import InstructFamily
from diorama_local_diffusers.families.qwen_image import qwen_guidance
from diorama_local_diffusers.models.entry import ModelEntry


class QwenImageEdit(InstructFamily):
    """Instruct editing of one picture, everywhere or inside a mask."""

    name = "qwen-image-edit"
    title = "Qwen-Image-Edit"
    classes: ClassVar[dict[Task, str]] = {
        "instruct": "QwenImageEditPipeline",
        "mask": "QwenImageEditInpaintPipeline",
    }
    fewest_steps = 2
    default_steps = 50
    default_guidance = 4.0
    lora_kind = "qwen-image"
    base = "Qwen/Qwen-Image-Edit"

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return classifier-free guidance, which these pipelines do only with a negative prompt."""
        return qwen_guidance(request, self.guidance_of(request, entry))

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Unpack the tokens; the VAE is one for videos, so there is a time axis of one.

        The inpainting pipeline works at a size of its own choice, for which there is no preview.
        """
        if latents.shape[1] != (height // 16) * (width // 16):
            return None
        return pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)[0][:, 0]


class QwenImageEditPlus(QwenImageEdit):
    """Instruct editing with up to three pictures."""

    name = "qwen-image-edit-plus"
    title = "Qwen-Image-Edit-Plus"
    classes: ClassVar[dict[Task, str]] = {"instruct": "QwenImageEditPlusPipeline"}
    default_steps = 40
    base = "Qwen/Qwen-Image-Edit-2509"
    most_images = 3
    takes_list = True
