"""Tags in an MP4 file: the comment and description that players show, put in by editing boxes, not by remuxing."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from diorama.assets.metadata.buffer import Buffer

_NAMES = {b"\xa9cmt": "comment", b"desc": "description", b"\xa9too": "encoder", b"\xa9nam": "title"}
_KEYS = {name: key for key, name in _NAMES.items()}
_XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_HANDLER = struct.pack(">4x4x4s4s9x", b"mdir", b"appl")
_MAX_BOXES = 100_000
_MAX_MOOV = 64 * 1024**2


def read(data: Buffer) -> dict[str, str]:
    """Return comment, description, title and encoder, and the XMP packet as ``xmp``."""
    texts: dict[str, str] = {}
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind == b"moov" and end - start <= _MAX_MOOV:
            texts |= _read_tags(data[start:end])
        elif kind == b"uuid" and data[start : start + 16] == _XMP_UUID:
            texts["xmp"] = data[start + 16 : end].decode("utf-8", "replace")
    return texts


def _read_tags(moov: bytes) -> dict[str, str]:
    texts = {}
    for kind, body in _children(_inside(moov, b"udta", b"meta", b"ilst")):
        for inner, value in _children(body):
            if inner == b"data" and kind in _NAMES and len(value) >= 8:
                texts[_NAMES[kind]] = value[8:].decode("utf-8", "replace")
    return texts


def _inside(body: bytes, *path: bytes) -> bytes:
    for name in path:
        body = next((inner for kind, inner in _children(body) if kind == name), b"")
        if name == b"meta":
            body = body[4:]  # version and flags
    return body


def write(data: Buffer, tags: Mapping[str, str], xmp: bytes, out: BinaryIO) -> None:
    """Copy an MP4 with the given tags set; sample data is copied as it is.

    Args:
        data: The file.
        tags: ``comment``, ``description``, ``title``; empty texts remove a tag.
        xmp: Packet in UTF-8, nothing where empty.
        out: Where the copy goes.

    Raises:
        ValueError: its structure cannot be edited in place (fragments, damage).
    """
    top = list(_boxes(data, 0, len(data)))
    kinds = [kind for kind, _, _ in top]
    if kinds.count(b"moov") != 1 or b"moof" in kinds or b"mdat" not in kinds:
        raise ValueError("not an MP4 file that can be edited in place")
    starts = [0, *(stop for _, _, stop in top[:-1])]
    if top[-1][2] != len(data) or data[starts[-1] : starts[-1] + 4] == b"\0\0\0\0":
        raise ValueError("its last box is cut off or has no length")
    at = kinds.index(b"moov")
    start, end = top[at][1:]
    if end - start > _MAX_MOOV:
        raise ValueError("its index is too large")
    old_size = end - starts[at]
    moov = _with_tags(data[start:end], tags)
    growth = len(moov) + 8 - old_size
    moov = _box(b"moov", _shift_offsets(moov, starts[at], growth) if growth else moov)
    for kind, begin, (_, body, stop) in zip(kinds, starts, top, strict=True):
        if kind == b"moov":
            out.write(moov)
        elif not (kind == b"uuid" and data[body : body + 16] == _XMP_UUID):
            _copy(data, begin, stop, out)
    if xmp:
        out.write(_box(b"uuid", _XMP_UUID + xmp))


def _copy(data: Buffer, start: int, end: int, out: BinaryIO) -> None:
    for at in range(start, end, 1 << 20):
        out.write(data[at : min(end, at + (1 << 20))])


def _with_tags(moov: bytes, tags: Mapping[str, str]) -> bytes:
    ours = {_KEYS[name] for name in tags if name in _KEYS}
    kept = [
        (kind, body) for kind, body in _children(_inside(moov, b"udta", b"meta", b"ilst")) if kind not in ours
    ]
    kept += [
        (_KEYS[name], _box(b"data", struct.pack(">II", 1, 0) + text.encode("utf-8", "replace")))
        for name, text in tags.items()
        if text
    ]
    ilst = _box(b"ilst", b"".join(_box(kind, body) for kind, body in kept))
    meta = _box(b"meta", b"\0\0\0\0" + _box(b"hdlr", _HANDLER) + ilst)
    others = [(kind, body) for kind, body in _children(_inside(moov, b"udta")) if kind != b"meta"]
    udta = _box(b"udta", b"".join(_box(kind, body) for kind, body in others) + meta)
    return b"".join(_box(kind, body) for kind, body in _children(moov) if kind != b"udta") + udta


def _shift_offsets(moov: bytes, moov_start: int, growth: int) -> bytes:
    """Move the offsets of samples that lie behind the index, since the index has grown."""
    changed = bytearray(moov)
    for kind, start, end in _tables(moov, 0, len(moov), 0):
        code, size = (">I", 4) if kind == b"stco" else (">Q", 8)
        count = struct.unpack_from(">I", moov, start + 4)[0]
        if start + 8 + count * size > end:
            raise ValueError("its index is damaged")
        for at in range(start + 8, start + 8 + count * size, size):
            offset = struct.unpack_from(code, moov, at)[0]
            if offset > moov_start:
                if offset + growth >= 256**size:
                    raise ValueError("its offsets do not fit any more")
                struct.pack_into(code, changed, at, offset + growth)
    return bytes(changed)


def _tables(data: Buffer, start: int, end: int, depth: int) -> Iterator[tuple[bytes, int, int]]:
    for kind, begin, stop in _boxes(data, start, end):
        if kind in (b"stco", b"co64"):
            yield kind, begin, stop
        elif kind in (b"trak", b"mdia", b"minf", b"stbl") and depth < 8:
            yield from _tables(data, begin, stop, depth + 1)


def _children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((kind, body[start:end]) for kind, start, end in _boxes(body, 0, len(body)))


def _boxes(data: Buffer, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end of the body of each box; damage ends the walk."""
    for _ in range(_MAX_BOXES):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= end:
            size, head = struct.unpack_from(">Q", data, at + 8)[0], 16
        elif size == 0:
            size = end - at
        if size < head or at + size > end:
            return
        yield kind, at + head, at + size
        at += size


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body) + 8) + kind + body
