"""Opening pictures that others encoded: limits first, pixels later."""

from __future__ import annotations

import io
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets.formats import Format, read_head, sniff
from diorama.assets.frames import count_frames
from diorama.settings import LimitSettings

if TYPE_CHECKING:
    from PIL.Image import Image


class Undecodable(Exception):
    """The content is not what it should be; the text is a sentence for a person."""


def recognise(source: bytes | Path) -> Format:
    """Return the real format of ``source``.

    Raises:
        Undecodable: it is none that we read.
    """
    found = sniff(read_head(source))
    if found is None:
        raise Undecodable("It is not a picture, video or sound of a known format.")
    return found


def open_image(source: bytes | Path, limits: LimitSettings) -> Image:
    """Open a picture and check its header: size and number of frames. No pixel is decoded yet.

    Raises:
        Undecodable: not a picture that we read, too many pixels, or too many frames.
    """
    found = recognise(source)
    if found.kind != "image":
        what = "a video" if found.kind == "video" else "sound"
        raise Undecodable(f"It is {what} ({found.name}), not a picture.")
    if count_frames(source, found.name, limits.video_frames) > limits.video_frames:
        raise Undecodable(f"It has more than {limits.video_frames} frames.")
    pillow = _pillow()
    if (pillow.MAX_IMAGE_PIXELS or 0) < limits.image_pixels:
        pillow.MAX_IMAGE_PIXELS = limits.image_pixels  # Pillow's own limit must not undercut the user's
    try:
        image: Image = pillow.open(
            io.BytesIO(source) if isinstance(source, bytes) else source, formats=[found.reader]
        )
    except Exception as error:
        raise Undecodable(_sentence(error, found, limits)) from error
    try:
        check_pixels(image.width, image.height, limits)
    except Undecodable:
        image.close()
        raise
    return image


def check_pixels(width: int, height: int, limits: LimitSettings) -> None:
    """Refuse a picture or a frame that is too large.

    Raises:
        Undecodable: it is.
    """
    if width * height > limits.image_pixels:
        raise Undecodable(f"It has {width}x{height} pixels; the limit is {limits.image_pixels} pixels.")


def decode(image: Image) -> Image:
    """Decode the first frame of an opened picture and turn it upright by its EXIF orientation.

    Raises:
        Undecodable: the data is damaged or cut off.
    """
    from PIL import ImageOps

    try:
        image.load()
        return ImageOps.exif_transpose(image)
    except Exception as error:
        raise Undecodable(f"Its pixels cannot be decoded ({type(error).__name__}).") from error


def plain_mode(image: Image) -> Image:
    """Return ``image`` as ``L``, ``RGB`` or ``RGBA``, whichever loses nothing of an 8-bit picture."""
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _eight_bits(image)
    transparent = image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info
    if transparent:
        return image.convert("RGBA")
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(image: Image) -> Image:
    import numpy as np
    import PIL.Image

    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if image.mode.startswith("I") else max(1.0, float(values.max(initial=0)))
    return PIL.Image.fromarray(np.clip(values * (255.0 / top) + 0.5, 0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def _pillow() -> Any:
    from PIL import AvifImagePlugin, Image, TiffImagePlugin, WebPImagePlugin  # noqa: F401

    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    Image.preinit()
    return Image


def _sentence(error: Exception, found: Format, limits: LimitSettings) -> str:
    if "Decompression" in type(error).__name__:
        return f"It has far more pixels than the {limits.image_pixels} that are allowed."
    return f"It looks like {found.name} but cannot be opened."
