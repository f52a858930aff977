"""The frames of a source video, at the rate and the size that a model works at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import InvalidRequest

if TYPE_CHECKING:
    from PIL.Image import Image

_CLOSE = 1e-6
"""Seconds by which times may differ from rounding alone."""


def read_frames(path: Path, fps: float, most: int, size: tuple[int, int]) -> list[Image]:
    """Return the first frames of a video, upright RGB.

    Args:
        path: The video.
        fps: Frames a second that are taken; one that is shown longer is taken more than once.
        most: How many are taken at most.
        size: Width and height that they are brought to; what has another shape is cropped around its middle.

    Raises:
        InvalidRequest: it has no frames.
    """
    import av

    try:
        with av.open(str(path)) as container:
            taken = [_fitted(frame, size) for frame in _sampled(_timed(container), fps, most)]
    except (OSError, ValueError, IndexError) as error:
        raise InvalidRequest(f"The source video cannot be read: {error}.", field="media") from error
    if not taken:
        raise InvalidRequest("The source video has no frames.", field="media", fix="Give another one.")
    return taken


def _timed(container: Any) -> Iterator[tuple[float, float, Any]]:
    """Give each frame with when it is shown and for how long, in seconds from the beginning."""
    stream = container.streams.video[0]
    usual = 1 / float(stream.average_rate or stream.guessed_rate or 25)
    start: float | None = None
    for number, frame in enumerate(container.decode(stream)):
        moment = number * usual if frame.time is None else float(frame.time)
        start = moment if start is None else start
        yield moment - start, usual, frame


def _sampled(frames: Iterator[tuple[float, float, Any]], fps: float, most: int) -> Iterator[Any]:
    """Give what is shown at 0, 1 / fps, 2 / fps ... seconds, until the video ends or ``most`` are given."""
    given, shown, until = 0, None, 0.0
    for moment, length, frame in frames:
        while shown is not None and given < most and given / fps < moment - _CLOSE:
            yield shown
            given += 1
        if given >= most:
            return
        shown, until = frame, moment + length
    while shown is not None and given < most and given / fps < until - _CLOSE:
        yield shown
        given += 1


def _fitted(frame: Any, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageOps

    picture = frame.to_image()
    if rotation := int(getattr(frame, "rotation", 0) or 0):
        picture = picture.rotate(rotation, expand=True)
    return picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
