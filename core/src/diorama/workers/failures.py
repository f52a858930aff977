"""From whatever a backend raised to an error that a person understands, and errors as plain data."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from typing import Any

from diorama.access.redaction import redact
from diorama.contract import BackendError, DioramaError, InsufficientStorage, JobCancelled, OutOfMemory
from diorama.contract.errors import error_from_plain

OOM_ADVICE = (
    "Ask for a smaller size or fewer pictures, choose a smaller or quantised model, "
    "or close other programs that use memory."
)
_OOM_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "failed to allocate")
_LONGEST = 300


def translate(error: BaseException, backend: str, device: str = "") -> DioramaError:
    """Return ``error`` as an error for the user. Our own pass unchanged; a foreign one loses its traceback.

    Args:
        error: What was raised.
        backend: Name of the backend for people.
        device: Device it ran on, empty outside workers.
    """
    if isinstance(error, DioramaError):
        return error
    if is_out_of_memory(error):
        place = device or "this machine"
        return OutOfMemory(f"{backend} ran out of memory on {place}.", fix=OOM_ADVICE)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return InsufficientStorage(
            f"The disk is full, {backend} could not go on.", fix="Free some disk space."
        )
    return BackendError(f"{backend} failed: {_sentence(error)}")


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, in Python, in torch on any device, or in a library below (by its words)."""
    if isinstance(error, MemoryError):
        return True
    if any(kind.__name__ == "OutOfMemoryError" for kind in type(error).__mro__):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _OOM_WORDS)


def device_is_lost(error: BaseException) -> bool:
    """Tell whether the process can no longer use its GPU: after such an error every further call fails too."""
    return isinstance(error, RuntimeError) and "CUDA error" in str(error) and not is_out_of_memory(error)


def to_wire(error: DioramaError) -> dict[str, Any]:
    """Return everything about ``error`` as plain values."""
    plain = error.describe()
    if isinstance(error, BackendError):
        plain |= {"retryable": error.retryable, "unsure": error.unsure}
    return plain


def from_wire(plain: Mapping[str, Any]) -> DioramaError:
    """Rebuild an error from :func:`to_wire`."""
    return JobCancelled() if plain.get("code") == JobCancelled.code else error_from_plain(dict(plain))


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = redact(lines[0]) if lines else "it gave no reason"
    text = text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
    return f"{text} ({type(error).__name__})."
