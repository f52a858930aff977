"""Upscalers: no prompt and no steps, one picture or video in, a larger one out."""

from __future__ import annotations

from typing import Any, ClassVar

from diorama.contract import Capabilities, Operation, Range

from diorama_local_diffusers.families.base import ONE_INPUT, Family
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder


class UpscalerFamily(Family):
    """Real-ESRGAN and networks of the same two shapes."""

    name = "upscaler"
    title = "Real-ESRGAN"
    parameters: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {
            "tile": {
                "type": "integer", "minimum": 32, "maximum": 4096, "default": 384, "title": "Tile",
                "description": "Side of a tile in pixels; smaller needs less memory.", "x-group": "advanced",
            },
            "exact": {
                "type": "boolean", "default": False, "title": "Exact tiles",
                "description": "Let tiles overlap by all that can matter. Slow for the large networks.",
                "x-group": "advanced",
            },
        },
    }  # fmt: skip

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Return upscale by any factor up to the network's own."""
        scale = float(entry.scale or 4)
        return {
            Operation.UPSCALE: Capabilities(
                prompt="none",
                images_in=ONE_INPUT,
                videos_in=True,
                seed=False,
                scale=Range(minimum=1, maximum=scale, default=scale),
                parameters=self.parameters,
            )
        }
