"""From a provider's JSON schema of a model's input to capabilities and wires, by well-known field names."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from diorama.contract.capabilities import Capabilities, Operation, PromptUse, Range, Sizes
from diorama.contract.remote.lora_fields import read_fields
from diorama.contract.remote.offers import Wire

Schema = Mapping[str, Any]
MediaType = Literal["image", "video", "upscale"]

PROMPT = ("prompt", "text_prompt", "caption")
IMAGES = ("image_input", "image_urls", "input_images", "images", "image", "input_image", "image_url", "init_image", "img",
          "start_image", "first_frame_image", "image_reference_url", "reference_images")  # fmt: skip
LAST_IMAGE = ("end_image", "end_image_url", "last_image", "last_frame_image", "tail_image_url")
VIDEO = ("video", "video_url", "input_video", "start_video")
MASK = ("mask", "mask_url", "mask_image")
SEED = ("seed",)
MOST_SEED = 2**32 - 1
RATIO = ("aspect_ratio",)
SIZE = ("image_size", "video_size")
MATCH = ("match_input_image", "match_input")
DEEPEST = 6
"""Levels of a schema that are resolved."""
NUMBERS: dict[str, tuple[tuple[str, ...], float, float]] = {
    "num_inference_steps": (("num_inference_steps", "steps", "sample_steps", "inference_steps"), 1, 100),
    "guidance_scale": (("guidance_scale", "guidance", "cfg_scale", "cfg", "guidance_scale_flux"), 0, 20),
    "images_out": (("num_outputs", "num_images", "number_of_images", "batch_size", "n"), 1, 4),
    "strength": (("strength", "prompt_strength", "denoising_strength", "image_strength"), 0, 1),
    "frames": (("num_frames", "frame_num"), 1, 241),
    "fps": (("fps", "frames_per_second"), 1, 60),
    "duration": (("duration", "seconds"), 1, 30),
    "scale": (("scale", "upscale_factor", "image_scaling_factor"), 1, 8),
}
FIELD_OF = {"images_out": "num_images", "frames": "num_frames"}
"""Where the request's name differs from the capability's."""
WHOLE = ("num_inference_steps", "images_out", "frames")
ALLOWED_HERE: dict[Operation, tuple[str, ...]] = {
    Operation.GENERATE: ("num_inference_steps", "guidance_scale", "images_out"),
    Operation.EDIT: ("num_inference_steps", "guidance_scale", "images_out", "strength"),
    Operation.VIDEO: ("num_inference_steps", "guidance_scale", "frames", "fps", "duration"),
    Operation.UPSCALE: ("scale", "num_inference_steps", "guidance_scale"),
}


@dataclass
class _Sheet:
    """One operation while it is being read: its schema's fields, those already used, what came out."""

    properties: dict[str, Schema]
    required: set[str]
    used: set[str] = field(default_factory=set)
    send: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    tools: dict[str, Any] = field(default_factory=dict)
    can: dict[str, Any] = field(default_factory=dict)

    def find(self, names: tuple[str, ...]) -> str | None:
        return next((name for name in names if name in self.properties and name not in self.used), None)

    def take(self, ours: str, name: str, target: Any = None) -> None:
        self.used.add(name)
        self.send[ours] = name if target is None else target


def operations_from(
    schema: Schema,
    kind: MediaType,
    root: Schema | None = None,
    *,
    name: str = "",
    repository: str | None = None,
) -> tuple[dict[Operation, Capabilities], dict[Operation, Wire]]:
    """Return what a model can do and how to say it.

    Args:
        schema: JSON schema of the input object.
        kind: What comes out.
        root: The document in which references are resolved; the schema itself when ``None``.
        name: The model's name, which tells what family of LoRA fits it.
        repository: How the provider is given a whole repository of the hub, see ``lora_repository`` of a wire's tools.
    """
    document = schema if root is None else root
    properties = {name: plain_schema(value, document) for name, value in schema.get("properties", {}).items()}
    required = set(schema.get("required", ()))
    capabilities, wires = {}, {}
    for operation in _operations(properties, required, kind):
        sheet = _Sheet(properties=dict(properties), required=required)
        if operation is not Operation.UPSCALE:
            _loras(sheet, name, repository)
        capabilities[operation] = _read(sheet, operation)
        wires[operation] = Wire(send=sheet.send, fixed=sheet.fixed, tools=sheet.tools)
    return capabilities, wires


