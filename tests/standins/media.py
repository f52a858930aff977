"""Small real pictures and films for the stand-in servers to return, and a look at what they receive."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)
FORMATS = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG", "webp": "WEBP"}
MIME = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "mp4": "video/mp4",
}


@dataclass(frozen=True)
class Media:
    """One file: its bytes, media type and size in pixels."""

    content: bytes
    mime: str
    width: int
    height: int

    @property
    def extension(self) -> str:
        """The usual file name extension, without the dot."""
        return {"image/jpeg": "jpg"}.get(self.mime, self.mime.split("/")[1])


@lru_cache(maxsize=256)
def picture(width: int, height: int, colour: Colour = (200, 60, 40), extension: str = "png") -> Media:
    """A picture of one colour with a white corner square (so that it is not blank), in the asked format."""
    from PIL import Image

    image = Image.new("RGB", (width, height), colour)
    if colour != BLACK:
        image.paste((255, 255, 255), (0, 0, max(1, width // 8), max(1, height // 8)))
    out = io.BytesIO()
    image.save(out, FORMATS[extension])
    return Media(out.getvalue(), MIME[extension], width, height)


@lru_cache(maxsize=32)
def film(width: int = 64, height: int = 64, frames: int = 8, fps: int = 8) -> Media:
    """An MP4 film (MPEG-4 video) of a brightness ramp."""
    import av
    import numpy as np

    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(frames):
            pixels = np.full((height, width, 3), 20 + 200 * index // frames, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return Media(out.getvalue(), "video/mp4", width, height)


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of a picture or film in pixels; None when the bytes are neither."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            return image.size
    except UnidentifiedImageError:
        return _film_size(content)


def _film_size(content: bytes) -> tuple[int, int] | None:
    import av

    try:
        with av.open(io.BytesIO(content)) as container:
            stream = container.streams.video[0]
            return stream.width, stream.height
    except (av.FFmpegError, IndexError):
        return None


def ratio_size(ratio: str, area: int = 512 * 512) -> tuple[int, int]:
    """The size of about `area` pixels with the ratio `"16:9"`, each side a multiple of 8."""
    across, down = (float(part) for part in ratio.split(":"))
    height = (area * down / across) ** 0.5
    return max(8, round(height * across / down / 8) * 8), max(8, round(height / 8) * 8)
