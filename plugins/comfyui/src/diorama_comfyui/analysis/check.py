"""Would the server take this prompt? Checked here, before anything is sent.

The server is lenient in some places (unknown options, partial outputs) and fails later; this
check is not. Names of model and media files are left out: they depend on what is installed.
"""

from __future__ import annotations

from typing import Any

from diorama_comfyui.convert.api import is_link
from diorama_comfyui.convert.coerce import is_file_choice, looks_like_file, options_of
from diorama_comfyui.convert.report import Code, Issue, Severity
from diorama_comfyui.schema import InputSpec, Kind, ObjectInfo, expand_inputs

from .links import OutputTypes, Prompt, accepts, find_cycle, output_nodes, upstream

_PRIMITIVE_TYPES = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "*", "DICT", "ARRAY", "LIST"})


def check(prompt: Prompt, info: ObjectInfo, *, files: bool = False) -> list[Issue]:
    """Return what is wrong with a prompt; empty means that the server will take it.

    Nodes that no output depends on are not run by the server and are not judged. With
    ``files`` the names of model and media files must be among the server's choices too.
    """
    outputs = output_nodes(prompt, info)
    issues = [
        Issue(
            Code.MISSING_CLASS,
            Severity.ERROR,
            f"the server has no node {node['class_type']!r:.80}",
            key,
            node["class_type"],
        )
        for key, node in prompt.items()
        if node["class_type"] not in info
    ]
    if not outputs:
        message = "nothing in this workflow saves or shows a result"
        return [*issues, Issue(Code.NO_OUTPUT, Severity.ERROR, message)]
    reached = upstream(prompt, outputs)
    types = OutputTypes(prompt, info)
    for node_id in reached:
        if prompt[node_id]["class_type"] in info:
            issues += _check_node(node_id, prompt, info, types, files)
    cycle = find_cycle(prompt, reached)
    if cycle:
        names = ", ".join(sorted(cycle)[:8])
        issues.append(
            Issue(Code.CYCLE, Severity.ERROR, f"these nodes wait for each other: {names}", cycle[0])
        )
    return issues


def _check_node(
    node_id: str, prompt: Prompt, info: ObjectInfo, types: OutputTypes, files: bool
) -> list[Issue]:
    node = prompt[node_id]
    cls = info[node["class_type"]]
    inputs = node["inputs"]
    issues = []
    for name, spec in expand_inputs(cls.inputs, inputs):
        if name not in inputs:
            if spec.required and spec.kind is not Kind.AUTOGROW:
                issues.append((Code.MISSING_INPUT, f"{name} is required and not set", name))
            continue
        value = inputs[name]
        found = (
            _check_link(value, spec, prompt, types)
            if is_link(value)
            else check_value(spec, value, files=files)
        )
        if found:
            issues.append((found[0], f"{name}: {found[1]}", name))
    return [
        Issue(code, Severity.ERROR, message, node_id, cls.name, input_name)
        for code, message, input_name in issues
    ]


def _check_link(
    value: list[Any], spec: InputSpec, prompt: Prompt, types: OutputTypes
) -> tuple[Code, str] | None:
    source, slot = str(value[0]), int(value[1])
    if source not in prompt:
        return Code.BROKEN_LINK, f"linked to node {source}, which is not there"
    received = types.of(source, slot)
    if received is None:
        return Code.BAD_SLOT, f"node {source} has no output {slot}"
    if not accepts(spec.kind, spec.types, received):
        return Code.LINK_TYPE, f"takes {','.join(spec.types)}, the link brings {received}"
    return None


def check_value(spec: InputSpec, value: Any, *, files: bool = False) -> tuple[Code, str] | None:
    """Check one plain value against its input: type, range, choice. None means that it fits."""
    if spec.kind in (Kind.INT, Kind.FLOAT):
        return _check_number(spec, value)
    if spec.kind in (Kind.COMBO, Kind.DYNAMIC_COMBO):
        return _check_choice(spec, value, files)
    if spec.kind is Kind.BOOLEAN:
        return (
            None if isinstance(value, (bool, int)) else (Code.WRONG_TYPE, f"is no yes or no: {value!r:.40}")
        )
    if spec.kind is Kind.STRING:
        return (
            None if isinstance(value, (str, int, float)) else (Code.WRONG_TYPE, f"is no text: {value!r:.40}")
        )
    if spec.kind is Kind.SOCKET and _PRIMITIVE_TYPES.isdisjoint(spec.types):
        return Code.WRONG_TYPE, f"needs a link that brings {','.join(spec.types)[:80]}"
    return None


def _check_number(spec: InputSpec, value: Any) -> tuple[Code, str] | None:
    try:
        number = float(value) if spec.kind is Kind.FLOAT else int(value)
    except (TypeError, ValueError, OverflowError):
        return Code.WRONG_TYPE, f"is no number: {value!r:.40}"
    if spec.minimum is not None and number < spec.minimum:
        return Code.OUT_OF_RANGE, f"{number} is below {spec.minimum}"
    if spec.maximum is not None and number > spec.maximum:
        return Code.OUT_OF_RANGE, f"{number} is above {spec.maximum}"
    return None


def _check_choice(spec: InputSpec, value: Any, files: bool) -> tuple[Code, str] | None:
    if spec.remote or (spec.choices is None and spec.kind is Kind.COMBO):
        return None
    if not files and (is_file_choice(spec) or looks_like_file(value)):
        return (
            None
            if isinstance(value, (str, int, float))
            else (Code.WRONG_TYPE, f"is no file name: {value!r:.40}")
        )
    wanted = value.get("__value__", []) if isinstance(value, dict) else [value]
    options = options_of(spec)
    wrong = [item for item in (wanted if isinstance(wanted, list) else [wanted]) if item not in options]
    if wrong:
        shown = ", ".join(str(option) for option in options[:6]) + (", …" if len(options) > 6 else "")
        return Code.NOT_A_CHOICE, f"{wrong[0]!r:.60} is none of: {shown}"
    return None
