"""FLUX.2: text to image and instruct editing by one pipeline class per size (dev, klein)."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Request

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.instruct import InstructFamily
from diorama_local_diffusers.models.entry import ModelEntry


class Flux2(InstructFamily):
    """A flow-matching transformer with a language model as its text encoder; pictures are further tokens."""

    name = "flux2"
    title = "FLUX.2"
    classes: ClassVar[dict[Task, str]] = {"text": "Flux2Pipeline", "instruct": "Flux2Pipeline"}
    also = ("Flux2KleinPipeline", "Flux2KleinKVPipeline")
    default_steps = 28
    default_guidance = 4.0
    negative_prompt = False
    lora_kind = "flux2"
    base = "black-forest-labs/FLUX.2-klein-4B"
    most_images = 3
    takes_list = True

    def pipeline_class(self, task: Task, pipe: Any) -> str:
        """One class does both; klein has another than dev."""
        return type(pipe).__name__

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return the guidance; there is no negative prompt."""
        return {"guidance_scale": self.guidance_of(request, entry)}

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Lay the tokens out; each holds 2 x 2 latents."""
        columns, rows = width // 16, height // 16
        return latents[0].T.reshape(latents.shape[-1], rows, columns)

    def card_latents(self, pipe: Any, latents: Any) -> Any:
        """Put 2 x 2 latents together and normalise them, as the pipeline does."""
        grid = pipe._patchify_latents(latents[None])
        norm = pipe.vae.bn
        mean = norm.running_mean.view(1, -1, 1, 1)
        deviation = (norm.running_var.view(1, -1, 1, 1) + pipe.vae.config.batch_norm_eps).sqrt()
        return ((grid - mean) / deviation)[0]
