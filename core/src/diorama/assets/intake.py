"""Files that people hand in: bounded, really decoded, upright, without metadata, stored by content."""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from diorama.assets import leftovers
from diorama.assets.decoding import Undecodable, decode, open_image, plain_mode, recognise
from diorama.assets.files import digest, write_whole
from diorama.assets.formats import FORMATS, Format
from diorama.assets.frames import count_frames
from diorama.assets.metadata import jpeg_file, strip
from diorama.assets.metadata.buffer import Buffer, mapped
from diorama.assets.png import encode_png
from diorama.assets.sound import has_pictures, read_sound
from diorama.assets.video import read_video
from diorama.contract import InvalidRequest, MediaInput, MediaKind
from diorama.settings import Settings

if TYPE_CHECKING:
    from PIL.Image import Image

_KEPT = ("png", "jpeg", "webp")  # stills that every backend and provider reads
_DATA_URL = re.compile(r"data:[\w.+/-]{0,100}(?:;[\w=.\-]{1,100})*;base64,", re.ASCII)
_FIX = (
    "Use a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF picture, an MP4, WebM, MOV or MKV video, or FLAC, MP3, Ogg, WAV, M4A, "
    "AAC or AIFF sound."
)
_WORDS: dict[MediaKind, str] = {"image": "a picture", "video": "a video", "audio": "sound"}


def take_in(
    source: bytes | Path, settings: Settings, *, name: str = "", kind: MediaKind | None = None
) -> MediaInput:
    """Check and store an uploaded picture, video or sound.

    Limits on bytes, pixels and frames are checked before a pixel is decoded. Pictures lose their metadata; those that
    are turned by EXIF, animated, in rarer formats, or carry data behind their end become a PNG of what people see.

    Args:
        source: The content or a local file.
        settings: Limits and the folder for inputs.
        name: Request field, named in errors.
        kind: ``image``, ``video`` or ``audio`` when only that will do.

    Raises:
        InvalidRequest: it cannot be used; ``field`` is ``name``.
    """
    field = name or "file"
    try:
        _check_bytes(source, settings)
        found = recognise(source)
        if kind is not None and found.kind != kind:
            raise Undecodable(f"It is {_WORDS[found.kind]}, but {_WORDS[kind]} is needed.")
        with tempfile.TemporaryDirectory(prefix="diorama-intake-") as folder:
            if found.kind == "audio":
                return _take_sound(source, found, settings, Path(folder))
            if found.kind == "video":
                return _take_video(source, found, settings, Path(folder))
            return _take_picture(source, found, settings, Path(folder))
    except Undecodable as error:
        raise InvalidRequest(f"{field} cannot be used. {error}", field=field, fix=_FIX) from error


