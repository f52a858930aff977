"""The picture of a sound: its loudness from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

SIZE = (320, 160)
"""Pixels of the drawing; that of a thumbnail."""
GROUND, WAVE = (0, 0, 0), (0xB3, 0xAA, 0x9C)
"""The ground of the studio's frames and its edge print: the same on light and dark pages, 9:1 between them."""
_PITCH, _BAR, _MARGIN = 4, 3, 12
_QUIET = 0.05
"""Peak below which a sound is drawn as quiet as it is; louder ones fill the height."""
_BLOCKS_PER_SECOND = 50


class Peaks:
    """Collects the peak of each fiftieth of a second while a sound is decoded.

    Args:
        rate: Samples per second.
    """

    def __init__(self, rate: int) -> None:
        self._block = max(1, rate // _BLOCKS_PER_SECOND)
        self._parts: list[np.ndarray[Any, Any]] = []
        self._rest: np.ndarray[Any, Any] | None = None

    def add(self, amplitude: np.ndarray[Any, Any]) -> None:
        """Take the amplitudes (0 to 1) of the next samples."""
        import numpy as np

        values = amplitude if self._rest is None else np.concatenate((self._rest, amplitude))
        whole = len(values) // self._block * self._block
        if whole:
            self._parts.append(values[:whole].reshape(-1, self._block).max(axis=1))
        self._rest = values[whole:]

    def values(self) -> np.ndarray[Any, Any]:
        """Return the peaks so far, at least one."""
        import numpy as np

        rest = self._rest if self._rest is not None and len(self._rest) else np.zeros(1, np.float32)
        last = [rest.max(keepdims=True)] if len(rest) > 1 or not self._parts else []
        return np.concatenate([*self._parts, *last])


def draw(peaks: np.ndarray[Any, Any]) -> Image:
    """Return the waveform of :class:`Peaks` as an RGB picture: bars to both sides of a middle line."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", SIZE, GROUND)
    pencil = ImageDraw.Draw(picture)
    middle, room = SIZE[1] // 2, SIZE[1] // 2 - _MARGIN
    loudness = _columns(peaks, (SIZE[0] - 2 * _MARGIN) // _PITCH)
    top = max(float(loudness.max()), _QUIET)
    for number, value in enumerate(loudness):
        left, half = _MARGIN + number * _PITCH, round(float(value) / top * room)
        pencil.rectangle((left, middle - half, left + _BAR - 1, middle + half), fill=WAVE)
    return picture


def _columns(peaks: np.ndarray[Any, Any], count: int) -> np.ndarray[Any, Any]:
    """Bring any number of peaks to ``count``: the loudest of each part, or each one repeated."""
    import numpy as np

    if len(peaks) >= count:
        return np.maximum.reduceat(peaks, np.arange(count) * len(peaks) // count)
    return peaks[np.arange(count) * len(peaks) // count]
