"""Bringing any picture to a size that a model can work at, and the result back to the exact size asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture meets a model.

    Attributes:
        original: ``(width, height)`` of the picture.
        work: ``(width, height)`` that the model sees.
        padded: True when the picture only gets a margin on the right and bottom, so that pixels keep their place.
    """

    original: tuple[int, int]
    work: tuple[int, int]
    padded: bool

    def forth(self, image: Image) -> Image:
        """Return ``image`` at the work size; margins repeat the picture's edge."""
        from PIL import Image

        if image.size == self.work:
            return image
        if not self.padded:
            return image.resize(self.work, Image.Resampling.LANCZOS)
        return _with_margin(image, self.work)

    def back(self, image: Image) -> Image:
        """Return a result of the model at the original's exact size."""
        from PIL import Image

        if image.size != self.work:
            image = image.resize(self.work, Image.Resampling.LANCZOS)
        if self.padded:
            return image.crop((0, 0, *self.original))
        return image if image.size == self.original else image.resize(self.original, Image.Resampling.LANCZOS)


def _with_margin(image: Image, size: tuple[int, int]) -> Image:
    from PIL import Image

    width, height = image.size
    wide = Image.new(image.mode, size)
    wide.paste(image, (0, 0))
    if size[0] > width:
        wide.paste(image.crop((width - 1, 0, width, height)).resize((size[0] - width, height)), (width, 0))
    if size[1] > height:
        edge = wide.crop((0, height - 1, size[0], height))
        wide.paste(edge.resize((size[0], size[1] - height)), (0, height))
    return wide


def fit_picture(
    size: tuple[int, int], *, step: int, smallest: int, fewest_pixels: int, most_pixels: int
) -> Fit:
    """Choose the size at which a model works on a picture.

    A picture within the limits keeps its pixels and is padded to a multiple of ``step``; others are resized.

    Args:
        size: Width and height of the picture.
        step: Sides of the work size are multiples of this.
        smallest: Smallest side of the work size.
        fewest_pixels: Below this the model no longer draws well.
        most_pixels: Above this it runs out of memory or repeats itself.
    """
    width, height = size
    pixels = width * height
    if min(size) >= smallest and fewest_pixels <= pixels <= most_pixels:
        work = (math.ceil(width / step) * step, math.ceil(height / step) * step)
        return Fit(size, work, padded=True)
    scale = math.sqrt(min(max(pixels, fewest_pixels), most_pixels) / pixels)
    longest = max(most_pixels // smallest // step * step, step)
    low = math.ceil(smallest / step) * step
    sides = [min(max(round(side * scale / step) * step, low), max(longest, low)) for side in size]
    return Fit(size, (sides[0], sides[1]), padded=False)
