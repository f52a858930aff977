"""JSON of InvokeAI and SwarmUI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.assets.metadata.info import ImageInfo, LoraUse, as_float, as_int, as_items, as_mapping, as_text


def read_invokeai(found: Any) -> ImageInfo | None:
    """Return the settings in InvokeAI's ``invokeai_metadata``."""
    if not isinstance(found, Mapping):
        return None
    model = found.get("model")
    return ImageInfo(
        source="invokeai",
        prompt=as_text(found.get("positive_prompt")),
        negative_prompt=as_text(found.get("negative_prompt")),
        seed=as_int(found.get("seed")),
        num_inference_steps=as_int(found.get("steps")),
        guidance_scale=as_float(found.get("cfg_scale", found.get("guidance"))),
        sampler=as_text(found.get("scheduler")) or None,
        strength=as_float(found.get("strength")),
        width=as_int(found.get("width")),
        height=as_int(found.get("height")),
        model=_name(model) or None,
        model_hash=as_text(as_mapping(model).get("hash")) or None,
        loras=tuple(use for item in as_items(found.get("loras")) if (use := _invokeai_lora(item))),
    )


def _name(model: Any) -> str:
    return (
        as_text(model)
        or as_text(as_mapping(model).get("name"))
        or as_text(as_mapping(model).get("model_name"))
    )


def _invokeai_lora(item: Any) -> LoraUse | None:
    item = as_mapping(item)
    model = item.get("model", item.get("lora"))
    if not _name(model):
        return None
    digest = as_text(as_mapping(model).get("hash")) or None
    return LoraUse(name=_name(model), weight=as_float(item.get("weight")), hash=digest)


def read_swarmui(found: Any) -> ImageInfo | None:
    """Return the settings in SwarmUI's ``sui_image_params``."""
    values = as_mapping(as_mapping(found).get("sui_image_params"))
    if not values:
        return None
    weights = as_items(values.get("loraweights"))
    names = [as_text(name) for name in as_items(values.get("loras"))]
    loras = [
        LoraUse(name=name, weight=as_float(weights[at]) if at < len(weights) else None)
        for at, name in enumerate(names)
        if name
    ]
    return ImageInfo(
        source="swarmui",
        prompt=as_text(values.get("prompt")),
        negative_prompt=as_text(values.get("negativeprompt")),
        seed=as_int(values.get("seed")),
        num_inference_steps=as_int(values.get("steps")),
        guidance_scale=as_float(values.get("cfgscale")),
        sampler=as_text(values.get("sampler")) or None,
        strength=as_float(values.get("initimagecreativity")),
        width=as_int(values.get("width")),
        height=as_int(values.get("height")),
        model=as_text(values.get("model")) or None,
        loras=tuple(loras),
    )
