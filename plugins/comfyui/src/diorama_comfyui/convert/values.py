"""The widget values of one node by input name, from whichever form the file has them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diorama_comfyui.schema import InputSpec, Kind, NodeClass, expand_inputs

from .align import align
from .coerce import CONTROL_MODES, NO_FIT, coerce, default_of, misfit, options_of
from .graph import Node
from .report import Code, Issue, Severity

_PAGE_ONLY = frozenset(
    {"control_after_generate", "upload", "videopreview", "audioUI", "control_before_generate"}
)


@dataclass(slots=True)
class WidgetValues:
    """Values in API form, and the seed modes the file holds."""

    values: dict[str, Any]
    controls: dict[str, str]


def widget_values(node: Node, node_id: str, cls: NodeClass, issues: list[Issue]) -> WidgetValues:
    """Map a node's stored values to its class. Gaps are filled from the class, doubts reported."""
    found = _stored(node, node_id, cls, issues)
    result: dict[str, Any] = {}
    for name, spec in expand_inputs(cls.inputs, result):
        if not spec.has_widget:
            continue
        value = found.values.get(name)
        if value is None:
            value = _fill(node_id, cls.name, name, spec, issues)
        else:
            value = _adapt(node_id, cls.name, name, spec, value, issues)
        if value is not None:
            result[name] = value
    result.update(_undeclared(node, cls, found.values))
    return WidgetValues(result, found.controls)


def guessed_values(node: Node, widgets: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values of a node whose class is unknown, by the names of its ``widgets``, else those that the file itself gives."""
    if node.named is not None or isinstance(node.values, dict):
        return _by_name(node.named if node.named is not None else node.values)[0]
    names = widgets or [slot.widget for slot in node.inputs if slot.widget]
    values = list(node.values or [])
    result: dict[str, Any] = {}
    for name in names:
        if not values:
            break
        result[name] = values.pop(0)
        if (
            values
            and isinstance(values[0], str)
            and values[0] in CONTROL_MODES
            and isinstance(result[name], int)
        ):
            values.pop(0)
    return {name: value for name, value in result.items() if value is not None}


def _stored(node: Node, node_id: str, cls: NodeClass, issues: list[Issue]) -> WidgetValues:
    if node.named is not None or isinstance(node.values, dict):
        values, controls = _by_name(node.named if node.named is not None else node.values)
        return WidgetValues(values, _seed_modes(cls, controls))
    if not node.values:
        return WidgetValues({}, {})
    aligned = align(cls.inputs, node.values)
    if aligned.cost >= 3.0 and aligned.surplus:
        message = f"{len(aligned.surplus)} stored values fit no input of this class"
        issues.append(Issue(Code.EXTRA_VALUES, Severity.WARNING, message, node_id, cls.name))
    return WidgetValues(aligned.values, aligned.controls)


def _by_name(stored: object) -> tuple[dict[str, Any], list[str]]:
    values, controls = {}, []
    for name, value in stored.items() if isinstance(stored, dict) else ():
        if name == "control_after_generate" and isinstance(value, str) and value in CONTROL_MODES:
            controls.append(value)
        if (
            isinstance(name, str)
            and name not in _PAGE_ONLY
            and not name.startswith("$$")
            and value is not None
        ):
            values[name] = value
    return values, controls


def _seed_modes(cls: NodeClass, controls: list[str]) -> dict[str, str]:
    seeds = [spec.name for spec in cls.inputs if spec.control_after_generate]
    return dict(zip(seeds, controls, strict=False))


def _fill(node_id: str, class_type: str, name: str, spec: InputSpec, issues: list[Issue]) -> Any:
    if not spec.required:
        return None
    value = default_of(spec)
    if value is None:
        message = f"{name} has no value and the server offers no choice for it"
        issues.append(Issue(Code.MISSING_INPUT, Severity.WARNING, message, node_id, class_type, name))
    elif spec.kind is not Kind.CUSTOM:
        message = f"the file holds no value for {name}; the default is used"
        issues.append(Issue(Code.DEFAULT_USED, Severity.INFO, message, node_id, class_type, name))
    return value


def _adapt(node_id: str, class_type: str, name: str, spec: InputSpec, value: Any, issues: list[Issue]) -> Any:
    adapted = coerce(spec, value)
    if spec.kind is Kind.DYNAMIC_COMBO and spec.branches and adapted not in options_of(spec):
        message = (
            f"{name} is {value!r:.60}, which this server does not know; {spec.branches[0].key!r} is used"
        )
        issues.append(Issue(Code.UNKNOWN_OPTION, Severity.WARNING, message, node_id, class_type, name))
        return spec.branches[0].key
    if misfit(spec, adapted) >= NO_FIT:
        value = default_of(spec)
        message = f"{name} is {adapted!r:.60}, which this input can not hold; {value!r:.40} is used"
        issues.append(Issue(Code.VALUE_CHANGED, Severity.WARNING, message, node_id, class_type, name))
        return value
    return adapted


def _undeclared(node: Node, cls: NodeClass, values: dict[str, Any]) -> dict[str, Any]:
    """Inputs that a class takes without declaring them: the option list of a custom combo."""
    if cls.name != "CustomCombo" or not isinstance(node.values, list) or len(node.values) < 2:
        return {name: value for name, value in values.items() if node.named and name.startswith("option")}
    options = {f"option{i}": text for i, text in enumerate(node.values[2:], 1) if isinstance(text, str)}
    index = node.values[1]
    return {**options, "index": index} if isinstance(index, int) else options
