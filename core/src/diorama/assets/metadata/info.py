"""What a picture says about how it was made, in one form for all tools."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_TEXT = 1_000_000
"""Characters of one text that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUse:
    """A LoRA that took part.

    Attributes:
        name: As the tool wrote it.
        weight: ``None`` when not said.
        hash: Hex digest or its beginning, when said.
    """

    name: str
    weight: float | None = None
    hash: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """Settings found in a file. All of it is other people's text: never print it raw, never trust it.

    Attributes:
        source: Tool that wrote it: ``diorama``, ``a1111``, ``comfyui``, ``invokeai``, ``swarmui``; empty if unknown.
        prompt: Text.
        negative_prompt: Text.
        seed: Seed.
        num_inference_steps: Steps.
        guidance_scale: Prompt guidance ("CFG scale").
        sampler: Sampler or scheduler, in the tool's words.
        strength: Denoising strength of an edit.
        width: Pixels that were asked for.
        height: Pixels that were asked for.
        model: Name in the tool's words; a full model id in our own files.
        model_hash: Hash in the tool's words.
        loras: LoRAs in order.
        source_type: IPTC digital source type (last part of its address).
        recipe: Our own recipe, when the file carries one.
        raw: Every text that was found, by its name in the file.
    """

    source: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    sampler: str | None = None
    strength: float | None = None
    width: int | None = None
    height: int | None = None
    model: str | None = None
    model_hash: str | None = None
    loras: tuple[LoraUse, ...] = ()
    source_type: str | None = None
    recipe: Mapping[str, Any] | None = None
    raw: Mapping[str, str] = field(default_factory=dict)


def as_int(value: Any) -> int | None:
    """Return a whole number of at most 64 bits, or ``None``."""
    number = as_float(value)
    if number is None or number != int(number) or abs(number) >= 2**64:
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d{1,20}\s*", value):
        return int(value)
    return value if isinstance(value, int) else int(number)


def as_float(value: Any) -> float | None:
    """Return a finite number, or ``None``."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and len(value) > 64:
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def as_text(value: Any) -> str:
    """Return ``value`` when it is text, else nothing."""
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def as_name(value: Any) -> str | None:
    """Return ``value`` when it is text that says something."""
    return as_text(value) or None


_PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "prompt": as_text,
    "negative_prompt": as_text,
    "seed": as_int,
    "num_inference_steps": as_int,
    "guidance_scale": as_float,
    "sampler": as_name,
    "strength": as_float,
    "width": as_int,
    "height": as_int,
    "model": as_name,
}


def plain_fields(values: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Return the fields of :class:`ImageInfo` that a tool stores as one value each.

    Args:
        values: What the tool wrote.
        names: Its word for a field, where it has another than ours.
    """
    return {name: read(values.get(names.get(name, name))) for name, read in _PLAIN.items()}


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` when it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_items(value: Any) -> list[Any]:
    """Return ``value`` when it is a JSON list (its first thousand items), else an empty one."""
    return value[:1000] if isinstance(value, list) else []


def parse_json(text: str) -> Any:
    """Return what ``text`` says in JSON, ``None`` when it is not JSON."""
    import json

    try:
        return json.loads(text[: 16 * MAX_TEXT])
    except (ValueError, RecursionError):
        return None
