"""Texts in a PNG file: found and put in without touching its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from diorama.assets.metadata import exif
from diorama.assets.metadata.buffer import Buffer
from diorama.assets.png import SIGNATURE, chunk, text_chunk

XMP = "XML:com.adobe.xmp"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_PICTURE = (
    b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"pHYs",
)  # fmt: skip
"""Chunks that decide about the still picture that people see."""
_MAX_TOTAL = 16 * 1024**2
_MAX_CHUNKS = 200_000


def read(data: Buffer) -> dict[str, str]:
    """Return every text chunk by keyword, and the texts of an EXIF chunk; compressed ones within bounds."""
    texts: dict[str, str] = {}
    total = 0
    for kind, start, end in _chunks(data):
        if kind == b"eXIf":
            texts |= {key: value for key, value in exif.read(data[start:end]).items() if key not in texts}
        if kind not in _TEXTS or end - start > _MAX_TOTAL:
            continue
        keyword, text = _decode(kind, data[start:end])
        total += len(text)
        if total > _MAX_TOTAL:
            break
        if text and keyword not in texts:
            texts[keyword] = text
    return texts


def write(data: Buffer, texts: Mapping[str, str], out: BinaryIO, *, keep: bool = True) -> None:
    """Copy a PNG with ``texts`` put behind its header.

    Args:
        data: The file.
        texts: Keyword to text; chunks of the same keyword are replaced.
        out: Where the copy goes.
        keep: Whether other chunks stay; without, only what the still picture needs does.

    Raises:
        ValueError: it is not a PNG.
    """
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR":
        raise ValueError("not a PNG file")
    out.write(data[:33])
    for keyword, text in texts.items():
        out.write(_international(keyword, text) if keyword == XMP else text_chunk(keyword, text))
    copied, kind, end = 33, b"", 33
    for kind, start, end in _chunks(data):
        if kind == b"IHDR" or not _dropped(kind, data[start : min(end, start + 80)], texts, keep):
            continue
        out.write(data[copied : start - 8])
        copied = end + 4
    if not keep and kind != b"IEND":
        raise ValueError("it is cut off or has too many parts")
    out.write(data[copied:] if keep else data[copied : end + 4])


def _dropped(kind: bytes, head: bytes, texts: Mapping[str, str], keep: bool) -> bool:
    if not keep:
        return kind not in _PICTURE
    return kind in _TEXTS and head.partition(b"\0")[0].decode("latin-1") in texts


def _international(keyword: str, text: str) -> bytes:
    return chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8", "replace"))


def _chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    at = 8
    for _ in range(_MAX_CHUNKS):
        if at + 12 > len(data):
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if at + 12 + size > len(data):
            return
        yield kind, at + 8, at + 8 + size
        if kind == b"IEND":
            return
        at += 12 + size


def _decode(kind: bytes, body: bytes) -> tuple[str, str]:
    keyword, _, rest = body.partition(b"\0")
    name = keyword[:79].decode("latin-1")
    if kind == b"tEXt":
        return name, _latin_or_utf8(rest)
    if kind == b"zTXt":
        return name, _latin_or_utf8(_inflate(rest[1:]))
    packed, (_, _, text) = rest[:1] == b"\1", (rest[2:].partition(b"\0")[2]).partition(b"\0")
    return name, (_inflate(text) if packed else text).decode("utf-8", "replace")


def _latin_or_utf8(text: bytes) -> str:
    """Many tools put UTF-8 where the standard says Latin-1."""
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, _MAX_TOTAL)
    except zlib.error:
        return b""
