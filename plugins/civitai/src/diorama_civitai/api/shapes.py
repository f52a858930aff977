"""Civitai's answers as records. Every field may be missing or of another type, so each is read with a fallback."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

SAFE_LEVELS = 3
"""Bits of ``nsfwLevel`` that are safe for all: PG (1) and PG-13 (2)."""


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of a version. ``size`` is in bytes, 0 when not told; hashes are upper-case hex by upper-case name."""

    id: int
    name: str
    type: str
    size: int
    format: str
    variant: str
    precision: str
    hashes: Mapping[str, str]
    pickle_scan: str
    virus_scan: str
    primary: bool
    url: str

    @property
    def sha256(self) -> str:
        """Lower-case hex of the whole file, or an empty text."""
        digest = self.hashes.get("SHA256", "").lower()
        return digest if len(digest) == 64 else ""


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A preview. ``meta`` holds the settings that made it, where the uploader shows them."""

    url: str
    width: int
    height: int
    level: int
    type: str
    blurhash: str
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """One version of a model. ``model`` is the short block that the version's own page carries."""

    id: int
    model_id: int
    name: str
    base_model: str
    base_type: str
    published: str
    words: tuple[str, ...]
    description: str
    files: tuple[FileInfo, ...]
    images: tuple[ImageInfo, ...]
    availability: str
    early_access_ends: str
    usage: str
    air: str
    downloads: int
    strength: float | None
    model: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model with its versions, newest first as Civitai orders them."""

    id: int
    name: str
    type: str
    description: str
    nsfw: bool
    level: int
    poi: bool
    minor: bool
    tags: tuple[str, ...]
    creator: str
    downloads: int
    likes: int
    no_credit: bool | None
    commercial: tuple[str, ...] | None
    derivatives: bool | None
    other_license: bool | None
    mode: str
    versions: tuple[VersionInfo, ...]


def read_model(raw: Any) -> ModelPage:
    """Read a model, whatever is missing."""
    plain = _table(raw)
    stats, model_id = _table(plain.get("stats")), whole(plain.get("id"))
    return ModelPage(
        id=model_id,
        name=text(plain.get("name")),
        type=text(plain.get("type")),
        description=text(plain.get("description")),
        nsfw=plain.get("nsfw") not in (None, False, "None", "false"),
        level=whole(plain.get("nsfwLevel")),
        poi=plain.get("poi") is True,
        minor=plain.get("minor") is True,
        tags=_texts(plain.get("tags")),
        creator=text(_table(plain.get("creator")).get("username")),
        downloads=whole(stats.get("downloadCount")),
        likes=whole(stats.get("thumbsUpCount")),
        no_credit=_flag(plain.get("allowNoCredit")),
        commercial=read_commercial(plain.get("allowCommercialUse")),
        derivatives=_flag(plain.get("allowDerivatives")),
        other_license=_flag(plain.get("allowDifferentLicense")),
        mode=text(plain.get("mode")),
        versions=tuple(read_version(item, model_id) for item in _tables(plain.get("modelVersions"))),
    )


def read_version(raw: Any, model_id: int = 0) -> VersionInfo:
    """Read a version, whatever is missing.

    Args:
        raw: An item of a model's list, or a version's own page.
        model_id: Of the model that it was listed under.
    """
    plain = _table(raw)
    strength = number(_table(plain.get("settings")).get("strength"))
    return VersionInfo(
        id=whole(plain.get("id")),
        model_id=whole(plain.get("modelId")) or model_id,
        name=text(plain.get("name")),
        base_model=text(plain.get("baseModel")),
        base_type=text(plain.get("baseModelType")),
        published=text(plain.get("publishedAt")),
        words=_texts(plain.get("trainedWords")),
        description=text(plain.get("description")),
        files=tuple(read_file(item) for item in _tables(plain.get("files"))),
        images=tuple(_image(item) for item in _tables(plain.get("images"))),
        availability=text(plain.get("availability")),
        early_access_ends=text(plain.get("earlyAccessEndsAt") or plain.get("earlyAccessDeadline")),
        usage=text(plain.get("usageControl")),
        air=text(plain.get("air")),
        downloads=whole(_table(plain.get("stats")).get("downloadCount")),
        strength=strength if strength is not None and 0 < strength <= 2 else None,
        model=_table(plain.get("model")),
    )


def read_file(raw: Mapping[str, Any]) -> FileInfo:
    """Read a file, whatever is missing."""
    about = _table(raw.get("metadata"))
    kilobytes = number(raw.get("sizeKB")) or 0.0
    hashes = {text(key).upper(): text(value).upper() for key, value in _table(raw.get("hashes")).items()}
    return FileInfo(
        id=whole(raw.get("id")),
        name=text(raw.get("name")),
        type=text(raw.get("type")),
        size=max(round(kilobytes * 1024), 0),
        format=text(about.get("format")),
        variant=text(about.get("size")),
        precision=text(about.get("fp")),
        hashes={key: value for key, value in hashes.items() if value and value.isalnum()},
        pickle_scan=text(raw.get("pickleScanResult")),
        virus_scan=text(raw.get("virusScanResult")),
        primary=raw.get("primary") is True,
        url=text(raw.get("downloadUrl")),
    )


def read_commercial(raw: Any) -> tuple[str, ...] | None:
    """Return the allowed commercial uses: a list, or one text such as ``{Image,RentCivit}``; ``None`` if not told."""
    if isinstance(raw, str):
        raw = raw.strip("{} ").split(",")
    if not isinstance(raw, list):
        return None
    words = (text(item).strip(' "') for item in raw)
    return tuple(word for word in words if word and word != "None")


def _image(raw: Mapping[str, Any]) -> ImageInfo:
    return ImageInfo(
        url=text(raw.get("url")),
        width=whole(raw.get("width")),
        height=whole(raw.get("height")),
        level=whole(raw.get("nsfwLevel")),
        type=text(raw.get("type")) or "image",
        blurhash=text(raw.get("hash")),
        meta=_table(raw.get("meta")),
    )


def text(value: Any) -> str:
    """Return a text, empty for anything else."""
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """Return a finite number, ``None`` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def whole(value: Any) -> int:
    """Return a whole number, 0 for anything else; digits in a text count."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    found = number(value)
    return int(found) if found is not None else 0


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _table(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _tables(value: Any) -> Iterator[dict[str, Any]]:
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield dict(item)


def _texts(value: Any) -> tuple[str, ...]:
    """Return the texts of a list; words of one trigger may come with commas at their ends."""
    found = (text(item).strip().strip(",").strip() for item in (value if isinstance(value, list) else ()))
    return tuple(item for item in found if item)
