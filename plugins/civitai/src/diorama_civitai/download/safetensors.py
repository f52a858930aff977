"""Whether a file really is safetensors, told from its bytes and never from its name."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from diorama.contract import BackendError

LARGEST_HEADER = 100 * 1024**2


def check_start(start: bytes) -> None:
    """Refuse a body whose first bytes cannot begin a safetensors file, before the rest is fetched.

    Raises:
        BackendError: it is a page, an error message, or another format.
    """
    if len(start) < 9:
        return
    length = struct.unpack("<Q", start[:8])[0]
    if not 2 <= length <= LARGEST_HEADER or start[8:9] != b"{":
        raise BackendError("What Civitai sends for this file is not safetensors; nothing of it was kept.")


def check_file(path: Path) -> None:
    """Check the header: its length, its JSON, and that the tensors fill the file without gaps or overlaps.

    Raises:
        BackendError: it is no whole safetensors file.
    """
    try:
        _check(path)
    except (
        OSError,
        ValueError,
        LookupError,
        OverflowError,
        TypeError,
        RecursionError,
        struct.error,
    ) as error:
        raise BackendError(f"The downloaded file is no usable safetensors file ({error}).") from error


def _check(path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise ValueError("its header has an impossible length")
        header: Any = json.loads(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is not a table")
    spans = sorted(
        (int(item["data_offsets"][0]), int(item["data_offsets"][1]))
        for key, item in header.items()
        if key != "__metadata__"
    )
    if not spans:
        raise ValueError("it holds no tensors")
    end = 0
    for start, stop in spans:
        if start != end or stop < start:
            raise ValueError("its tensors overlap or leave gaps")
        end = stop
    if end != size - 8 - length:
        raise ValueError("its length does not match its header")
