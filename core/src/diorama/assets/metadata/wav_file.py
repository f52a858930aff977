"""Texts in a WAV file: its ``LIST INFO`` and XMP chunks. The samples are copied as they are."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from diorama.assets.metadata.buffer import Buffer

_NAMES = {b"ICMT": "comment", b"ISBJ": "description", b"INAM": "title", b"ISFT": "encoder"}
_KEYS = {name: key for key, name in _NAMES.items()}
_XMP = b"_PMX"
_NEEDED = (b"fmt ", b"fact", b"data")
_MAX_CHUNKS = 10_000


def read(data: Buffer) -> dict[str, str]:
    """Return comment, description, title and encoder, and the XMP packet as ``xmp``."""
    texts: dict[str, str] = {}
    for kind, start, end in _chunks(data, 12, len(data)):
        if kind == b"LIST" and data[start : start + 4] == b"INFO":
            for name, begin, stop in _chunks(data, start + 4, end):
                texts.setdefault(_NAMES.get(name, name.decode("latin-1").lower()), _decoded(data[begin:stop]))
        elif kind == _XMP:
            texts["xmp"] = _decoded(data[start:end])
    return texts


def write(data: Buffer, texts: Mapping[str, str], xmp: bytes, out: BinaryIO, *, keep: bool = True) -> None:
    """Copy a WAV file with the given texts set, behind the samples.

    Args:
        data: The file.
        texts: ``comment``, ``description``, ``title``; those that are there are replaced.
        xmp: Packet in UTF-8, nothing where empty.
        out: Where the copy goes.
        keep: Whether other texts and chunks stay.

    Raises:
        ValueError: it is no whole WAV file, or too large for one with its texts.
    """
    chunks = list(_chunks(data, 12, len(data)))
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE" or b"data" not in [kind for kind, _, _ in chunks]:
        raise ValueError("not a WAV file that can be edited")
    infos = [item for item in chunks if item[0] == b"LIST" and data[item[1] : item[1] + 4] == b"INFO"]
    copied = [
        (kind, start, end)
        for kind, start, end in chunks
        if kind in _NEEDED or (keep and (kind, start, end) not in infos and not (xmp and kind == _XMP))
    ]
    more = _info(data, infos if keep else [], texts) + (_chunk(_XMP, xmp) if xmp else b"")
    size = 4 + len(more) + sum(8 + (end - start) + (end - start) % 2 for _, start, end in copied)
    if size >= 2**32:
        raise ValueError("it is too large for a WAV file")
    out.write(b"RIFF" + struct.pack("<I", size) + b"WAVE")
    for kind, start, end in copied:
        out.write(kind + struct.pack("<I", end - start))
        for at in range(start, end, 1 << 20):
            out.write(data[at : min(end, at + (1 << 20))])
        out.write(b"\0" * ((end - start) % 2))
    out.write(more)


def _info(data: Buffer, old: list[tuple[bytes, int, int]], texts: Mapping[str, str]) -> bytes:
    """Return the chunk of texts: those that are there and are not replaced, then ours; nothing where there are none."""
    ours = {_KEYS[name] for name in texts if name in _KEYS}
    kept = [
        (name, data[begin:stop])
        for _, start, end in old
        for name, begin, stop in _chunks(data, start + 4, end)
        if name not in ours
    ]
    new = [(_KEYS[name], text.encode("utf-8", "replace") + b"\0") for name, text in texts.items()]
    return (
        _chunk(b"LIST", b"INFO" + b"".join(_chunk(*item) for item in (*kept, *new))) if kept or new else b""
    )


def _chunks(data: Buffer, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, start and end of each chunk; one that is said to be longer than the file ends with it."""
    for _ in range(_MAX_CHUNKS):
        if at + 8 > end:
            return
        kind, size = struct.unpack_from("<4sI", data, at)
        stop = min(at + 8 + size, end)
        yield kind, at + 8, stop
        at = stop + size % 2


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _decoded(body: bytes) -> str:
    return body.rstrip(b"\0").decode("utf-8", "replace")
