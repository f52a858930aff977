"""The ``parameters`` text of AUTOMATIC1111's web UI, which many tools and sites read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from diorama.assets.metadata.info import ImageInfo, LoraUse, as_float, as_int

_FIELD = re.compile(r'\s*([\w][\w \-/.]{0,60}):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)')
_LORA = re.compile(r"<lora:([^:<>]{1,200})(?::(-?[\d.]{1,12}))?[^<>]{0,40}>")
_NEGATIVE = "Negative prompt: "


def write(recipe: Mapping[str, Any]) -> str:
    """Return a recipe of ours as a ``parameters`` text."""
    lines = [str(recipe.get("prompt") or "")]
    if recipe.get("negative_prompt"):
        lines.append(_NEGATIVE + str(recipe["negative_prompt"]))
    size = f"{recipe['width']}x{recipe['height']}" if recipe.get("width") and recipe.get("height") else None
    loras = [item for item in recipe.get("loras") or () if isinstance(item, Mapping)]
    facts: dict[str, Any] = {
        "Steps": recipe.get("num_inference_steps"),
        "Sampler": recipe.get("scheduler"),
        "CFG scale": recipe.get("guidance_scale"),
        "Seed": recipe.get("seed"),
        "Size": size,
        "Model hash": str(recipe["model_hash"])[:10] if recipe.get("model_hash") else None,
        "Model": recipe.get("model"),
        "Denoising strength": recipe.get("strength"),
        "Lora hashes": _list((item["id"], str(item["sha256"])[:10]) for item in loras if item.get("sha256")),
        "Lora weights": _list((item["id"], item.get("weight", 1.0)) for item in loras),
        "Version": f"Diorama {recipe.get('diorama', '')}".strip(),
    }
    lines.append(
        ", ".join(f"{key}: {_quote(value)}" for key, value in facts.items() if value not in (None, ""))
    )
    return "\n".join(lines)


def _list(pairs: Iterable[tuple[Any, Any]]) -> str:
    """Commas and colons part the pairs, so they cannot stay in a name."""
    return ", ".join(f"{re.sub('[,:]', ' ', str(name))}: {value}" for name, value in pairs)


def _quote(value: Any) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(mark in text for mark in ',:\n"') else text


def looks_like(text: str) -> bool:
    """Tell whether a text has the form of this tool's parameters."""
    last = text.rstrip().rpartition("\n")[2]
    return bool(re.search(r"\b(Steps|Seed|Sampler|CFG scale|Size|Model): ", last))


def read(text: str) -> ImageInfo:
    """Parse a ``parameters`` text; what is not understood is left out."""
    body, _, last = text.strip().rpartition("\n")
    if not looks_like(last):
        body, last = text.strip(), ""
    prompt, found, negative = ("\n" + body).partition("\n" + _NEGATIVE.rstrip())
    facts = {key.strip().lower(): _unquote(value) for key, value in _FIELD.findall(last)[:200]}
    width, _, height = facts.get("size", "").partition("x")
    weights = dict(_pairs(facts.get("lora weights", "")))
    hashes = dict(_pairs(facts.get("lora hashes", "")))
    loras = {name: as_float(weight or "1") for name, weight in _LORA.findall(prompt)[:1000]}
    loras |= {name: as_float(weight) for name, weight in weights.items()}
    loras |= {name: None for name in hashes if name not in loras}
    info = ImageInfo(
        source="a1111",
        prompt=prompt.strip(),
        negative_prompt=negative.strip() if found else "",
        seed=as_int(facts.get("seed")),
        num_inference_steps=as_int(facts.get("steps")),
        guidance_scale=as_float(facts.get("cfg scale")),
        sampler=facts.get("sampler") or None,
        strength=as_float(facts.get("denoising strength")),
        width=as_int(width),
        height=as_int(height),
        model=facts.get("model") or None,
        model_hash=facts.get("model hash") or None,
        loras=tuple(
            LoraUse(name=name, weight=weight, hash=hashes.get(name)) for name, weight in loras.items()
        ),
    )
    if facts.get("version", "").startswith("Diorama"):
        return replace(info, source="diorama")
    return info


def _unquote(value: str) -> str:
    value = value.strip()
    if value.startswith('"'):
        try:
            return str(json.loads(value, strict=False))
        except ValueError:
            return value.strip('"')
    return value


def _pairs(text: str) -> list[tuple[str, str]]:
    pairs = (item.rpartition(":") for item in text.split(",")[:1000])
    return [(name.strip(), value.strip()) for name, colon, value in pairs if colon and name.strip()]
