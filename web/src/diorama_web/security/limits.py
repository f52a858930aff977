"""How large a body may be, decided before a byte of it is parsed."""

from __future__ import annotations

from dataclasses import dataclass

from diorama.settings import LimitSettings

MIB = 1024**2


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """Bytes allowed per kind of body.

    Attributes:
        json: A JSON body; room for one largest file in base64 and the text around it.
        multipart: A form with files; they go to disk while they arrive.
    """

    json: int
    multipart: int


def body_limits(limits: LimitSettings) -> BodyLimits:
    """Derive the limits from the settings."""
    return BodyLimits(
        json=limits.upload_bytes * 4 // 3 + 4 * MIB,
        multipart=limits.upload_bytes * min(limits.upload_files, 4) + 4 * MIB,
    )


def content_kind(content_type: str) -> str:
    """Return ``json``, ``multipart`` or, for all that a body must not be, an empty string."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return "json"
    return "multipart" if kind == "multipart/form-data" else ""