def decode_data_url(text: str, *, name: str, settings: Settings) -> bytes:
    """Return the bytes of a data URL (``data:image/png;base64,...``) or of plain base64.

    Raises:
        InvalidRequest: it is neither, or too large; ``field`` is ``name``.
    """
    head = _DATA_URL.match(text[:512])
    body = text[head.end() :] if head else text
    limit = settings.limits.upload_bytes
    if len(body) > limit * 1.4 + 16:
        raise _too_large(name, limit)
    try:
        data = base64.b64decode("".join(body.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            f"{name} is neither an asset id, an address, nor base64.",
            field=name,
            fix="Give base64 or a data URL of a file.",
        ) from error
    if len(data) > limit:
        raise _too_large(name, limit)
    return data


def check_mask(mask: MediaInput, image: MediaInput) -> None:
    """Make sure that a mask fits its picture.

    Raises:
        InvalidRequest: it is not a picture or has another size; ``field`` is ``mask``.
    """
    if mask.kind != "image":
        raise InvalidRequest(
            f"The mask is {_WORDS[mask.kind]}.", field="mask", fix="Give a black and white picture."
        )
    if (mask.width, mask.height) != (image.width, image.height):
        raise InvalidRequest(
            f"The mask has {mask.width}x{mask.height} pixels, its picture {image.width}x{image.height}.",
            field="mask",
            fix="Give a mask of the same size.",
        )


def _too_large(name: str, limit: int) -> InvalidRequest:
    return InvalidRequest(f"{name} is larger than {limit} bytes.", field=name, fix="Use a smaller file.")


def _check_bytes(source: bytes | Path, settings: Settings) -> None:
    if isinstance(source, Path) and not source.is_file():
        raise Undecodable("There is no such file.")
    size = source.stat().st_size if isinstance(source, Path) else len(source)
    if size == 0:
        raise Undecodable("It is empty.")
    if size > settings.limits.upload_bytes:
        raise Undecodable(f"It has {size} bytes; the limit is {settings.limits.upload_bytes} bytes.")


def _take_picture(source: bytes | Path, found: Format, settings: Settings, folder: Path) -> MediaInput:
    with open_image(source, settings.limits) as opened:
        stored_size = opened.size
        pixels = decode(opened)
        turned = pixels.size != stored_size or opened.getexif().get(0x0112, 1) != 1
    clean = folder / "clean"
    if turned or found.name not in _KEPT or not _single(source, found):
        found = FORMATS["png"]
        clean.write_bytes(_as_png(pixels))
    else:
        _strip(source, clean, found)
    return _store(clean, found, settings, pixels.width, pixels.height)


def _as_png(pixels: Image) -> bytes:
    import numpy as np

    return encode_png(np.asarray(plain_mode(pixels)))


def _strip(source: bytes | Path, target: Path, found: Format) -> None:
    if isinstance(source, bytes):
        raw = target.with_name("raw")
        raw.write_bytes(source)
        source = raw
    try:
        strip(source, target, found.mime)
    except ValueError as error:
        raise Undecodable(f"Its structure is damaged ({error}).") from error


def _single(source: bytes | Path, found: Format) -> bool:
    """Tell whether the file is one still picture and nothing behind it."""
    if count_frames(source, found.name, 1) > 1:
        return False
    with mapped(source) as data:
        return _end(data, found.name) == len(data)


def _end(data: Buffer, name: str) -> int:
    """Return where the picture ends, by its own structure."""
    if name == "webp":
        return 8 + int.from_bytes(data[4:8], "little")
    if name == "png":
        last = data.find(b"\0\0\0\0IEND\xaeB`\x82")
        return last + 12 if last >= 0 else -1
    return jpeg_file.end_of_picture(data)


def _take_video(source: bytes | Path, found: Format, settings: Settings, folder: Path) -> MediaInput:
    raw = _raw(source, found, folder)
    if found.reader == "mov" and not has_pictures(raw, found):  # what phones record
        return _take_sound(raw, FORMATS["m4a"], settings, folder)
    facts = read_video(raw, found, settings.limits)
    return _store(raw, found, settings, facts.width, facts.height)


def _take_sound(source: bytes | Path, found: Format, settings: Settings, folder: Path) -> MediaInput:
    raw = _raw(source, found, folder)
    read_sound(raw, found, settings.limits)
    return _store(raw, found, settings, 0, 0)


def _raw(source: bytes | Path, found: Format, folder: Path) -> Path:
    raw = folder / f"raw.{found.extension}"
    if isinstance(source, bytes):
        raw.write_bytes(source)
    elif source != raw:
        shutil.copyfile(source, raw)
    return raw


def _store(file: Path, found: Format, settings: Settings, width: int, height: int) -> MediaInput:
    """Put the checked file among the inputs; the same content is stored once."""
    sha256 = digest(file)
    target = settings.inputs_dir / f"{sha256}.{found.extension}"
    target.parent.mkdir(parents=True, exist_ok=True)
    if not (leftovers.touch(target) and digest(target) == sha256):
        write_whole(target, lambda new: shutil.copyfile(file, new))
    return MediaInput(
        path=str(target.absolute()),
        kind=found.kind,
        mime=found.mime,
        width=width,
        height=height,
        sha256=sha256,
    )
