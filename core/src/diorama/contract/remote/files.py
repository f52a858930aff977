"""Inputs made fit for a provider, and results brought home."""

from __future__ import annotations

import base64
import binascii
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract.errors import BackendError, InvalidRequest
from diorama.contract.requests import MediaInput

if TYPE_CHECKING:
    from diorama.contract.context import JobContext
    from diorama.contract.remote.call import Output

PASSED_ON = ("image/png", "image/jpeg", "image/webp")
_METADATA = {"exif", "xmp", "XML:com.adobe.xmp", "comment", "photoshop"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A file ready to be uploaded."""

    content: bytes
    mime: str
    name: str

    def data_uri(self) -> str:
        """Return the file as a ``data:`` URI."""
        return f"data:{self.mime};base64,{base64.b64encode(self.content).decode()}"


def prepare(
    media: MediaInput, name: str, sides: tuple[int, int] | None = None, like: MediaInput | None = None
) -> Prepared:
    """Return a picture or video as bytes: pictures upright, without metadata, resized when a side is outside ``sides``.

    A recipe or a place in a photograph is nobody's business, and not every provider obeys a rotation that only EXIF tells.

    Args:
        media: The input.
        name: Stem of the file name that the provider sees; the user's own name does not travel.
        sides: Smallest and largest side in pixels.
        like: A mask follows the size of this picture.

    Raises:
        InvalidRequest: no proportional size lies inside ``sides``.
    """
    if media.kind == "video":
        from mimetypes import guess_extension

        return Prepared(
            content=media.read_bytes(), mime=media.mime, name=f"{name}{guess_extension(media.mime) or '.mp4'}"
        )
    size = (media.width, media.height) if sides is None else fitted(like or media, sides)
    if size == (media.width, media.height) and media.mime in PASSED_ON and _is_bare(media):
        return Prepared(
            content=media.read_bytes(), mime=media.mime, name=f"{name}.{media.mime.partition('/')[2]}"
        )
    photo = media.mime == "image/jpeg"
    image = media.load_image("RGBA" if not photo and _is_transparent(media) else "RGB")
    if image.size != size and all(size):
        image = image.resize(size)
    out = io.BytesIO()
    if photo:
        image.save(out, "JPEG", quality=95, subsampling=0)
        return Prepared(content=out.getvalue(), mime="image/jpeg", name=f"{name}.jpeg")
    image.save(out, "PNG")
    return Prepared(content=out.getvalue(), mime="image/png", name=f"{name}.png")


def _is_bare(media: MediaInput) -> bool:
    """Whether a picture's file holds nothing but the picture."""
    from PIL import Image

    with Image.open(media.path) as image:
        told = {key for key in image.info if key in _METADATA or isinstance(image.info[key], str)}
        return not told and not image.getexif()


def _is_transparent(media: MediaInput) -> bool:
    from PIL import Image

    with Image.open(media.path) as image:
        return image.has_transparency_data


def fitted(media: MediaInput, sides: tuple[int, int]) -> tuple[int, int]:
    """Return the proportional size closest to the picture's own whose sides lie inside ``sides``.

    Raises:
        InvalidRequest: the picture is too elongated for that.
    """
    low, high = sides
    width, height = media.width, media.height
    factor = 1.0
    if max(width, height) > high:
        factor = high / max(width, height)
    elif min(width, height) < low:
        factor = low / min(width, height)
    size = round(width * factor), round(height * factor)
    if not all(low <= side <= high for side in size):
        raise InvalidRequest(
            f"A picture of {width}x{height} cannot be brought to sides of {low} to {high} pixels.",
            field="reference_images", fix="Crop it to a less elongated shape.",
        )  # fmt: skip
    return size


def bring(output: Output, context: JobContext, *, max_bytes: int) -> bytes | Path:
    """Return one result's bytes or file.

    Raises:
        BackendError: it is not there any more, or could not be fetched; ``retryable`` says which.
    """
    if output.content is not None:
        return output.content
    if output.url.startswith("data:"):
        try:
            return base64.b64decode(output.url.partition(",")[2], validate=True)
        except binascii.Error as error:
            raise BackendError("The provider returned a damaged data URI.") from error
    return context.fetch(output.url, headers=dict(output.headers) or None, max_bytes=max_bytes).path


def resized(content: bytes | Path, size: tuple[int, int]) -> Any:
    """Return the content unchanged when it has that size, else a Pillow image that has."""
    from PIL import Image

    with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content) as image:
        if image.size == size:
            return content
        return image.convert("RGBA" if "A" in image.getbands() else "RGB").resize(size)
