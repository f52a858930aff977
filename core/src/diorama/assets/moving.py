"""The short preview of a video: its first seconds, small and silent, as a file that any page shows like a picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets.decoding import recognise
from diorama.assets.formats import Format
from diorama.assets.opening import open_media
from diorama.assets.thumbnails import shrink
from diorama.contract import InvalidRequest, NotFound

if TYPE_CHECKING:
    from PIL.Image import Image

SECONDS = 3.0
"""How much of the video is shown."""
RATE = 8
"""Pictures a second; 3 x 8 of them weigh less than many a still."""
SIDE = 256
"""Longest side in pixels."""


def moving_preview(path: Path) -> bytes:
    """Return the first seconds of a stored video as an animated WebP that begins again at its end.

    Raises:
        InvalidRequest: the file is no video.
        NotFound: it is damaged.
    """
    try:
        found = recognise(path)
        if found.kind != "video":
            raise InvalidRequest(
                "Only videos have a moving preview.", field="asset_id", fix="Ask for its thumbnail."
            )
        pictures = list(_pictures(path, found))
    except InvalidRequest:
        raise
    except Exception as error:  # whatever a decoder may say of damaged bytes
        raise NotFound(f"The file of this asset is damaged ({type(error).__name__}).") from error
    if not pictures:
        raise NotFound("The file of this asset is damaged: it has no pictures.")
    buffer = io.BytesIO()
    first, *rest = pictures
    first.save(
        buffer, "WEBP", save_all=True, append_images=rest, duration=1000 // RATE, loop=0, quality=60, method=2
    )
    return buffer.getvalue()


def _pictures(path: Path, found: Format) -> Iterator[Image]:
    """Decode no further than is shown, and keep no more than one large frame at a time."""
    with open_media(path, found) as container:
        shown, start = 0, None
        for frame in container.decode(video=0):
            moment = _moment(frame, shown)
            start = moment if start is None else start
            if moment - start >= SECONDS:
                return
            if moment - start >= shown / RATE - 1e-6:
                shown += 1
                yield _upright(frame)


def _moment(frame: Any, shown: int) -> float:
    """Return when a frame is shown, in seconds; files that do not say are taken to run at our rate."""
    return float(frame.time) if frame.time is not None else shown / RATE


def _upright(frame: Any) -> Image:
    small = shrink(frame.to_image(), SIDE)
    rotation = int(getattr(frame, "rotation", 0) or 0)
    return small.rotate(rotation, expand=True) if rotation else small
