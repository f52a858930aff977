"""From the JSON of ``/object_info`` to :class:`NodeClass`. Tolerant: unknown keys are ignored."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .specs import Branch, Growth, InputSpec, Kind, NodeClass

_PRIMITIVES = {kind.value: kind for kind in (Kind.INT, Kind.FLOAT, Kind.STRING, Kind.BOOLEAN, Kind.COLOR)}
_DYNAMIC = {
    "COMFY_DYNAMICCOMBO_V3": Kind.DYNAMIC_COMBO,
    "COMFY_AUTOGROW_V3": Kind.AUTOGROW,
    "COMFY_DYNAMICSLOT_V3": Kind.DYNAMIC_SLOT,
}
# Types without an own value in the protocol whose value is made by a widget of the web page.
_CUSTOM_TYPES = frozenset(
    {
        "IMAGEUPLOAD",
        "AUDIO_UI",
        "AUDIOUPLOAD",
        "AUDIO_RECORD",
        "LOAD_3D",
        "WEBCAM",
        "BOUNDING_BOX",
        "BOUNDING_BOXES",
        "COLORS",
        "CURVE",
        "IMAGECOMPARE",
        "COMPOSITOR",
        "PAINTER",
    }
)
_UPLOADS = (
    ("image_upload", "image"),
    ("video_upload", "video"),
    ("audio_upload", "audio"),
    ("file_upload", "file"),
)
_SEED_NAMES = frozenset({"seed", "noise_seed"})
_MAX_DEPTH = 12


@lru_cache(maxsize=4096)
def split_types(text: str) -> tuple[str, ...]:
    """Split a type such as ``"IMAGE,MASK"`` into upper-case names; nothing means everything."""
    return tuple(part.strip().upper() for part in text.split(",") if part.strip()) or ("*",)


def parse_class(name: str, raw: Mapping[str, Any]) -> NodeClass:
    """Parse one entry of ``/object_info``. Missing parts get their defaults; nothing is raised."""
    inputs = _parse_sections(raw.get("input"), raw.get("input_order"), 0)
    outputs = tuple(_type_text(item) for item in _as_list(raw.get("output")))
    names = _as_list(raw.get("output_name"))
    groups = _as_list(raw.get("output_matchtypes"))
    return NodeClass(
        name=name,
        title=_text(raw.get("display_name")) or name,
        category=_text(raw.get("category")),
        description=_text(raw.get("description")),
        inputs=inputs,
        outputs=outputs,
        output_names=tuple(_text(names[i]) if i < len(names) else outputs[i] for i in range(len(outputs))),
        output_groups=tuple(_text(group) for group in groups),
        output_node=bool(raw.get("output_node")),
        input_is_list=bool(raw.get("is_input_list")),
        output_is_list=tuple(bool(item) for item in _as_list(raw.get("output_is_list"))),
        deprecated=bool(raw.get("deprecated")),
        experimental=bool(raw.get("experimental")),
        api_node=bool(raw.get("api_node")),
        python_module=_text(raw.get("python_module")),
        by_name={spec.name: spec for spec in inputs},
    )


def _parse_sections(sections: object, order: object, depth: int) -> tuple[InputSpec, ...]:
    if not isinstance(sections, Mapping) or depth > _MAX_DEPTH:
        return ()
    specs = []
    for section in ("required", "optional"):
        entries = sections.get(section)
        if not isinstance(entries, Mapping):
            continue
        names = order.get(section) if isinstance(order, Mapping) else None
        known = [n for n in names if n in entries] if isinstance(names, list) else []
        # An order that does not name every input would lose some of them.
        for name in known if len(known) == len(entries) else entries:
            specs.append(parse_input(str(name), entries[name], section == "required", depth))
    return tuple(specs)


def parse_input(name: str, spec: object, required: bool = True, depth: int = 0) -> InputSpec:
    """Parse one ``[type, options]`` pair."""
    parts = spec if isinstance(spec, (list, tuple)) and spec else ["*"]
    raw_type = parts[0]
    options = parts[1] if len(parts) > 1 and isinstance(parts[1], Mapping) else {}
    kind, types, choices = _kind_of(raw_type, options)
    template = options.get("template")
    template = template if isinstance(template, Mapping) else {}
    if raw_type == "COMFY_MATCHTYPE_V3":
        types = split_types(_text(template.get("allowed_types")))
    return InputSpec(
        name=name,
        kind=kind,
        types=types,
        required=required,
        default=options.get("default"),
        has_default=options.get("default") is not None,
        minimum=_number(options.get("min")),
        maximum=_number(options.get("max")),
        step=_number(options.get("step")),
        choices=choices,
        multiline=bool(options.get("multiline")),
        multiselect=options.get("multiselect") is True,
        dynamic_prompts=bool(options.get("dynamicPrompts")),
        control_after_generate=_has_control(name, kind, options),
        upload=next((media for key, media in _UPLOADS if options.get(key)), ""),
        remote=bool(options.get("remote") or options.get("remote_combo")),
        hidden=bool(options.get("hidden")),
        advanced=bool(options.get("advanced")),
        force_input=bool(options.get("forceInput")),
        socketless=bool(options.get("socketless")),
        tooltip=_text(options.get("tooltip")),
        display_name=_text(options.get("display_name")),
        display=_text(options.get("display")),
        branches=_branches(options, depth) if kind is Kind.DYNAMIC_COMBO else (),
        growth=_growth(template, depth) if kind is Kind.AUTOGROW else None,
        slot_inputs=_parse_sections(options.get("inputs"), None, depth + 1)
        if kind is Kind.DYNAMIC_SLOT
        else (),
        match_group=_text(template.get("template_id")),
    )


def _kind_of(
    raw_type: object, options: Mapping[str, Any]
) -> tuple[Kind, tuple[str, ...], tuple[Any, ...] | None]:
    if isinstance(raw_type, (list, tuple)):
        return Kind.COMBO, ("COMBO",), tuple(raw_type)
    text = _text(raw_type).upper()
    types = split_types(text)
    if text == "COMBO":
        choices = options.get("options")
        return Kind.COMBO, types, tuple(choices) if isinstance(choices, list) else None
    if text in _DYNAMIC:
        # A dynamic combo can be driven by a link that carries the key.
        return _DYNAMIC[text], ("COMBO", "STRING") if text == "COMFY_DYNAMICCOMBO_V3" else ("*",), None
    if text in _PRIMITIVES:
        return _PRIMITIVES[text], types, None
    widget = _text(options.get("widgetType")).upper()
    if widget:
        return _PRIMITIVES.get(widget, Kind.CUSTOM), types, None
    if text in _CUSTOM_TYPES or (options.get("socketless") and not options.get("forceInput")):
        return Kind.CUSTOM, types, None
    return Kind.SOCKET, types, None


def _has_control(name: str, kind: Kind, options: Mapping[str, Any]) -> bool:
    if kind not in (Kind.INT, Kind.COMBO):
        return False
    return bool(options.get("control_after_generate")) or (kind is Kind.INT and name in _SEED_NAMES)


def _branches(options: Mapping[str, Any], depth: int) -> tuple[Branch, ...]:
    found = []
    for option in _as_list(options.get("options")):
        if isinstance(option, Mapping) and "key" in option:
            found.append(Branch(str(option["key"]), _parse_sections(option.get("inputs"), None, depth + 1)))
    return tuple(found)


def _growth(template: Mapping[str, Any], depth: int) -> Growth:
    members = _parse_sections(template.get("input"), None, depth + 1)
    names = template.get("names")
    if isinstance(names, list):
        members_names = tuple(str(name) for name in names)
    else:
        maximum = _number(template.get("max"))
        count = min(int(maximum), 1000) if maximum is not None else 100
        prefix = _text(template.get("prefix"))
        members_names = tuple(f"{prefix}{index}" for index in range(count))
    minimum = _number(template.get("min"))
    return Growth(members_names, int(minimum) if minimum is not None else 0, members[0] if members else None)


def _as_list(value: object) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _type_text(value: object) -> str:
    return "COMBO" if isinstance(value, (list, tuple)) else (_text(value) or "*")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None
