"""Which fields of a provider's schema take LoRA, by well-known names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract.loras import LoraSource
from diorama.contract.remote.loras import Target

KINDS = (
    ("flux-2", "flux2"), ("flux2", "flux2"), ("flux", "flux"), ("qwen", "qwen-image"), ("sdxl", "sdxl"), ("wan", "wan"),
    ("ltx-2", "ltx2"), ("ltx2", "ltx2"),
)  # fmt: skip
"""Words in a model's name and the family of LoRA that they stand for; the first that is found."""
SINGLE = (("lora_weights", "lora_scale"), ("extra_lora", "extra_lora_scale"))
MANY = ("extra_lora_weights", "extra_lora_scale")
FETCHED: tuple[LoraSource, ...] = ("https", "civitai")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFields:
    """How a model is given LoRA.

    Attributes:
        kind: Family of LoRA that fits.
        target: See :data:`Target`.
        used: The fields that this takes.
        most: How many LoRA fit.
        sources: How they may be named.
    """

    kind: str
    target: Target
    used: frozenset[str]
    most: int = 8
    sources: tuple[LoraSource, ...] = FETCHED


def read_fields(properties: Mapping[str, Mapping[str, Any]], name: str) -> LoraFields | None:
    """Return how LoRA are said, or ``None`` where no such fields are known or the family is not.

    Args:
        properties: Fields of the input, references resolved.
        name: The model's name.
    """
    if _holds(properties.get("styles"), "id", "strength"):
        return LoraFields(
            kind="krea-style", target="styles{id,strength}", used=frozenset({"styles"}), sources=("own",)
        )
    kind = next((kind for word, kind in KINDS if word in name.lower()), None)
    if kind is None:
        return None
    if _holds(properties.get("loras"), "path", "scale"):
        return LoraFields(kind=kind, target="loras{path,scale}", used=frozenset({"loras"}))
    pairs = [pair for pair in SINGLE if all(_is(properties, part) for part in pair)]
    if not pairs or pairs[0] != SINGLE[0]:
        return None
    target, most = [list(pair) for pair in pairs], len(pairs)
    if len(pairs) == 1 and all(properties.get(part, {}).get("type") == "array" for part in MANY):
        target, most = [*target, [f"{part}[]" for part in MANY]], 4
    used = frozenset(part.removesuffix("[]") for pair in target for part in pair)
    return LoraFields(kind=kind, target=target, used=used, most=most)


def _is(properties: Mapping[str, Mapping[str, Any]], name: str) -> bool:
    return properties.get(name, {}).get("type") in ("string", "number")


def _holds(entry: Mapping[str, Any] | None, *names: str) -> bool:
    """Whether a field is a list of objects with these names."""
    items = (entry or {}).get("items")
    return isinstance(items, Mapping) and set(names) <= set(items.get("properties", {}))
