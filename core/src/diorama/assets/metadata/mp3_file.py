"""Texts in an MP3 file: its ID3v2 tag. The sound behind it is copied as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from diorama.assets.metadata.buffer import Buffer

_HEAD = 10
_UNUSUAL = 0xF0
"""Flags of a tag that we do not edit: unsynchronised, extended, experimental, with a footer."""
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")
_XMP = b"XMP\0"
_LARGEST = 2**28 - 1
_MAX_FRAMES = 10_000


def read(data: Buffer) -> dict[str, str]:
    """Return the texts that have a name of their own (``TXXX``), comments as ``comment``, and XMP as ``xmp``."""
    texts: dict[str, str] = {}
    version, frames, _ = _tag(data)
    for kind, body in _frames(frames, version):
        if kind == b"TXXX":
            name, value = _named(body, 1)
            texts.setdefault(name.lower(), value)
        elif kind == b"COMM":
            texts.setdefault("comment", _named(body, 4)[1])
        elif kind == b"PRIV" and body.startswith(_XMP):
            texts["xmp"] = body[len(_XMP) :].decode("utf-8", "replace")
    return texts


def write(data: Buffer, texts: Mapping[str, str], xmp: bytes, out: BinaryIO, *, keep: bool = True) -> None:
    """Copy an MP3 file with the given texts set.

    Args:
        data: The file.
        texts: By name; those of the same name are replaced.
        xmp: Packet in UTF-8, nothing where empty.
        out: Where the copy goes.
        keep: Whether what else its tag holds stays.

    Raises:
        ValueError: its tag is cut off, or the texts are too long for one.
    """
    version, frames, sound = _tag(data)
    ours = {name.lower() for name in texts}
    kept = [
        (kind, body)
        for kind, body in _frames(frames, version)
        if keep and not _replaced(kind, body, ours, bool(xmp))
    ]
    new = [(b"TXXX", _text(name, value)) for name, value in texts.items()]
    new += [(b"PRIV", _XMP + xmp)] if xmp else []
    body = b"".join(_frame(kind, content, version) for kind, content in (*kept, *new))
    if len(body) > _LARGEST:
        raise ValueError("the texts are too long for an MP3 file")
    if body:
        out.write(b"ID3" + bytes([version, 0, 0]) + _syncsafe(len(body)) + body)
    end = len(data) - 128 if not keep and data[len(data) - 128 : len(data) - 125] == b"TAG" else len(data)
    for at in range(sound, end, 1 << 20):
        out.write(data[at : min(end, at + (1 << 20))])


def _tag(data: Buffer) -> tuple[int, bytes, int]:
    """Return version and frames of the tag, and where the sound begins. A tag of a rare kind counts as empty."""
    if data[:3] != b"ID3":
        return 4, b"", 0
    head = data[:_HEAD]
    end = len(data) + 1 if len(head) < _HEAD else _HEAD + _plain(head[6:10]) + _HEAD * (head[5] >> 4 & 1)
    if end > len(data):
        raise ValueError("its tag is cut off")
    if head[3] not in (3, 4) or head[5] & _UNUSUAL:
        return 4, b"", end
    return head[3], data[_HEAD:end], end


def _frames(tag: bytes, version: int) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in range(_MAX_FRAMES):
        if at + _HEAD > len(tag) or not tag[at]:
            return
        size = _plain(tag[at + 4 : at + 8]) if version == 4 else int.from_bytes(tag[at + 4 : at + 8], "big")
        if at + _HEAD + size > len(tag):
            return
        if not (tag[at + 8] | tag[at + 9]):  # packed and encrypted frames are left behind
            yield tag[at : at + 4], tag[at + _HEAD : at + _HEAD + size]
        at += _HEAD + size


def _frame(kind: bytes, body: bytes, version: int) -> bytes:
    size = _syncsafe(len(body)) if version == 4 else len(body).to_bytes(4, "big")
    return kind + size + b"\0\0" + body


def _replaced(kind: bytes, body: bytes, ours: set[str], xmp: bool) -> bool:
    if kind == b"TXXX":
        return _named(body, 1)[0].lower() in ours
    return xmp and kind == b"PRIV" and body.startswith(_XMP)


def _named(body: bytes, skip: int) -> tuple[str, str]:
    """Return name and text of a frame that holds both; ``skip`` is where its name begins."""
    encoding = _ENCODINGS[body[0]] if body and body[0] < len(_ENCODINGS) else "latin-1"
    wide = encoding.startswith("utf-16")
    parts = (
        body[skip:].decode(encoding, "replace").split("\0", 1)
        if not wide
        else _split_wide(body[skip:], encoding)
    )
    return (parts[0], parts[1].rstrip("\0")) if len(parts) == 2 else ("", parts[0])


def _split_wide(body: bytes, encoding: str) -> list[str]:
    """Split at the first NUL of two bytes; both parts may have a byte order mark of their own."""
    at = next((at for at in range(0, len(body) - 1, 2) if body[at : at + 2] == b"\0\0"), None)
    parts = [body] if at is None else [body[:at], body[at + 2 :]]
    return [part.decode(encoding, "replace").lstrip("\ufeff") for part in parts]


def _text(name: str, value: str) -> bytes:
    """A text with a name: Latin where it can be, else UTF-16, which both versions of the tag know."""
    try:
        return b"\0" + name.encode("latin-1") + b"\0" + value.encode("latin-1")
    except UnicodeEncodeError:
        return b"\1" + name.encode("utf-16") + b"\0\0" + value.encode("utf-16", "replace")


def _syncsafe(number: int) -> bytes:
    return bytes((number >> shift) & 0x7F for shift in (21, 14, 7, 0))


def _plain(four: bytes) -> int:
    number = 0
    for byte in four:
        number = number << 7 | byte & 0x7F
    return number
