"""Upscaling one picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diorama_local_diffusers.upscale.networks import Shape
from diorama_local_diffusers.upscale.tiling import enlarge

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

TILE = 384
"""Side of a tile when none is asked, in pixels."""
USUAL_OVERLAP = 32
"""Overlap where the network's whole reach would cost too much; what is left out is far below one grey level."""


@dataclass(frozen=True, slots=True)
class Upscaler:
    """An open network and how it is used.

    Attributes:
        network: Maps (1, 3, H, W) in 0..1 to the enlarged picture.
        shape: What it is.
        device: Where it computes.
        dtype: Number type it computes in.
        tile: Side of a tile.
        exact: Whether tiles overlap by the whole reach, whatever it costs.
    """

    network: Any
    shape: Shape
    device: str
    dtype: Any
    tile: int = TILE
    exact: bool = False

    @property
    def overlap(self) -> int:
        """Pixels that a tile sees around itself."""
        reach = self.shape.reach
        if reach is None:
            return USUAL_OVERLAP
        return reach if self.exact or reach <= 2 * USUAL_OVERLAP else USUAL_OVERLAP

    def array(self, pixels: np.ndarray[Any, Any], told: Callable[[int, int], None]) -> np.ndarray[Any, Any]:
        """Return uint8 RGB (H, W, 3) enlarged by the network's own factor."""
        import torch
        from torch.nn.functional import pad

        height, width = pixels.shape[:2]
        step = self.shape.unshuffle
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
        margin = (0, -width % step, 0, -height % step)
        picture = pad(picture[None], margin, mode="replicate")[0] if any(margin) else picture
        made = enlarge(
            self.network,
            picture.to(device=self.device, dtype=self.dtype),
            scale=self.shape.scale,
            step=step,
            tile=self.tile,
            overlap=self.overlap,
            told=told,
        )
        cut = made[:, : height * self.shape.scale, : width * self.shape.scale]
        result: np.ndarray[Any, Any] = (
            (cut.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        )
        return result

    def picture(self, image: Image, scale: float, told: Callable[[int, int], None]) -> Image:
        """Return a picture enlarged by ``scale``; transparency is kept."""
        import numpy as np
        from PIL import Image

        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        colours = Image.fromarray(self.array(np.asarray(image.convert("RGB")), told))
        colours = colours if colours.size == size else colours.resize(size, Image.Resampling.LANCZOS)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            alpha = image.convert("RGBA").getchannel("A").resize(size, Image.Resampling.LANCZOS)
            colours.putalpha(alpha)
        return colours
