"""JSON of InvokeAI and SwarmUI."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.assets.metadata.info import (
    ImageInfo,
    LoraUse,
    as_float,
    as_items,
    as_mapping,
    as_text,
    plain_fields,
)


def read_invokeai(found: Any) -> ImageInfo | None:
    """Return the settings in InvokeAI's ``invokeai_metadata``."""
    if not isinstance(found, Mapping):
        return None
    model = found.get("model")
    guidance = "cfg_scale" if "cfg_scale" in found else "guidance"
    plain = plain_fields(
        found,
        prompt="positive_prompt",
        num_inference_steps="steps",
        guidance_scale=guidance,
        sampler="scheduler",
    )
    return ImageInfo(
        **{**plain, "model": _name(model) or None},
        source="invokeai",
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
        **plain_fields(
            values, negative_prompt="negativeprompt", num_inference_steps="steps", guidance_scale="cfgscale",
            strength="initimagecreativity",
        ),
        source="swarmui",
        loras=tuple(loras),
    )  # fmt: skip
