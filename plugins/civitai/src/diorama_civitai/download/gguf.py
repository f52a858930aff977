"""Whether a file really is GGUF, told from its bytes and never from its name."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, BinaryIO

from diorama.contract import BackendError

MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MOST = 1_000_000
"""Tensors, notes or items of a list; real files have thousands, vocabularies some hundred thousand words."""
_LONGEST_TEXT = 16 * 1024**2
_ALIGNMENT = 32
_DIMENSIONS = 8
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_TEXT, _LIST = 8, 9
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 10: (256, 84),
    11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 30: (1, 2),
}  # fmt: skip
"""Values and bytes of a block, by the number of its type; of types that are not here only the beginning is checked."""


def check_start(start: bytes) -> None:
    """Refuse a body whose first bytes cannot begin a GGUF file, before the rest is fetched.

    Raises:
        BackendError: it is a page, an error message, or another format.
    """
    if start[:4] != MAGIC[: len(start[:4])]:
        raise BackendError("What Civitai sends for this file is not GGUF; nothing of it was kept.")


def check_file(path: Path) -> None:
    """Check the header, and that every tensor lies inside the file.

    Raises:
        BackendError: it is no whole GGUF file.
    """
    try:
        with path.open("rb") as file:
            _Reader(file, path.stat().st_size).check()
    except (OSError, ValueError, struct.error) as error:
        raise BackendError(f"The downloaded file is no usable GGUF file ({error}).") from error


class _Reader:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size

    def check(self) -> None:
        magic, version, tensors, notes = self._take("<4sIQQ")
        if magic != MAGIC or version not in _VERSIONS:
            raise ValueError("it has no header of version 2 or 3")
        if not 0 < tensors <= _MOST or notes > _MOST:
            raise ValueError("its header counts what cannot be")
        alignment = _ALIGNMENT
        for _ in range(notes):
            name, value = self._text(), self._value(self._take("<I")[0])
            if name == b"general.alignment" and isinstance(value, int) and value > 0:
                alignment = value
        ends = [self._tensor() for _ in range(tensors)]
        here = self._file.tell()
        begin = -(-here // alignment) * alignment
        if begin + max(ends) > self._size:
            raise ValueError("a tensor ends behind the end of the file")

    def _tensor(self) -> int:
        """Return where a tensor ends, counted from the first byte of data."""
        self._text()
        (dimensions,) = self._take("<I")
        if dimensions > _DIMENSIONS:
            raise ValueError("a tensor has too many dimensions")
        count = 1
        for length in self._take(f"<{dimensions}Q"):
            count *= length
        kind, offset = self._take("<IQ")
        values, size = _BLOCKS.get(kind, (0, 0))
        return int(offset + (-(-count // values) * size if values else 1))

    def _value(self, kind: int) -> object:
        if kind in _SCALARS:
            return self._take("<" + _SCALARS[kind])[0]
        if kind == _TEXT:
            return self._text()
        if kind != _LIST:
            raise ValueError("a note has no known type")
        inner, count = self._take("<IQ")
        if count > _MOST or inner == _LIST:
            raise ValueError("a list is too long")
        if inner in _SCALARS:
            self._skip(struct.calcsize("<" + _SCALARS[inner]) * count)
        else:
            for _ in range(count):
                self._value(inner)
        return None

    def _text(self) -> bytes:
        (length,) = self._take("<Q")
        if length > min(_LONGEST_TEXT, self._size):
            raise ValueError("a text is too long")
        return self._file.read(length)

    def _take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self._file.read(struct.calcsize(form)))

    def _skip(self, count: int) -> None:
        if self._file.tell() + count > self._size:
            raise ValueError("a list ends behind the end of the file")
        self._file.seek(count, 1)
