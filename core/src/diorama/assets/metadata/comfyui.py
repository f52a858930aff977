"""ComfyUI's ``prompt``: the graph that ran, from which the usual settings are read by following its links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from diorama.assets.metadata.info import ImageInfo, LoraUse, as_float, as_int, as_mapping, as_text

_MAX_NODES = 5000
_Nodes = Mapping[str, Mapping[str, Any]]


def read(graph: Any) -> ImageInfo | None:
    """Return the settings of the graph's sampler; ``None`` when this is not such a graph."""
    nodes = _nodes(graph)
    if not nodes:
        return None
    sampler = next((key for key, node in nodes.items() if _is_sampler(node)), None)
    around = dict(_upstream(nodes, sampler)) if sampler else dict(nodes)
    inputs = as_mapping(nodes[sampler].get("inputs")) if sampler else {}
    width, height = _size(around)
    return ImageInfo(
        source="comfyui",
        prompt=_text(nodes, inputs.get("positive", inputs.get("conditioning")))
        or ("" if sampler else _any_text(nodes)),
        negative_prompt=_text(nodes, inputs.get("negative")),
        seed=_number(around, as_int, "seed", "noise_seed"),
        num_inference_steps=_number(around, as_int, "steps"),
        guidance_scale=_number(around, as_float, "cfg", "guidance"),
        sampler=_first_text(around, "sampler_name"),
        strength=_number(around, as_float, "denoise"),
        width=width,
        height=height,
        model=_first_text(around, "ckpt_name", "unet_name", "model_name"),
        loras=_loras(around),
    )


def _nodes(graph: Any) -> _Nodes:
    if not isinstance(graph, Mapping):
        return {}
    found = {str(key): node for key, node in list(graph.items())[:_MAX_NODES] if isinstance(node, Mapping)}
    return {key: node for key, node in found.items() if isinstance(node.get("class_type"), str)}


def _is_sampler(node: Mapping[str, Any]) -> bool:
    inputs = as_mapping(node.get("inputs"))
    return "Sampler" in node["class_type"] and any(key in inputs for key in ("positive", "guider", "model"))


def _upstream(nodes: _Nodes, start: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    waiting, seen = [start], {start}
    while waiting:
        key = waiting.pop(0)
        yield key, nodes[key]
        for value in as_mapping(nodes[key].get("inputs")).values():
            link = _link(value)
            if link in nodes and link not in seen:
                seen.add(link)
                waiting.append(link)


def _link(value: Any) -> str:
    return (
        str(value[0])
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int)
        else ""
    )


def _text(nodes: _Nodes, value: Any) -> str:
    """Follow a conditioning or text link to the words it starts from."""
    link = _link(value)
    if link not in nodes:
        return as_text(value)
    for _, node in _upstream(nodes, link):
        inputs = as_mapping(node.get("inputs"))
        for name in ("text", "prompt", "value", "string", "text_g", "t5xxl", "clip_l"):
            if as_text(inputs.get(name)):
                return as_text(inputs[name])
    return ""


def _any_text(nodes: _Nodes) -> str:
    return next(
        (text for node in nodes.values() if (text := as_text(as_mapping(node.get("inputs")).get("text")))), ""
    )


def _values(nodes: _Nodes, names: tuple[str, ...]) -> Iterator[Any]:
    for name in names:
        for node in nodes.values():
            inputs = as_mapping(node.get("inputs"))
            if name in inputs:
                yield inputs[name]


def _number(nodes: _Nodes, convert: Any, *names: str) -> Any:
    return next((number for value in _values(nodes, names) if (number := convert(value)) is not None), None)


def _first_text(nodes: _Nodes, *names: str) -> str | None:
    return next((text for value in _values(nodes, names) if (text := as_text(value))), None)


def _size(nodes: _Nodes) -> tuple[int | None, int | None]:
    for node in nodes.values():
        inputs = as_mapping(node.get("inputs"))
        width, height = as_int(inputs.get("width")), as_int(inputs.get("height"))
        if "Latent" in node["class_type"] and width and height:
            return width, height
    return None, None


def _loras(nodes: _Nodes) -> tuple[LoraUse, ...]:
    found = []
    for node in nodes.values():
        inputs = as_mapping(node.get("inputs"))
        if as_text(inputs.get("lora_name")):
            found.append(
                LoraUse(name=as_text(inputs["lora_name"]), weight=as_float(inputs.get("strength_model")))
            )
    return tuple(reversed(found))  # met from the sampler backwards, applied from the checkpoint forwards
