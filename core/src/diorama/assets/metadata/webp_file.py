"""Texts in a WebP file: EXIF and XMP chunks, found and put in without touching its pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from diorama.assets.metadata import exif
from diorama.assets.metadata.buffer import Buffer

_ALPHA, _EXIF_FLAG, _XMP_FLAG = 0x10, 0x08, 0x04


def read(data: Buffer) -> dict[str, str]:
    """Return the texts of EXIF and the XMP packet as ``xmp``."""
    texts: dict[str, str] = {}
    for kind, start, end in _chunks(data):
        if kind == b"EXIF":
            texts |= exif.read(data[start:end].removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            texts["xmp"] = data[start:end].decode("utf-8", "replace")
    return texts


def read_orientation(data: Buffer) -> int:
    """Return the EXIF orientation, 1 when there is none."""
    for kind, start, end in _chunks(data):
        if kind == b"EXIF":
            return exif.read_orientation(data[start:end].removeprefix(b"Exif\0\0"))
    return 1


def write(data: Buffer, exif_block: bytes, xmp: bytes, out: BinaryIO) -> None:
    """Copy a WebP with a new EXIF block and XMP packet (left out where empty) in place of the old ones.

    Raises:
        ValueError: it is not a WebP, or its first chunk is damaged.
    """
    chunks = list(_chunks(data))
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or not chunks:
        raise ValueError("not a WebP file")
    flags = (_EXIF_FLAG if exif_block else 0) | (_XMP_FLAG if xmp else 0)
    parts = [_chunk(b"VP8X", _extended_header(data, chunks, flags))]
    parts += [
        data[start - 8 : end + (end - start) % 2]
        for kind, start, end in chunks
        if kind not in (b"VP8X", b"EXIF", b"XMP ")
    ]
    parts += [_chunk(b"EXIF", exif_block)] if exif_block else []
    parts += [_chunk(b"XMP ", xmp)] if xmp else []
    out.write(b"RIFF" + struct.pack("<I", 4 + sum(map(len, parts))) + b"WEBP")
    for part in parts:
        out.write(part)


def _extended_header(data: Buffer, chunks: list[tuple[bytes, int, int]], flags: int) -> bytes:
    kind, start, end = chunks[0]
    body = data[start : min(end, start + 32)]
    if kind == b"VP8X" and len(body) >= 10:
        return bytes([body[0] & ~(_EXIF_FLAG | _XMP_FLAG) | flags]) + body[1:10]
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = bits & 0x3FFF, bits >> 14 & 0x3FFF, bits >> 28 & 1  # sizes less one
        flags |= _ALPHA * alpha
    elif kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        wide, high = struct.unpack_from("<HH", body, 6)
        width, height = (wide & 0x3FFF) - 1, (high & 0x3FFF) - 1
    else:
        raise ValueError("not a WebP file that can be extended")
    return bytes([flags, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _chunks(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    at = 12
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        if at + 8 + size > len(data):
            return
        yield kind, at + 8, at + 8 + size
        at += 8 + size + size % 2
