"""What the container readers read from: bytes, or a file mapped into memory."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Buffer = bytes | mmap.mmap
"""Slicing gives bytes; nothing more is asked of it."""


@contextmanager
def mapped(source: bytes | Path) -> Iterator[Buffer]:
    """Give the content of ``source`` without reading all of it."""
    if isinstance(source, bytes) or source.stat().st_size == 0:
        yield source if isinstance(source, bytes) else b""
        return
    with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data
