"""EXIF: the few text tags in which tools leave their settings."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

_NAMES = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x9286: "UserComment",
}
_EXIF_IFD = 0x8769
_ORIENTATION = 0x0112
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_MAX_ENTRIES = 1000


def build(comment: str, software: str, orientation: int = 1) -> bytes:
    """Return an EXIF block (starting at its byte order mark) with a UTF-16 UserComment.

    Args:
        comment: Text of the UserComment.
        software: ASCII name of the program.
        orientation: Kept from the file that is marked, 1 to 8.
    """
    name = software.encode("ascii", "replace") + b"\0"
    text = b"UNICODE\0" + comment.encode("utf-16-be", "surrogatepass")
    name_at = 8 + 2 + 3 * 12 + 4
    exif_at = name_at + len(name) + len(name) % 2
    text_at = exif_at + 2 + 12 + 4
    block = struct.pack(">2sHIH", b"MM", 42, 8, 3)
    block += struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    block += struct.pack(">HHII", 0x0131, 2, len(name), name_at)
    block += struct.pack(">HHII", _EXIF_IFD, 4, 1, exif_at) + b"\0\0\0\0"
    block += name.ljust(exif_at - name_at, b"\0")
    return block + struct.pack(">HHHII", 1, 0x9286, 7, len(text), text_at) + b"\0\0\0\0" + text


def read(block: bytes) -> dict[str, str]:
    """Return the text tags of an EXIF block; damage ends the reading, never raises."""
    return {
        name: text
        for tag, data in _entries(block).items()
        if (name := _NAMES.get(tag)) and (text := _text(tag, data))
    }


def read_orientation(block: bytes) -> int:
    """Return the orientation, 1 when none is given."""
    data = _entries(block).get(_ORIENTATION, b"")[:2]
    value = int.from_bytes(data, "little" if block[:2] == b"II" else "big")
    return value if 1 <= value <= 8 else 1


def _entries(block: bytes) -> Mapping[int, bytes]:
    found: dict[int, bytes] = {}
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None:
        return found
    try:
        _read_folder(block, order, struct.unpack_from(order + "I", block, 4)[0], found)
        inner = found.get(_EXIF_IFD, b"")
        if len(inner) >= 4:
            _read_folder(block, order, struct.unpack_from(order + "I", inner)[0], found)
    except struct.error:
        pass
    return found


def _read_folder(block: bytes, order: str, at: int, found: dict[int, bytes]) -> None:
    count: int = struct.unpack_from(order + "H", block, at)[0]
    for entry in range(min(count, _MAX_ENTRIES)):
        tag, kind, length, value = struct.unpack_from(order + "HHI4s", block, at + 2 + 12 * entry)
        size = length * _SIZES.get(kind, 1)
        start: Any = struct.unpack(order + "I", value)[0]
        found.setdefault(tag, value[:size] if size <= 4 else block[start : start + size])


def _text(tag: int, data: bytes) -> str:
    if tag != 0x9286:
        return data.decode("utf-8", "replace").rstrip("\0")
    code, body = data[:8], data[8:]
    if code == b"UNICODE\0":
        return _utf16(body)
    if code in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").rstrip("\0")
    return data.decode("utf-8", "replace").rstrip("\0")


def _utf16(body: bytes) -> str:
    """Decode UTF-16 of either byte order: the standard leaves it open and tools differ."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").rstrip("\0")
    low, high = body[1:400:2].count(0), body[:400:2].count(0)  # where western text has its zeros
    return body.decode("utf-16-le" if low > high else "utf-16-be", "replace").rstrip("\0")
