"""The JSON note that a downloader leaves beside a weight file: ``paint.json`` for ``paint.safetensors``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LARGEST = 1024**2


def read_sidecar(file: Path) -> dict[str, Any]:
    """Return what is noted about a file, empty when there is no note that can be read.

    Known keys: ``title``, ``description``, ``base_model``, ``kind`` (a family of this backend), ``trigger_words``,
    ``recommended`` (``num_inference_steps``, ``guidance_scale``, ``width``, ``height``, ``weight``), ``creator``,
    ``license`` (``sell_images``), ``page``, ``sha256``.
    """
    place = file.with_suffix(".json")
    try:
        if not place.is_file() or place.stat().st_size > _LARGEST:
            return {}
        plain = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def noted_words(note: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the trigger words of a note."""
    words = note.get("trigger_words")
    return tuple(word for word in words if isinstance(word, str)) if isinstance(words, list) else ()


def noted_kind(note: Mapping[str, Any]) -> str:
    """Return the family that a note names, for files whose tensors do not tell."""
    kind = note.get("kind")
    return kind if isinstance(kind, str) else ""


def noted_hash(file: Path) -> str:
    """Return the SHA-256 that was computed when a file came, without reading the file; empty when none is noted."""
    digest = read_sidecar(file).get("sha256")
    return digest if isinstance(digest, str) and len(digest) == 64 else ""


def noted_lora(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a :class:`LoraInfo` that a note fills."""
    found = {name: note[name] for name in ("title", "description") if isinstance(note.get(name), str)}
    settings = note.get("recommended")
    weight = settings.get("weight") if isinstance(settings, Mapping) else None
    return (
        {**found, "weight": float(weight)} if isinstance(weight, int | float) and 0 < weight <= 1.5 else found
    )


def noted_fields(note: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a :class:`ModelEntry` that a note fills."""
    found: dict[str, Any] = {}
    for key, name in (("title", "title"), ("description", "description"), ("creator", "author")):
        if isinstance(note.get(key), str):
            found[name] = note[key]
    if isinstance(note.get("base_model"), str) and note["base_model"]:
        found["tags"] = ("local", note["base_model"])
    settings = note.get("recommended")
    settings = settings if isinstance(settings, Mapping) else {}
    steps, guidance = settings.get("num_inference_steps"), settings.get("guidance_scale")
    if isinstance(steps, int) and 1 <= steps <= 150:
        found["default_steps"] = steps
    if isinstance(guidance, int | float) and 0 <= guidance <= 30:
        found["default_guidance"] = float(guidance)
    if note.get("source") == "civitai" and isinstance(note.get("page"), str):
        terms = note.get("license")
        sell = terms.get("sell_images") if isinstance(terms, Mapping) else None
        found |= {"license": "Civitai terms", "license_url": note["page"]}
        found["commercial_use"] = sell if isinstance(sell, bool) else None
    return found
