"""How well a stored value fits an input, and the value that the server gets."""

from __future__ import annotations

import re
from typing import Any

from diorama_comfyui.schema import InputSpec, Kind

CONTROL_MODES = frozenset({"fixed", "increment", "decrement", "randomize"})
_FILE_NAME = re.compile(
    r"\.(safetensors|sft|ckpt|pth?|pt2|bin|gguf|onnx|pkl|engine|ya?ml|json|png|jpe?g|webp|gif|bmp|tiff?|avif|exr|hdr|"
    r"mp4|m4v|mov|mkv|webm|avi|wav|mp3|flac|ogg|opus|m4a|aac|glb|gltf|obj|fbx|stl|usdz|ply|spz|splat|ksplat|svg|"
    r"txt|latent|cube)(\s*\[(input|output|temp)\])?$",
    re.IGNORECASE,
)
NO_FIT = 20.0


def looks_like_file(value: object) -> bool:
    """Whether a text ends like the name of a model or media file."""
    return isinstance(value, str) and bool(_FILE_NAME.search(value.strip()))


def is_file_choice(spec: InputSpec) -> bool:
    """Whether a combo lists files of the server: the choices depend on what is installed there."""
    if spec.kind is not Kind.COMBO:
        return False
    if spec.upload or spec.remote or not spec.choices:
        return True
    return any(looks_like_file(choice) for choice in spec.choices[:50])


def misfit(spec: InputSpec, value: Any) -> float:
    """Return 0 for a perfect fit, more for a worse one, ``NO_FIT`` for none."""
    measure = _MISFIT.get(spec.kind)
    return NO_FIT if measure is None else measure(spec, value)


def coerce(spec: InputSpec, value: Any) -> Any:
    """Return ``value`` as the input's type where that loses nothing, else ``value`` itself."""
    if spec.kind is Kind.INT:
        return _to_int(value)
    if spec.kind is Kind.FLOAT and isinstance(value, str):
        return _to_float(value)
    if spec.kind is Kind.BOOLEAN and isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if spec.kind is Kind.STRING and isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if spec.kind in (Kind.COMBO, Kind.DYNAMIC_COMBO):
        return _to_choice(spec, value)
    return value


def default_of(spec: InputSpec) -> Any:
    """The value that the web page shows in a fresh node; None if there is none."""
    if spec.has_default:
        return spec.default
    if spec.kind is Kind.COMBO:
        return spec.choices[0] if spec.choices else None
    if spec.kind is Kind.DYNAMIC_COMBO:
        return spec.branches[0].key if spec.branches else None
    if spec.kind in (Kind.INT, Kind.FLOAT):
        return max(0, spec.minimum) if spec.minimum is not None else 0
    return {Kind.BOOLEAN: False, Kind.COLOR: "#000000"}.get(spec.kind, "")


def options_of(spec: InputSpec) -> tuple[Any, ...]:
    """The choices of a combo, or the keys of a dynamic one."""
    if spec.kind is Kind.DYNAMIC_COMBO:
        return tuple(branch.key for branch in spec.branches)
    return spec.choices or ()


def _number_misfit(spec: InputSpec, value: Any) -> float:
    if isinstance(value, bool):
        return 8.0
    if isinstance(value, str):
        return 6.0 if not isinstance(_to_float(value), str) else NO_FIT
    if not isinstance(value, (int, float)):
        return NO_FIT
    low, high = spec.minimum, spec.maximum
    outside = (low is not None and value < low) or (high is not None and value > high)
    fraction = spec.kind is Kind.INT and isinstance(value, float) and not value.is_integer()
    return (2.0 if outside else 0.0) + (2.0 if fraction else 0.0)


def _text_misfit(spec: InputSpec, value: Any) -> float:
    if isinstance(value, str):
        return 0.5 if value in CONTROL_MODES else 0.0
    return 7.0 if isinstance(value, (int, float)) else NO_FIT


def _boolean_misfit(spec: InputSpec, value: Any) -> float:
    if isinstance(value, bool):
        return 0.0
    return 5.0 if value in ("true", "false", 0, 1) else NO_FIT


def _choice_misfit(spec: InputSpec, value: Any) -> float:
    if isinstance(value, list):
        return 0.0 if spec.multiselect else NO_FIT
    choices = options_of(spec)
    if value in choices:
        return 0.0
    if isinstance(value, str):
        if spec.kind is Kind.COMBO and is_file_choice(spec):
            return 0.2 if looks_like_file(value) or not choices else 1.0
        return 0.3 if _to_choice(spec, value) in choices else 3.0 if value not in CONTROL_MODES else 9.0
    return 1.0 if _to_choice(spec, value) in choices else 9.0


def _custom_misfit(spec: InputSpec, value: Any) -> float:
    if isinstance(value, (dict, list)):
        return 0.0
    return 0.5 if isinstance(value, str) else 6.0


def _color_misfit(spec: InputSpec, value: Any) -> float:
    return (0.0 if value.startswith("#") else 3.0) if isinstance(value, str) else NO_FIT


_MISFIT = {
    Kind.INT: _number_misfit,
    Kind.FLOAT: _number_misfit,
    Kind.STRING: _text_misfit,
    Kind.BOOLEAN: _boolean_misfit,
    Kind.COMBO: _choice_misfit,
    Kind.DYNAMIC_COMBO: _choice_misfit,
    Kind.CUSTOM: _custom_misfit,
    Kind.COLOR: _color_misfit,
}


def _to_int(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        return int(text) if re.fullmatch(r"[+-]?\d{1,20}", text) else value
    return value


def _to_float(text: str) -> Any:
    short = text.strip()
    return float(short) if re.fullmatch(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})", short) else text


def _to_choice(spec: InputSpec, value: Any) -> Any:
    """The choice that differs in spelling only: case, blanks, path separator, text for number."""
    choices = options_of(spec)
    if value in choices or isinstance(value, (list, dict)):
        return value
    wanted = _plain(value)
    for choice in choices:
        if _plain(choice) == wanted:
            return choice
    return value


def _plain(value: Any) -> str:
    return str(value).strip().replace("\\", "/").casefold()
