"""Workflows carried inside pictures, videos and sound files."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import WorkflowError
from .formats import MAX_BYTES, is_api, is_ui, load_document

_PNG = b"\x89PNG\r\n\x1a\n"
_IMAGE_EXIF_TAGS = (0x010E, 0x010F, 0x0110, 0x0131, 0x9286, 0x9C9C)
_MAX_CHUNKS = 100_000


def find_workflow(data: bytes | Path) -> dict[str, Any]:
    """Return the workflow in a file: JSON, PNG, WebP, JPEG, GIF, MP4, WebM, MOV, FLAC, MP3 and the like.

    If a file carries both forms, the web page's form is returned, because it knows titles, forms
    and download links. Raises :class:`WorkflowError` if there is none, and ``OSError`` if a path
    can not be read.
    """
    content = data if isinstance(data, bytes) else _read(data)
    start = content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"{", b"[")):
        return load_document(content)
    texts = list(_texts(content))
    found = [document for text in texts if (document := _try(text)) is not None]
    for document in found:
        if is_ui(document):
            return document
    if found:
        return found[0]
    raise WorkflowError(
        "this file carries no ComfyUI workflow; pictures that were edited, uploaded to a site or saved "
        "by another program usually lose it"
    )


def _read(path: Path) -> bytes:
    if path.stat().st_size > 16 * MAX_BYTES:
        raise WorkflowError(f"{path.name} is larger than {16 * MAX_BYTES >> 30} GB")
    return path.read_bytes()


def _try(text: str) -> dict[str, Any] | None:
    """The workflow in a metadata text, which may start with its own name (``workflow:{...}``)."""
    begin = text.find("{")
    if not 0 <= begin <= 40:
        return None
    try:
        document = load_document(text[begin:].rstrip("\0 \n"))
    except WorkflowError:
        return None
    return document if is_ui(document) or is_api(document) else None


def _texts(content: bytes) -> Iterator[str]:
    if content.startswith(_PNG):
        yield from _png_texts(content)
    elif content[:3] == b"\xff\xd8\xff" or content[:4] == b"GIF8" or content[8:12] in (b"WEBP", b"avif"):
        yield from _image_texts(content)
    elif _is_container(content):
        yield from _container_texts(content)


def _png_texts(content: bytes) -> Iterator[str]:
    """Walk the chunks of a PNG. Nothing is decoded but texts, and those only up to a limit."""
    offset = len(_PNG)
    for _ in range(_MAX_CHUNKS):
        if offset + 8 > len(content):
            return
        length, kind = struct.unpack_from(">I4s", content, offset)
        body = content[offset + 8 : offset + 8 + length]
        offset += length + 12
        if kind in (b"tEXt", b"comf"):
            yield _decode(body.partition(b"\0")[2])
        elif kind == b"zTXt":
            yield _decode(_inflate(body.partition(b"\0")[2][1:]))
        elif kind == b"iTXt":
            packed, _, rest = body.partition(b"\0")[2][0:1], None, body.partition(b"\0")[2][2:]
            text = rest.partition(b"\0")[2].partition(b"\0")[2]
            yield _decode(_inflate(text) if packed == b"\1" else text)
        elif kind == b"eXIf":
            yield from _exif_texts(body)
        elif kind == b"IEND":
            return


def _image_texts(content: bytes) -> Iterator[str]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as image:
            exif = image.getexif()
            values = [exif.get(tag) for tag in _IMAGE_EXIF_TAGS]
            values += list(exif.get_ifd(0x8769).values())
            values += [image.info.get(key) for key in ("comment", "workflow", "prompt")]
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, KeyError, struct.error) as error:
        raise WorkflowError(f"the picture can not be read: {error}") from None
    except Image.DecompressionBombError:
        raise WorkflowError("the picture is too large to be opened safely") from None
    for value in values:
        yield from _as_texts(value)


def _exif_texts(body: bytes) -> Iterator[str]:
    from PIL import Image

    exif = Image.Exif()
    try:
        exif.load(body)
        values = [exif.get(tag) for tag in _IMAGE_EXIF_TAGS]
    except (OSError, ValueError, SyntaxError, struct.error):
        return
    for value in values:
        yield from _as_texts(value)


def _is_container(content: bytes) -> bool:
    return (
        content[4:8] in (b"ftyp", b"moov", b"mdat")
        or content[:4] in (b"\x1aE\xdf\xa3", b"fLaC", b"OggS", b"RIFF")
        or content[:3] == b"ID3"
    )


def _container_texts(content: bytes) -> Iterator[str]:
    try:
        import av
    except ImportError:
        raise WorkflowError("reading workflows from video and sound needs PyAV: pip install av") from None
    try:
        with av.open(io.BytesIO(content), mode="r", metadata_errors="replace") as container:
            texts = list(container.metadata.values())
            for stream in container.streams:
                texts += list(stream.metadata.values())
    except (av.error.FFmpegError, ValueError) as error:
        raise WorkflowError(f"the file can not be read: {error}") from None
    for text in texts:
        yield text
        yield from _nested(text)


def _nested(text: str) -> Iterator[str]:
    """Some programs put one JSON object with both forms as texts into a single tag."""
    if not text.startswith("{") or len(text) > MAX_BYTES:
        return
    try:
        outer = json.loads(text)
    except (ValueError, RecursionError):
        return
    for key in ("workflow", "prompt"):
        value = outer.get(key) if isinstance(outer, dict) else None
        if isinstance(value, str):
            yield value


def _as_texts(value: object) -> Iterator[str]:
    if isinstance(value, bytes):
        body = value[8:] if value[:8] in (b"UNICODE\0", b"ASCII\0\0\0") else value
        wide = value[:8] == b"UNICODE\0" and b"\0" in body[:4]
        yield (
            body.decode("utf-16-be" if body[:1] == b"\0" else "utf-16-le", "replace")
            if wide
            else _decode(body)
        )
    elif isinstance(value, str):
        yield value


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MAX_BYTES)
    except zlib.error:
        return b""


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")
