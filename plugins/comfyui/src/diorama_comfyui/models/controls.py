"""A workflow's parameters as capabilities: what a request's own fields set, and what goes beyond them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from diorama.contract import Capabilities, Operation, Range, Sizes

from diorama_comfyui.analysis import Parameter, Role
from diorama_comfyui.convert.coerce import options_of
from diorama_comfyui.schema import InputSpec, Kind

_LIMITS: dict[str, tuple[float, float]] = {
    "num_inference_steps": (1, 1000),
    "guidance_scale": (0, 100),
    "strength": (0, 1),
    "num_frames": (1, 2000),
    "fps": (1, 240),
    "duration": (0.1, 3600),
    "scale": (1, 16),
}
_ONLY_FOR = {
    "strength": {Operation.EDIT},
    "num_frames": {Operation.VIDEO},
    "fps": {Operation.VIDEO},
    "duration": {Operation.VIDEO},  # and what makes sound
    "scale": {Operation.UPSCALE},
}
_SAFE_INTEGER = 2**53 - 1
_MANY_CHOICES = 300
_MAX_RUNS = 8


@dataclass(frozen=True, slots=True)
class Controls:
    """Parameters by the way they are set.

    Attributes:
        direct: By field of the request (``prompt``, ``seed``, ``width``).
        images: Image inputs in order.
        masks: Mask files.
        videos: Video inputs.
        sounds: Sound inputs in order.
        extra: By name in ``request.parameters``.
        mask_in_alpha: Image nodes whose transparency is used as a mask.
    """

    direct: dict[str, Parameter] = field(default_factory=dict)
    images: tuple[Parameter, ...] = ()
    masks: tuple[Parameter, ...] = ()
    videos: tuple[Parameter, ...] = ()
    sounds: tuple[Parameter, ...] = ()
    extra: dict[str, Parameter] = field(default_factory=dict)
    mask_in_alpha: frozenset[str] = frozenset()


def sort_controls(
    parameters: Sequence[Parameter],
    operation: Operation,
    *,
    resizes: bool,
    mask_in_alpha: frozenset[str],
    sound: bool = False,
) -> Controls:
    """Decide how each parameter is set.

    With ``resizes`` the picture's size is not the latent's, so it is no field; with ``sound`` there is no size, and
    seconds are a field. A sound that the server has may be chosen among those there, another one is sent.
    """
    by_name = {parameter.name: parameter for parameter in parameters if not parameter.hidden}
    direct = {name: by_name[name] for name in _direct_names(by_name, operation, resizes, sound)}
    media = [parameter for parameter in by_name.values() if parameter.is_media]
    taken = {id(parameter) for parameter in [*direct.values(), *media]}
    sounds = [parameter for parameter in media if parameter.role is Role.AUDIO]
    kept = [parameter for parameter in media if parameter.role is Role.FILE]
    kept += [parameter for parameter in sounds if is_there(parameter)]
    return Controls(
        direct=direct,
        images=tuple(parameter for parameter in media if parameter.role is Role.IMAGE),
        masks=tuple(parameter for parameter in media if parameter.role is Role.MASK),
        videos=tuple(parameter for parameter in media if parameter.role is Role.VIDEO),
        sounds=tuple(sounds),
        extra={p.name: p for p in by_name.values() if id(p) not in taken or p in kept},
        mask_in_alpha=mask_in_alpha,
    )


def is_there(parameter: Parameter) -> bool:
    """Whether the file that a media input names is on the server."""
    return parameter.default in (parameter.spec.choices or ())


def _direct_names(
    by_name: Mapping[str, Parameter], operation: Operation, resizes: bool, sound: bool
) -> list[str]:
    names = [name for name in ("prompt", "negative_prompt", "seed") if name in by_name]
    if (
        by_name.keys() >= {"width", "height"}
        and not (resizes or sound)
        and operation is not Operation.UPSCALE
    ):
        sides = (by_name["width"], by_name["height"])
        if all(side.spec.kind is Kind.INT for side in sides):
            names += ["width", "height"]
    for name in _LIMITS:
        parameter = by_name.get(name)
        if (
            parameter
            and parameter.spec.kind in (Kind.INT, Kind.FLOAT)
            and (operation in _ONLY_FOR.get(name, {operation}) or (sound and name == "duration"))
        ):
            names.append(name)
    sampler = by_name.get("scheduler")
    if sampler and sampler.targets[0][1] == "sampler_name" and sampler.spec.choices:
        names.append("scheduler")
    return names


def capabilities(
    controls: Controls,
    operation: Operation,
    *,
    images_needed: int,
    previews: bool,
    sound: bool = False,
) -> Capabilities:
    """What an operation of a workflow accepts."""
    direct = controls.direct
    images = len(controls.images)
    takes_image = images > 0 and not (operation is Operation.UPSCALE and controls.videos)
    sampler = direct.get("scheduler")
    return Capabilities(
        produces="audio" if sound else None,
        prompt=_prompt_use(controls, operation),
        max_prompt_chars=100_000,
        negative_prompt="negative_prompt" in direct,
        sizes=_sizes(direct, operation),
        images_in=_image_range(controls, images_needed, operation) if takes_image else None,
        videos_in=bool(controls.videos),
        sounds_in=_sound_range(controls) if operation is not Operation.UPSCALE else None,
        mask=operation is Operation.EDIT and bool(controls.masks or controls.mask_in_alpha),
        images_out=Range(minimum=1, maximum=_MAX_RUNS if "seed" in direct else 1, default=1, integer=True),
        seed="seed" in direct,
        num_inference_steps=_range(direct, "num_inference_steps"),
        guidance_scale=_range(direct, "guidance_scale"),
        strength=_range(direct, "strength"),
        schedulers=tuple(str(choice) for choice in sampler.spec.choices or ()) if sampler else (),
        frames=_range(direct, "num_frames"),
        fps=_range(direct, "fps"),
        duration=_range(direct, "duration"),
        scale=_range(direct, "scale"),
        parameters=parameter_schema(controls.extra.values()),
        preview=previews,
        resumable=True,
    )


def _prompt_use(controls: Controls, operation: Operation) -> Any:
    if "prompt" not in controls.direct:
        return "none"
    return "required" if operation is Operation.GENERATE else "optional"


def _image_range(controls: Controls, needed: int, operation: Operation) -> Range:
    count, alone = len(controls.images), not controls.sounds
    least = max(needed, 1 if alone and operation in (Operation.EDIT, Operation.UPSCALE) else 0)
    return Range(minimum=least, maximum=max(count, least), default=least, integer=True)


def _sound_range(controls: Controls) -> Range | None:
    if not controls.sounds:
        return None
    needed = sum(not is_there(parameter) for parameter in controls.sounds)
    return Range(minimum=needed, maximum=len(controls.sounds), default=needed, integer=True)


def _range(direct: Mapping[str, Parameter], name: str) -> Range | None:
    parameter = direct.get(name)
    if parameter is None:
        return None
    low, high = _LIMITS[name]
    spec = parameter.spec
    low = max(low, spec.minimum) if spec.minimum is not None else low
    high = min(high, spec.maximum) if spec.maximum is not None else high
    integer = spec.kind is Kind.INT
    default = parameter.default if isinstance(parameter.default, (int, float)) else low
    low, high = min(low, default), max(low, high, default)  # what the workflow says by itself always runs
    step = spec.step if integer and spec.step and spec.step > 1 else None
    if step and (default - low) % step:
        step = None
    return Range(minimum=low, maximum=high, default=default, step=step, integer=integer)


def _sizes(direct: Mapping[str, Parameter], operation: Operation) -> Sizes | None:
    if "width" not in direct:
        return None
    width, height = direct["width"], direct["height"]
    default = _side(width), _side(height)
    pixels = default[0] * default[1]
    steps = max(1, int(width.spec.step or 1), int(height.spec.step or 1))
    unit = math.gcd(
        steps, *default
    )  # servers do not insist on their steps, and the author's own size is to stay
    smallest = min(max(int(width.spec.minimum or 1), int(height.spec.minimum or 1), unit), *default)
    largest = min(int(width.spec.maximum or 4096), int(height.spec.maximum or 4096), 4096)
    return Sizes(
        default=default,
        minimum=smallest,
        maximum=max(largest, *default),
        multiple_of=unit,
        # Sizes far above the author's fail by memory, and a large photo as source would ask for them.
        max_pixels=max(pixels, 1280 * 720) if operation is Operation.VIDEO else 4 * max(pixels, 512 * 512),
    )


def _side(parameter: Parameter) -> int:
    return parameter.default if isinstance(parameter.default, int) and parameter.default > 0 else 512


def parameter_schema(parameters: Any) -> dict[str, Any]:
    """JSON schema of the parameters that no field of a request sets; empty if there is none.

    A value of the workflow that its own schema refuses (seeds of 64 bits, which JavaScript cannot hold) is no default:
    the prompt keeps it where nothing is asked.
    """
    properties = {}
    for order, parameter in enumerate(parameters):
        rule = _value_schema(parameter.spec, parameter.default)
        schema = {
            "title": parameter.label,
            **rule,
            **({"default": parameter.default} if _fits(parameter.default, rule) else {}),
            "x-group": parameter.group,
            "x-order": order,
        }
        if parameter.section:
            schema["x-section"] = parameter.section
        if parameter.spec.tooltip:
            schema["description"] = parameter.spec.tooltip
        properties[parameter.name] = schema
    return {"type": "object", "properties": properties, "additionalProperties": False} if properties else {}


def _fits(value: Any, rule: Mapping[str, Any]) -> bool:
    if isinstance(value, bool) or rule.get("type") == "boolean":
        return isinstance(value, bool) and rule.get("type") == "boolean"
    if rule.get("type") == "string":
        return isinstance(value, str)
    if rule.get("type") not in ("integer", "number"):
        return True  # a choice, which is among them
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    number = whole if rule["type"] == "integer" else isinstance(value, (int, float))
    return number and rule.get("minimum", value) <= value <= rule.get("maximum", value)


def _value_schema(spec: InputSpec, default: Any) -> dict[str, Any]:
    if spec.kind in (Kind.INT, Kind.FLOAT):
        schema: dict[str, Any] = {"type": "integer" if spec.kind is Kind.INT else "number"}
        if spec.minimum is not None:
            schema["minimum"] = max(spec.minimum, -_SAFE_INTEGER)
        if spec.maximum is not None:
            schema["maximum"] = min(spec.maximum, _SAFE_INTEGER)
        if spec.step is not None:
            schema["x-step"] = spec.step
        return schema
    if spec.kind is Kind.BOOLEAN:
        return {"type": "boolean"}
    if spec.kind in (Kind.COMBO, Kind.DYNAMIC_COMBO):
        options = list(options_of(spec))
        if 0 < len(options) <= _MANY_CHOICES and not spec.remote:
            return {"enum": options if default in options else [*options, default]}
        return {"type": ["string", "number", "integer"]}
    return {"type": "string", **({"x-multiline": True} if spec.multiline else {})}
