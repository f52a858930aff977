"""How people name things of Civitai: numbers, links, AIR, hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from diorama.contract import InvalidRequest

_AIR = re.compile(r"urn:air:[^:]*:[^:]*:civitai:(\d{1,12})(?:@(\d{1,12}))?(?:\+(\d{1,12}))?", re.IGNORECASE)
_MODEL = re.compile(r"/models/(\d{1,12})(?:/|$)")
_DOWNLOAD = re.compile(r"/api/download/models/(\d{1,12})$")
_NATIVE = re.compile(r"(\d{1,12})(?:/(\d{1,12}))?")
_HASH = re.compile(r"[0-9A-Fa-f]{8}|[0-9A-Fa-f]{10}|[0-9A-Fa-f]{12}|[0-9A-Fa-f]{64}")


@dataclass(frozen=True, slots=True)
class Name:
    """What a name says; 0 for what it leaves open."""

    model: int = 0
    version: int = 0
    file: int = 0


def read_native(native_id: str) -> Name | None:
    """Return version and file of ``<version>[/<file>]``, a link, or an AIR; ``None`` when it is none of these."""
    found = _NATIVE.fullmatch(native_id)
    if found:
        return Name(version=int(found[1]), file=int(found[2] or 0))
    name = read_link(native_id)
    return name if name is not None and name.version else None


def read_link(text: str) -> Name | None:
    """Return what an AIR or a link of a Civitai site names; ``None`` when it is neither."""
    if found := _AIR.fullmatch(text.strip()):
        return Name(int(found[1]), int(found[2] or 0), int(found[3] or 0))
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https"):
        return None
    asked = parse_qs(parts.query)
    if found := _DOWNLOAD.search(parts.path):
        return Name(version=int(found[1]), file=_first(asked, "fileId"))
    if found := _MODEL.search(parts.path):
        return Name(model=int(found[1]), version=_first(asked, "modelVersionId"))
    return None


def read_hash(text: str) -> str:
    """Return a hash in upper case: AutoV1 or CRC32 (8 digits), AutoV2 (10), AutoV3 (12), SHA-256 or BLAKE3 (64).

    Raises:
        InvalidRequest: it is none.
    """
    stripped = text.strip()
    if not _HASH.fullmatch(stripped):
        raise InvalidRequest(
            f"{text!r:.80} is no hash.", field="hash", fix="Give 8, 10, 12 or 64 hexadecimal digits."
        )
    return stripped.upper()


def _first(asked: dict[str, list[str]], name: str) -> int:
    value = asked.get(name, [""])[0]
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 12 else 0
