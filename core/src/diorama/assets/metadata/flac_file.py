"""Texts in a FLAC file: the block of Vorbis comments at its head. The sound behind it is copied as it is."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from diorama.assets.metadata.buffer import Buffer

_MAGIC = b"fLaC"
_PADDING, _COMMENTS = 1, 4
_NEEDED = (0, 3, 5)  # stream info, seek table, cue sheet: all that playing takes
_LARGEST = 2**24 - 1
_MAX_BLOCKS = 4096


def read(data: Buffer) -> dict[str, str]:
    """Return the Vorbis comments by their names in lower case; the first of a name counts."""
    texts: dict[str, str] = {}
    for kind, start, end in _blocks(data):
        if kind == _COMMENTS:
            for name, value in read_comments(data[start:end])[1]:
                texts.setdefault(name.lower(), value)
    return texts


def write(data: Buffer, texts: Mapping[str, str], out: BinaryIO, *, keep: bool = True) -> None:
    """Copy a FLAC file with the given comments set.

    Args:
        data: The file.
        texts: By name; those of the same name are replaced.
        out: Where the copy goes.
        keep: Whether other comments, covers and foreign blocks stay.

    Raises:
        ValueError: it is no whole FLAC file, or the texts are too long for one.
    """
    found = list(_blocks(data))
    if data[:4] != _MAGIC or not found or found[0][0] != 0:
        raise ValueError("not a FLAC file")
    vendor, comments = b"", list[tuple[str, str]]()
    blocks = []
    for kind, start, end in found:
        if kind == _COMMENTS:
            vendor, comments = read_comments(data[start:end])
        elif kind != _PADDING and (keep or kind in _NEEDED):
            blocks.append((kind, data[start:end]))
    ours = {name.lower() for name in texts}
    kept = [item for item in comments if keep and item[0].lower() not in ours]
    body = build_comments(vendor, [*kept, *texts.items()])
    if len(body) > _LARGEST:
        raise ValueError("the texts are too long for a FLAC file")
    blocks.insert(1, (_COMMENTS, body))
    out.write(_MAGIC)
    for number, (kind, content) in enumerate(blocks):
        last = 0x80 if number == len(blocks) - 1 else 0
        out.write(bytes([kind | last]) + len(content).to_bytes(3, "big") + content)
    for at in range(found[-1][2], len(data), 1 << 20):
        out.write(data[at : at + (1 << 20)])


def _blocks(data: Buffer) -> Iterator[tuple[int, int, int]]:
    """Yield kind, start and end of each block of metadata; damage ends the walk."""
    at = 4
    for _ in range(_MAX_BLOCKS):
        if at + 4 > len(data):
            return
        head = data[at]
        end = at + 4 + int.from_bytes(data[at + 1 : at + 4], "big")
        if end > len(data):
            return
        yield head & 0x7F, at + 4, end
        if head & 0x80:
            return
        at = end


def read_comments(body: bytes) -> tuple[bytes, list[tuple[str, str]]]:
    """Return who wrote a block of Vorbis comments, and the comments; damage ends the list."""
    found: list[tuple[str, str]] = []
    try:
        size = struct.unpack_from("<I", body)[0]
        vendor, at = body[4 : 4 + size], 8 + size
        for _ in range(struct.unpack_from("<I", body, at - 4)[0]):
            size = struct.unpack_from("<I", body, at)[0]
            text = body[at + 4 : at + 4 + size].decode("utf-8", "replace")
            at += 4 + size
            name, equals, value = text.partition("=")
            if at <= len(body) and equals:
                found.append((name, value))
    except struct.error:
        return b"", found
    return vendor, found


def build_comments(vendor: bytes, comments: list[tuple[str, str]]) -> bytes:
    """Return a block of Vorbis comments."""
    lines = [f"{name}={value}".encode("utf-8", "replace") for name, value in comments]
    body = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(lines))
    return body + b"".join(struct.pack("<I", len(line)) + line for line in lines)
