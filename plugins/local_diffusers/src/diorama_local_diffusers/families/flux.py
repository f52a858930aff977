"""FLUX.1 dev and schnell."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Capabilities, Operation, Range, Request

from diorama_local_diffusers.families.base import ImageFamily, Task
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder

TRUE_GUIDANCE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "true_cfg_scale": {
            "type": "number",
            "minimum": 1,
            "maximum": 10,
            "title": "Guidance of the negative prompt",
            "description": "Only with a negative prompt; above 1 each step takes twice as long.",
            "x-group": "advanced",
        }
    },
}
"""These models carry their guidance inside; a negative prompt needs classifier-free guidance on top."""
NEGATIVE_GUIDANCE = 2.0
"""``true_cfg_scale`` when there is a negative prompt and no wish."""


class Flux(ImageFamily):
    """A flow-matching transformer with packed latents, CLIP and T5."""

    name = "flux"
    title = "FLUX.1"
    classes: ClassVar[dict[Task, str]] = {
        "text": "FluxPipeline",
        "image": "FluxImg2ImgPipeline",
        "mask": "FluxInpaintPipeline",
    }
    control_classes: ClassVar[dict[Task, str]] = {
        "text": "FluxControlNetPipeline",
        "image": "FluxControlNetImg2ImgPipeline",
        "mask": "FluxControlNetInpaintPipeline",
    }
    control_class = "FluxControlNetModel"
    default_steps = 28
    default_guidance = 3.5
    lora_kind = "flux"
    negative_needs_guidance = False
    base = "black-forest-labs/FLUX.1-schnell"  # the same text encoders and VAE as dev, and nobody has to approve it
    parameters: ClassVar[dict[str, Any]] = TRUE_GUIDANCE

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Drop guidance for schnell, which has none inside."""
        if folder is not None and folder.config("transformer").get("guidance_embeds") is False:
            return {
                operation: without_guidance(found)
                for operation, found in super().capabilities(entry, folder).items()
            }
        return super().capabilities(entry, folder)

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return the inner guidance, and the true one when there is a negative prompt."""
        return flux_guidance(request, self.guidance_of(request, entry))

    def further(self, task: Task, request: Request, pipe: Any) -> dict[str, Any]:
        """Schnell was trained with prompts of at most 256 tokens."""
        return {} if pipe.transformer.config.guidance_embeds else {"max_sequence_length": 256}

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Unpack the tokens of 2 x 2 latents."""
        return pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)[0]


def flux_guidance(request: Request, guidance: float) -> dict[str, Any]:
    """Return the guidance arguments of all FLUX.1 pipelines."""
    arguments: dict[str, Any] = {"guidance_scale": guidance}
    if request.negative_prompt:
        arguments["negative_prompt"] = request.negative_prompt
        arguments["true_cfg_scale"] = request.parameters.get("true_cfg_scale", NEGATIVE_GUIDANCE)
    return arguments


def without_guidance(found: Capabilities) -> Capabilities:
    """Return capabilities without the control for guidance."""
    from dataclasses import replace

    none: Range | None = None
    return replace(found, guidance_scale=none)
