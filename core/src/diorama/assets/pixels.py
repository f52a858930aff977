"""Pixels as backends give them, checked and made uniform; and pixels to encoded pictures."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from diorama.assets.decoding import Undecodable, check_pixels, plain_mode
from diorama.assets.png import encode_png
from diorama.settings import LimitSettings

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

JPEG_QUALITY = 92
WEBP_QUALITY = 90


def encode_image(pixels: Image, format: str, *, quality: int | None = None) -> bytes:
    """Return an 8-bit picture (``L``, ``RGB``, ``RGBA``) as ``png``, ``jpeg``, ``webp`` or ``gif``.

    JPEG has no transparency: transparent parts become white.
    """
    import numpy as np

    if format == "png":
        return encode_png(np.asarray(pixels))
    buffer = io.BytesIO()
    if format == "jpeg":
        on_white(pixels).save(buffer, "JPEG", quality=quality or JPEG_QUALITY, subsampling=0)
    elif format == "webp":
        pixels.save(buffer, "WEBP", quality=quality or WEBP_QUALITY, method=2)
    else:
        pixels.save(buffer, "GIF")
    return buffer.getvalue()


def on_white(pixels: Image) -> Image:
    """Return the picture without transparency, laid on white."""
    import PIL.Image

    if pixels.mode != "RGBA":
        return pixels
    ground = PIL.Image.new("RGB", pixels.size, "white")
    ground.paste(pixels, mask=pixels.getchannel("A"))
    return ground


def to_image(content: Any, limits: LimitSettings) -> Image:
    """Return a Pillow image or a uint8 array (H, W, 3 or 4) as a picture in ``L``, ``RGB`` or ``RGBA``.

    Raises:
        Undecodable: it is neither, or has too many pixels.
    """
    import PIL.Image

    given = isinstance(content, PIL.Image.Image)
    image = plain_mode(content) if given else PIL.Image.fromarray(_checked_array(content))
    check_pixels(image.width, image.height, limits)
    return image


def _checked_array(content: Any) -> np.ndarray[Any, Any]:
    import numpy as np

    if not isinstance(content, np.ndarray):
        raise Undecodable(f"A {type(content).__name__} is neither pixels nor an encoded file.")
    if content.ndim == 3 and content.shape[2] == 1:
        content = content[:, :, 0]
    fits = content.ndim == 2 or (content.ndim == 3 and content.shape[2] in (3, 4))
    if content.dtype != np.uint8 or not fits or 0 in content.shape:
        raise Undecodable(f"Pixels must be uint8 (H, W, 3 or 4), not {content.dtype} {content.shape}.")
    return np.ascontiguousarray(content)


class Frames:
    """The frames of a video as RGB arrays of one size, one by one, counted and checked."""

    def __init__(self, content: Iterable[Any], limits: LimitSettings) -> None:
        self._content, self._limits, self.count = content, limits, 0

    def __iter__(self) -> Iterator[np.ndarray[Any, Any]]:
        import numpy as np

        size: tuple[int, int] | None = None
        for item in self._content:
            image = to_image(item, self._limits)
            if size is not None and image.size != size:
                raise Undecodable(f"Frame {self.count} has {image.size} pixels, the first one {size}.")
            size, self.count = image.size, self.count + 1
            if self.count > self._limits.video_frames:
                raise Undecodable(f"It has more than {self._limits.video_frames} frames.")
            yield np.asarray(image if image.mode == "RGB" else on_white(image).convert("RGB"))