def plain_schema(value: Schema, root: Schema, depth: int = 0) -> dict[str, Any]:
    """Return one field's schema with references, single ``allOf``, ``anyOf`` of constants and null types resolved.

    What lies inside (``items``, ``properties``) is resolved too: a reference that is left would lead nowhere. Beyond
    :data:`DEEPEST` levels, as where a schema holds itself, anything is allowed.
    """
    if depth > DEEPEST:
        return {}
    plain = dict(value)
    if "$ref" in plain:
        target: Any = root
        for part in str(plain.pop("$ref")).removeprefix("#/").split("/"):
            target = target.get(part, {}) if isinstance(target, Mapping) else {}
        plain = {**plain_schema(target, root, depth + 1), **plain}
    for part in plain.pop("allOf", ()):
        plain = {**plain_schema(part, root, depth + 1), **plain}
    choices = [item for item in plain.pop("anyOf", ()) if item.get("type") != "null"]
    if choices and all("const" in item for item in choices):
        plain["enum"] = [item["const"] for item in choices]
    elif choices:
        plain = {**plain_schema(choices[0], root, depth + 1), **plain}
    if isinstance(plain.get("type"), list):
        plain["type"] = next((item for item in plain["type"] if item != "null"), "string")
    if isinstance(plain.get("items"), Mapping):
        plain["items"] = plain_schema(plain["items"], root, depth + 1)
    if isinstance(inside := plain.get("properties"), Mapping):
        plain["properties"] = {
            name: plain_schema(entry, root, depth + 1)
            for name, entry in inside.items()
            if isinstance(entry, Mapping)
        }
    return plain


def _operations(properties: Mapping[str, Schema], required: set[str], kind: MediaType) -> list[Operation]:
    if kind == "upscale":
        return [Operation.UPSCALE]
    if kind == "video":
        return [Operation.VIDEO]
    images = [name for name in IMAGES if name in properties]
    if not images:
        return [Operation.GENERATE]
    return [Operation.EDIT] if required & set(images) else [Operation.GENERATE, Operation.EDIT]


def _read(sheet: _Sheet, operation: Operation) -> Capabilities:
    _prompts(sheet)
    _inputs(sheet, operation)
    if name := sheet.find(SEED):
        sheet.take("seed", name)
        sheet.can["seed_range"] = _seeds(sheet.properties[name])
    sheet.can["seed"] = "seed" in sheet.send
    _sizes(sheet, operation)
    for ours in ALLOWED_HERE[operation]:
        _number(sheet, ours)
    if operation is Operation.VIDEO and (name := sheet.find(("generate_audio",))):
        sheet.take("audio", name)
        sheet.can["audio"] = True
    _others(sheet)
    return Capabilities(resumable=True, **sheet.can)


def _seeds(entry: Schema) -> Range | None:
    """Return the seeds that a field takes; negative ones stand for a random seed and are left out."""
    low, high = max(int(entry.get("minimum", 0)), 0), min(int(entry.get("maximum", MOST_SEED)), MOST_SEED)
    if (low, high) == (0, MOST_SEED) or low > high:
        return None
    return Range(minimum=low, maximum=high, integer=True)


def _loras(sheet: _Sheet, name: str, repository: str | None) -> None:
    """LoRA whose fields are known; those of others stay parameters."""
    found = read_fields(sheet.properties, name)
    if found is None:
        return
    sheet.used.update(found.used)
    sheet.send["loras"] = found.target
    sheet.can |= {"lora_kinds": (found.kind,), "max_loras": found.most, "lora_sources": found.sources}
    if repository is not None and "https" in found.sources:
        sheet.can["lora_sources"] = (*found.sources, "hub")
        sheet.tools["lora_repository"] = repository


def _prompts(sheet: _Sheet) -> None:
    use: PromptUse = "none"
    if name := sheet.find(PROMPT):
        sheet.take("prompt", name)
        use = "required" if name in sheet.required else "optional"
        sheet.can["max_prompt_chars"] = int(sheet.properties[name].get("maxLength", 10_000))
    sheet.can["prompt"] = use
    if name := sheet.find(("negative_prompt",)):
        sheet.take("negative_prompt", name)
        sheet.can["negative_prompt"] = True


def _inputs(sheet: _Sheet, operation: Operation) -> None:
    if (name := sheet.find(VIDEO)) and operation in (Operation.VIDEO, Operation.UPSCALE):
        sheet.take("media", name)
        sheet.can["videos_in"] = True
    name = sheet.find(IMAGES)
    sheet.used.update(each for each in IMAGES if each in sheet.properties)
    if name is None or operation is Operation.GENERATE:
        sheet.used.update(each for each in MASK if each in sheet.properties)
        return
    entry = sheet.properties[name]
    if operation is Operation.UPSCALE:
        sheet.take("media", name)
        sheet.can["images_in"] = Range(minimum=1, maximum=1, integer=True)
        return
    least = 1 if name in sheet.required or operation is Operation.EDIT else 0
    most = int(entry.get("maxItems", 8)) if entry.get("type") == "array" else 1
    target: Any = f"{name}[]" if entry.get("type") == "array" else name
    last = sheet.find(LAST_IMAGE) if operation is Operation.VIDEO else None
    if last and most == 1:
        sheet.used.add(last)
        target, most = [name, last], 2
    sheet.take("images", name, target)
    sheet.can["images_in"] = Range(minimum=least, maximum=most, integer=True)
    if operation is Operation.EDIT and (mask := sheet.find(MASK)):
        sheet.take("mask", mask)
        sheet.can["mask"] = True


