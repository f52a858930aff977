"""Nodes of classes that the server has given up, made into those that took their place."""

from __future__ import annotations

from typing import Any

from diorama_comfyui.schema import ObjectInfo, Replacement

from .api import is_link
from .report import Code, Issue, Severity

Target = tuple[str, str]
Prompt = dict[str, dict[str, Any]]


def replace_classes(prompt: Prompt, info: ObjectInfo) -> tuple[list[Issue], dict[Target, Target]]:
    """Change a prompt in place; return a remark for each node, and where inputs went that have other names now.

    The server would do the same, but the form and the check have to know the new inputs.
    """
    issues: list[Issue] = []
    moved: dict[Target, Target] = {}
    outputs: dict[str, dict[int, int]] = {}
    for node_id, node in prompt.items():
        name = node["class_type"]
        found = info.replacement(name)
        if found is None:
            continue
        node["class_type"] = found.class_type
        node["inputs"] = _inputs(node["inputs"], found)
        moved |= {(node_id, old): (node_id, new) for new, old in (found.inputs or {}).items()}
        outputs[node_id] = dict(found.outputs)
        message = f"{name!r:.60} is {found.class_type!r:.60} now and was replaced"
        issues.append(Issue(Code.REPLACED_CLASS, Severity.INFO, message, node_id, found.class_type))
    if any(outputs.values()):
        _reconnect(prompt, outputs)
    return issues, moved


def _inputs(old: dict[str, Any], found: Replacement) -> dict[str, Any]:
    if found.inputs is None:
        return {**old, **found.values}
    kept = {new: old[name] for new, name in found.inputs.items() if name in old}
    return {**found.values, **kept}


def _reconnect(prompt: Prompt, outputs: dict[str, dict[int, int]]) -> None:
    for node in prompt.values():
        for name, value in node["inputs"].items():
            if is_link(value) and value[0] in outputs:
                node["inputs"][name] = [value[0], outputs[value[0]].get(value[1], value[1])]
