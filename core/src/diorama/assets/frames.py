"""Counting the frames of an encoded picture without decoding any, and without going on beyond a limit."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path


def count_frames(source: bytes | Path, name: str, limit: int) -> int:
    """Return how many frames a file has, or a number above ``limit`` as soon as that is certain.

    Args:
        source: The file or its content.
        name: Format name: ``gif``, ``webp``, ``png``, ``tiff``; others count as one frame.
        limit: Where counting stops.
    """
    reader = {"gif": _gif, "webp": _webp, "png": _apng, "tiff": _tiff}.get(name)
    if reader is None:
        return 1
    if isinstance(source, bytes):
        return _take(reader(source), limit)
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return _take(reader(data), limit)


_Data = bytes | mmap.mmap


def _take(found: Iterator[int], limit: int) -> int:
    total = 0
    try:
        for frames in found:
            total += frames
            if total > limit:
                break
    except (IndexError, struct.error):
        pass  # cut off; the decoder will say so
    return max(total, 1)


def _gif(data: _Data) -> Iterator[int]:
    at = 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)
    while data[at] != 0x3B:
        if data[at] == 0x2C:
            yield 1
            at += 10 + (3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0) + 1
        elif data[at] == 0x21:
            at += 2
        else:
            return
        while data[at]:
            at += data[at] + 1
        at += 1


def _webp(data: _Data) -> Iterator[int]:
    at = 12
    while at + 8 <= len(data):
        if data[at : at + 4] == b"ANMF":
            yield 1
        size = struct.unpack_from("<I", data, at + 4)[0]
        at += 8 + size + (size & 1)


def _apng(data: _Data) -> Iterator[int]:
    at = 8
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        if kind == b"acTL":
            yield int(struct.unpack_from(">I", data, at + 8)[0])
        if kind in (b"acTL", b"IDAT"):
            return
        at += 12 + size


def _tiff(data: _Data) -> Iterator[int]:
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\0", b"\0+"):
        raise IndexError  # BigTIFF: left to the decoder
    at = struct.unpack_from(order + "I", data, 4)[0]
    seen: set[int] = set()
    while at and at not in seen:
        seen.add(at)
        yield 1
        entries = struct.unpack_from(order + "H", data, at)[0]
        at = struct.unpack_from(order + "I", data, at + 2 + 12 * entries)[0]
