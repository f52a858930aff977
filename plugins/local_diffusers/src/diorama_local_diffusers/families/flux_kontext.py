"""FLUX.1 Kontext: instruct editing of one picture."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Request

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.flux import TRUE_GUIDANCE, flux_guidance
from diorama_local_diffusers.families.instruct import InstructFamily
from diorama_local_diffusers.models.entry import ModelEntry


class FluxKontext(InstructFamily):
    """FLUX.1 that reads the picture as further tokens."""

    name = "flux-kontext"
    title = "FLUX.1 Kontext"
    classes: ClassVar[dict[Task, str]] = {
        "instruct": "FluxKontextPipeline",
        "mask": "FluxKontextInpaintPipeline",
    }
    default_steps = 28
    default_guidance = 2.5
    lora_kind = "flux"
    negative_needs_guidance = False
    base = "black-forest-labs/FLUX.1-schnell"  # the same text encoders and VAE, and nobody has to approve it
    parameters: ClassVar[dict[str, Any]] = TRUE_GUIDANCE

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return the inner guidance, and the true one when there is a negative prompt."""
        return flux_guidance(request, self.guidance_of(request, entry))

    def instruct_arguments(self, width: int, height: int) -> dict[str, object]:
        """Set the area too, and keep the pipeline from choosing another ratio than the picture's."""
        return {"width": width, "height": height, "max_area": width * height, "_auto_resize": False}

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Unpack the tokens of 2 x 2 latents."""
        return pipe._unpack_latents(latents, height, width, pipe.vae_scale_factor)[0]
