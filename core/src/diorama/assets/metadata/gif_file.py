"""Texts in a GIF file: comments and the XMP packet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from diorama.assets.metadata.buffer import Buffer

_XMP_NAME = b"\x21\xff\x0bXMP DataXMP"
_XMP_TAIL = (
    b"\x01" + bytes(range(255, -1, -1)) + b"\0"
)  # lets readers of sub-blocks find the end of plain text
_COMMENT = b"\x21\xfe"
_MAX_BLOCKS = 200_000


def read(data: Buffer) -> dict[str, str]:
    """Return the first comment as ``comment`` and the XMP packet as ``xmp``."""
    texts: dict[str, str] = {}
    for kind, start, end in _extensions(data):
        if kind == _COMMENT:
            texts.setdefault("comment", _joined(data[start + 2 : end]).decode("utf-8", "replace"))
        elif data[start : start + 14] == _XMP_NAME:
            texts.setdefault(
                "xmp", data[start + 14 : end].partition(b"\x01\xff\xfe")[0].decode("utf-8", "replace")
            )
    return texts


def write(data: Buffer, comment: str, xmp: bytes, out: BinaryIO) -> None:
    """Copy a GIF with a new comment and XMP packet (left out where empty) in place of the old ones.

    Raises:
        ValueError: it is not a GIF.
    """
    if data[:3] != b"GIF" or len(data) < 13:
        raise ValueError("not a GIF file")
    start = _after_palette(data)
    out.write(b"GIF89a" + data[6:start])
    old = [(a, b) for kind, a, b in _extensions(data) if kind == _COMMENT or data[a : a + 14] == _XMP_NAME]
    copied = start
    loop = next((b for _, a, b in _extensions(data) if data[a + 3 : a + 14] == b"NETSCAPE2.0"), start)
    for begin, end in [*((a, b) for a, b in old if b <= loop), (loop, loop)]:
        out.write(data[copied:begin])
        copied = end
    if xmp:
        out.write(_XMP_NAME + xmp + _XMP_TAIL)
    if comment:
        text = comment.encode("utf-8", "replace")
        out.write(
            _COMMENT
            + b"".join(bytes([len(text[i : i + 255])]) + text[i : i + 255] for i in range(0, len(text), 255))
            + b"\0"
        )
    for begin, end in ((a, b) for a, b in old if a >= loop):
        out.write(data[copied:begin])
        copied = end
    out.write(data[copied:])


def _after_palette(data: Buffer) -> int:
    return 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)


def _extensions(data: Buffer) -> Iterator[tuple[bytes, int, int]]:
    """Yield the first two bytes, start and end of each extension block."""
    try:
        at = _after_palette(data)
        for _ in range(_MAX_BLOCKS):
            begin = at
            if data[at] == 0x2C:
                at += 11 + (3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0)
            elif data[at] == 0x21:
                at += 2
            else:
                return
            while data[at]:
                at += data[at] + 1
            at += 1
            if data[begin] == 0x21:
                yield data[begin : begin + 2], begin, at
    except IndexError:
        return


def _joined(blocks: bytes) -> bytes:
    parts, at = [], 0
    while at < len(blocks) and blocks[at]:
        parts.append(blocks[at + 1 : at + 1 + blocks[at]])
        at += blocks[at] + 1
    return b"".join(parts)
