"""Qwen-Image: text to image, image-to-image and inpainting."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Request

from diorama_local_diffusers.families.base import ImageFamily, Task
from diorama_local_diffusers.models.entry import ModelEntry


class QwenImage(ImageFamily):
    """A flow-matching transformer that reads prompts with a vision-language model."""

    name = "qwen-image"
    title = "Qwen-Image"
    classes: ClassVar[dict[Task, str]] = {
        "text": "QwenImagePipeline",
        "image": "QwenImageImg2ImgPipeline",
        "mask": "QwenImageInpaintPipeline",
    }
    control_classes: ClassVar[dict[Task, str]] = {"text": "QwenImageControlNetPipeline"}
    control_class = "QwenImageControlNetModel"
    control_union_class = "QwenImageMultiControlNetModel"
    native = 1328
    fewest_steps = 2
    default_steps = 50
    default_guidance = 4.0
    lora_kind = "qwen-image"
    base = "Qwen/Qwen-Image"

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return classifier-free guidance, which these pipelines do only with a negative prompt."""
        return qwen_guidance(request, self.guidance_of(request, entry))

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Unpack the tokens; the VAE is one for videos, so there is a time axis of one."""
        return pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)[0][:, 0]


def qwen_guidance(request: Request, guidance: float) -> dict[str, Any]:
    """Return the guidance arguments of all Qwen pipelines."""
    return {"true_cfg_scale": guidance, "negative_prompt": request.negative_prompt or " "}
