"""What a weight file says about itself, read without torch and without loading weights."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from stat import S_ISREG
from typing import Any

from diorama.contract import InvalidRequest

PICKLES = frozenset({".ckpt", ".pt", ".pth", ".bin", ".pkl", ".pickle", ".npy", ".npz"})
"""Endings of formats that can run code when they are opened."""
LARGEST_HEADER = 100 * 1024**2
"""Longest safetensors header that is read, in bytes."""


def refuse_pickle(path: Path) -> None:
    """Refuse a file in a format that can run code.

    Raises:
        InvalidRequest: it is one.
    """
    if path.suffix.lower() in PICKLES:
        raise InvalidRequest(
            f"{path.name} is a pickle: opening such a file can run any program hidden in it, so it is never loaded.",
            field="source",
            fix="Take the .safetensors version of this model, or convert it on a machine that you can lose.",
        )


def read_safetensors_header(path: Path) -> dict[str, Any]:
    """Return tensor names with ``dtype`` and ``shape``, and ``__metadata__`` when there is one.

    Raises:
        InvalidRequest: the file is not a whole safetensors file.
    """
    try:
        size = _size(path)
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(size - 8, LARGEST_HEADER):
                raise ValueError("its header has an impossible length")
            header: dict[str, Any] = json.loads(file.read(length))
        _check_header(header, size - 8 - length)
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidRequest(
            f"{path.name} cannot be read as safetensors: {error}.",
            field="source",
            fix="Download the file again.",
        ) from error
    return header


def _size(path: Path) -> int:
    """Return the bytes of a file.

    Raises:
        ValueError: it is no file; whoever opens a pipe waits for ever.
    """
    facts = path.stat()
    if not S_ISREG(facts.st_mode):
        raise ValueError("it is no file")
    return facts.st_size


def _check_header(header: Any, size: int) -> None:
    """Make sure that everything in a safetensors header has its form, and that its tensors fill ``size`` bytes.

    Whoever reads it afterwards need not expect anything else, and one odd file takes no list of files along.

    Raises:
        ValueError: it has not.
    """
    if not isinstance(header, dict):
        raise ValueError("its header is not a table")
    notes = header.get("__metadata__", {})
    if not isinstance(notes, dict) or not all(isinstance(value, str) for value in notes.values()):
        raise ValueError("its notes are not words")
    reached = 0
    for key, item in header.items():
        if key == "__metadata__":
            continue
        if not (
            isinstance(item, dict) and isinstance(item.get("dtype"), str) and _are_counts(item.get("shape"))
        ):
            raise ValueError("a tensor has no type or no shape")
        offsets: Any = item.get("data_offsets")
        if not (_are_counts(offsets) and len(offsets) == 2 and offsets[0] <= offsets[1] <= size):
            raise ValueError("a tensor lies outside the file, so it is cut off or damaged")
        reached = max(reached, offsets[1])
    if reached != size:
        raise ValueError("its length does not match its header, so it is cut off or damaged")


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def tensor_shapes(header: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the shape of each tensor of a header."""
    return {key: tuple(item["shape"]) for key, item in header.items() if key != "__metadata__"}


_GGUF_DIMENSIONS = 8
_GGUF_LIST = 2_000_000
"""Longest list that is read; vocabularies have some hundred thousand words."""
_GGUF_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}


def read_gguf_header(path: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]], dict[str, int]]:
    """Return metadata, shapes and quantisation types of a GGUF file.

    Returns:
        Scalar and text metadata; tensor shapes, outermost dimension first; tensor types by GGML number.

    Raises:
        InvalidRequest: it is not a GGUF file of version 2 or 3.
    """
    try:
        size = _size(path)
        with path.open("rb") as file:
            magic, version, tensors, pairs = struct.unpack("<4sIQQ", file.read(24))
            if magic != b"GGUF" or version not in (2, 3) or tensors > 100_000 or pairs > 100_000:
                raise ValueError("no GGUF header of version 2 or 3")
            metadata = {}
            for _ in range(pairs):
                key = _gguf_text(file)
                metadata[key] = _gguf_value(file, struct.unpack("<I", file.read(4))[0])
            shapes, kinds = {}, {}
            for _ in range(tensors):
                name = _gguf_text(file)
                count = struct.unpack("<I", file.read(4))[0]
                if count > _GGUF_DIMENSIONS:
                    raise ValueError("a tensor has impossibly many dimensions")
                shapes[name] = tuple(reversed(struct.unpack(f"<{count}Q", file.read(8 * count))))
                kinds[name], offset = struct.unpack("<IQ", file.read(12))
                if offset >= size:
                    raise ValueError("a tensor lies behind the end of the file")
    except (OSError, ValueError, struct.error, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path.name} cannot be read as GGUF: {error}.", field="source") from error
    return metadata, shapes, kinds


def _gguf_text(file: Any) -> str:
    length = struct.unpack("<Q", file.read(8))[0]
    if length > LARGEST_HEADER:
        raise ValueError("a text is impossibly long")
    return str(file.read(length).decode("utf-8"))


def _gguf_value(file: Any, kind: int) -> Any:
    if kind == 8:
        return _gguf_text(file)
    if kind == 9:
        inner, count = struct.unpack("<IQ", file.read(12))
        if count > _GGUF_LIST or inner == 9:
            raise ValueError("a list is impossibly long, or a list of lists")
        return [_gguf_value(file, inner) for _ in range(count)]
    code = "<" + _GGUF_SCALARS[kind] if kind in _GGUF_SCALARS else ""
    if not code:
        raise ValueError(f"unknown value type {kind}")
    return struct.unpack(code, file.read(struct.calcsize(code)))[0]
