"""Small pictures: thumbnails for galleries, previews while a job runs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from diorama.assets.placeholder import placeholder

if TYPE_CHECKING:
    from PIL.Image import Image

THUMBNAIL_SIDE = 320
"""Longest side of a thumbnail in pixels."""

PREVIEW_SIDE = 256
"""Longest side of a preview in pixels."""


def make_thumbnail(image: Image) -> tuple[bytes, str]:
    """Return a WebP thumbnail and the base64 ThumbHash of a picture in ``L``, ``RGB`` or ``RGBA``."""
    small = shrink(image, THUMBNAIL_SIDE)
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=82, method=1)
    return buffer.getvalue(), placeholder(small)


def make_preview(image: Image) -> tuple[bytes, str]:
    """Return a small JPEG (WebP where there is transparency) of ``image`` with its content type."""
    small = shrink(image, PREVIEW_SIDE)
    buffer = io.BytesIO()
    if small.mode == "RGBA":
        small.save(buffer, "WEBP", quality=75, method=0)
        return buffer.getvalue(), "image/webp"
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue(), "image/jpeg"


def shrink(image: Image, side: int) -> Image:
    """Return a copy whose longest side is at most ``side`` pixels; small pictures stay as they are."""
    import PIL.Image

    if max(image.size) <= side:
        return image.copy()
    factor = side / max(image.size)
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, PIL.Image.Resampling.BICUBIC, reducing_gap=1.0)
