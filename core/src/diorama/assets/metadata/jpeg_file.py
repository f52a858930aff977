"""Texts in a JPEG file: EXIF, XMP and comments, found and put in without touching its pixels."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from diorama.assets.metadata import exif
from diorama.assets.metadata.buffer import Buffer

MAX_SEGMENT = 65533 - 32
"""Bytes that fit into one segment, with room for its name."""

_EXIF = b"Exif\0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_COMMENT, _APP0, _APP1, _APP13, _SCAN = 0xFE, 0xE0, 0xE1, 0xED, 0xDA


def read(data: Buffer) -> dict[str, str]:
    """Return the texts of EXIF, the XMP packet as ``xmp`` and comments as ``comment``."""
    texts: dict[str, str] = {}
    for marker, start, end in _segments(data):
        body = data[start:end]
        if marker == _APP1 and body.startswith(_EXIF):
            texts = exif.read(body[6:]) | texts
        elif marker == _APP1 and body.startswith(_XMP):
            texts.setdefault("xmp", body[len(_XMP) :].decode("utf-8", "replace"))
        elif marker == _COMMENT:
            texts.setdefault("comment", body.decode("utf-8", "replace").rstrip("\0"))
    return texts


def read_orientation(data: Buffer) -> int:
    """Return the EXIF orientation, 1 when there is none."""
    for marker, start, end in _segments(data):
        if marker == _APP1 and data[start : start + 6] == _EXIF:
            return exif.read_orientation(data[start + 6 : end])
    return 1


def end_of_picture(data: Buffer) -> int:
    """Return where the picture ends, 1 when it has no end. Data behind it is no part of the picture."""
    last = max((end for _, _, end in _segments(data)), default=2)
    return data.find(b"\xff\xd9", last) + 2  # within coded data FF is always followed by 00 or a restart


def write(data: Buffer, exif_block: bytes, xmp: bytes, out: BinaryIO, *, keep: bool = True) -> None:
    """Copy a JPEG with a new EXIF block and XMP packet (left out where empty) in place of the old ones.

    Args:
        data: The file.
        exif_block: From :func:`diorama.assets.metadata.exif.build`.
        xmp: Packet in UTF-8.
        out: Where the copy goes.
        keep: Whether comments and IPTC data stay.

    Raises:
        ValueError: it is not a JPEG, or a block is too large for a segment.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError("not a JPEG file")
    segments = list(_segments(data))
    out.write(b"\xff\xd8")
    copied = 2
    if segments and segments[0][0] == _APP0:  # JFIF wants to be first
        copied = segments.pop(0)[2]
        out.write(data[2:copied])
    for body in ([_EXIF + exif_block] if exif_block else []) + ([_XMP + xmp] if xmp else []):
        out.write(struct.pack(">BBH", 0xFF, _APP1, len(body) + 2) if len(body) <= 65533 else _too_large())
        out.write(body)
    for marker, start, end in segments:
        if marker == _APP1 or (not keep and marker in (_COMMENT, _APP13)):
            out.write(data[copied : start - 4])
            copied = end
    out.write(data[copied:])


def _too_large() -> bytes:
    raise ValueError("the recipe is too large for a JPEG segment")


def _segments(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Yield marker, start and end of each segment's body up to the picture itself."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        marker, size = struct.unpack_from(">xBH", data, at)
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == _SCAN or size < 2 or at + 2 + size > len(data):
            return
        yield marker, at + 4, at + 2 + size
        at += 2 + size
