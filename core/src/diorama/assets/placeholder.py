"""ThumbHash: about 20 bytes from which a page paints a blurred picture before the thumbnail has arrived.

The format is Evan Wallace's (https://evanw.github.io/thumbhash/): average colour and the lowest cosine frequencies of
luminance, two colour differences and opacity, each scaled to its largest and kept in four bits.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

_SIDE = 64  # pixels that are looked at; seven frequencies need no more


def placeholder(image: Image) -> str:
    """Return the ThumbHash of ``image`` in base64."""
    import numpy as np

    small = image.copy()
    small.thumbnail((_SIDE, _SIDE))
    return base64.b64encode(thumb_hash(np.asarray(small.convert("RGBA")))).decode()


def thumb_hash(rgba: np.ndarray[Any, Any]) -> bytes:
    """Return the ThumbHash of uint8 pixels (H, W, 4), at most 100 x 100."""
    import numpy as np

    height, width = rgba.shape[:2]
    values = rgba.astype(np.float64) / 255.0
    alpha = values[:, :, 3]
    covered = float(alpha.sum())
    average = (values[:, :, :3] * alpha[:, :, None]).sum((0, 1)) / covered if covered else np.zeros(3)
    red, green, blue = np.moveaxis(
        average * (1 - alpha[:, :, None]) + values[:, :, :3] * alpha[:, :, None], 2, 0
    )
    transparent = bool(rgba[:, :, 3].min() < 255)
    limit, longest = (5 if transparent else 7), max(width, height)
    across, down = (max(1, _round(limit * side / longest)) for side in (width, height))
    luminance = _frequencies((red + green + blue) / 3, max(3, across), max(3, down))
    yellow_blue = _frequencies((red + green) / 2 - blue, 3, 3)
    red_green = _frequencies(red - green, 3, 3)
    opacity = _frequencies(alpha, 5, 5) if transparent else (1.0, [], 1.0)
    return _pack(luminance, yellow_blue, red_green, opacity, transparent, across, down, width > height)


_Channel = tuple[float, list[float], float]


def _frequencies(channel: np.ndarray[Any, Any], across: int, down: int) -> _Channel:
    import numpy as np

    height, width = channel.shape
    rows = np.cos(np.pi / height * np.outer(np.arange(down), np.arange(height) + 0.5))
    columns = np.cos(np.pi / width * np.outer(np.arange(across), np.arange(width) + 0.5))
    grid = rows @ channel @ columns.T / (width * height)
    kept = [
        float(grid[y, x])
        for y in range(down)
        for x in range(across)
        if (x or y) and x * down < across * (down - y)
    ]
    scale = max((abs(value) for value in kept), default=0.0)
    return float(grid[0, 0]), [0.5 + 0.5 * value / scale if scale else 0.0 for value in kept], scale


def _pack(
    luminance: _Channel, yellow_blue: _Channel, red_green: _Channel, opacity: _Channel,
    transparent: bool, across: int, down: int, landscape: bool,
) -> bytes:  # fmt: skip
    colour = _round(63 * luminance[0]) | _round(31.5 + 31.5 * yellow_blue[0]) << 6
    colour |= _round(31.5 + 31.5 * red_green[0]) << 12 | _round(31 * luminance[2]) << 18 | transparent << 23
    shape = (down if landscape else across) | _round(63 * yellow_blue[2]) << 3
    shape |= _round(63 * red_green[2]) << 9 | landscape << 15
    packed = bytearray(colour.to_bytes(3, "little") + shape.to_bytes(2, "little"))
    if transparent:
        packed.append(_round(15 * opacity[0]) | _round(15 * opacity[2]) << 4)
    fours = [
        _round(15 * value) for channel in (luminance, yellow_blue, red_green, opacity) for value in channel[1]
    ]
    fours += [0] * (len(fours) % 2)
    packed += bytes(low | high << 4 for low, high in zip(fours[::2], fours[1::2], strict=True))
    return bytes(packed)


def _round(value: float) -> int:
    return math.floor(value + 0.5)