def _sizes(sheet: _Sheet, operation: Operation) -> None:
    ratio, size = sheet.find(RATIO), sheet.find(SIZE)
    options = [str(item) for item in sheet.properties[ratio].get("enum", ())] if ratio else []
    match = next((item for item in options if item in MATCH), None)
    if operation is Operation.EDIT and ratio and match:
        sheet.used.add(ratio)
        sheet.fixed[ratio] = match
        sheet.can["sizes"] = Sizes(free=False, match_input=True)
    elif operation is Operation.UPSCALE:
        if "width" in sheet.properties and "height" in sheet.properties:  # the enlarged size in pixels
            sheet.used.update({"width", "height"})
            sheet.send |= {"width": "width", "height": "height"}
    elif "width" in sheet.properties and "height" in sheet.properties:
        sheet.used.update({"width", "height"})
        sheet.send |= {"width": "width", "height": "height"}
        sheet.can["sizes"] = _free(sheet.properties["width"], sheet.properties["height"])
    elif size:
        sheet.take("size", size, f"{size}{{}}")
        sheet.can["sizes"] = Sizes(default=(1024, 1024), minimum=256, maximum=2048, multiple_of=8)
    elif ratio and (named := {item: ratio_size(item) for item in options if ":" in item}):
        sheet.take("aspect_ratio", ratio)
        default = str(sheet.properties[ratio].get("default", ""))
        sheet.can["sizes"] = Sizes(
            default=named.get(default, next(iter(named.values()))), ratios=named, free=False
        )


def _free(width: Schema, height: Schema) -> Sizes:
    if "enum" in width and "enum" in height:
        pairs = tuple((int(across), int(down)) for across in width["enum"] for down in height["enum"])
        default = (int(width.get("default", pairs[0][0])), int(height.get("default", pairs[0][1])))
        return Sizes(default=default, choices=pairs, free=False)
    low, high = int(width.get("minimum", 256)), int(min(width.get("maximum", 2048), 8192))
    default = (int(width.get("default", 1024)), int(height.get("default", 1024)))
    return Sizes(
        default=default, minimum=max(low, 16), maximum=high, multiple_of=int(width.get("multipleOf", 8))
    )


def ratio_size(ratio: str, area: int = 1024 * 1024) -> tuple[int, int]:
    """Return the size of about ``area`` pixels that the ratio ``"16:9"`` stands for, sides in steps of 8."""
    across, down = (float(part) for part in ratio.split(":"))
    height = (area * down / across) ** 0.5
    return round(height * across / down / 8) * 8, round(height / 8) * 8


def _number(sheet: _Sheet, ours: str) -> None:
    names, low, high = NUMBERS[ours]
    name = sheet.find(names)
    if name is None:
        return
    entry = sheet.properties[name]
    made = _range(entry, low, high, whole=ours in WHOLE)
    if made is None:
        return  # values that no range can say stay a parameter
    sheet.can[ours] = made
    sheet.take(FIELD_OF.get(ours, ours), name, f"{name}:str" if entry.get("type") == "string" else None)


def _range(entry: Schema, low: float, high: float, *, whole: bool) -> Range | None:
    step: float | None = None
    if "enum" in entry:
        try:
            values = sorted(float(item) for item in entry["enum"])
        except (TypeError, ValueError):
            return None
        steps = {round(after - before, 6) for before, after in itertools.pairwise(values)}
        if len(steps) > 1:
            return None
        low, high, step = values[0], values[-1], next(iter(steps), None)
    elif entry.get("type") not in ("integer", "number"):
        return None
    low, high = (
        float(entry.get("minimum", low)),
        float(entry.get("maximum", max(high, float(entry.get("minimum", low))))),
    )
    default = entry.get("default")
    fitting = float(default) if isinstance(default, (int, float, str)) and _is_number(default) else None
    if fitting is not None and not low <= fitting <= high:
        fitting = None
    return Range(
        minimum=low, maximum=high, default=fitting, step=step, integer=whole or entry.get("type") == "integer"
    )


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return not isinstance(value, bool)


def _others(sheet: _Sheet) -> None:
    """Everything without a place of its own becomes a parameter of this model."""
    left = {name: dict(entry) for name, entry in sheet.properties.items() if name not in sheet.used}
    for name, entry in left.items():
        if name not in sheet.required:
            entry.pop(
                "default", None
            )  # the provider knows its defaults; sending them could only make them stale
        elif "default" not in entry and entry.get("enum"):
            entry["default"] = entry["enum"][0]
    needed = [name for name in left if name in sheet.required]
    if left:
        sheet.can["parameters"] = {
            "type": "object",
            "additionalProperties": False,
            "properties": left,
            "required": needed,
        }
