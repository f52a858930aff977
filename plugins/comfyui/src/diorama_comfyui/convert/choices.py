"""Choices that older prompts do not know: they say ``codec`` where newer servers read ``format.codec``."""

from __future__ import annotations

from typing import Any

from diorama_comfyui.schema import Kind, ObjectInfo, expand_inputs

from .coerce import options_of
from .report import Code, Issue, Severity


def fill_choices(prompt: dict[str, dict[str, Any]], info: ObjectInfo) -> list[Issue]:
    """Set the choices with inputs of their own that are required and not there, in place; return a remark for each.

    The value of the same name without its prefix is taken where it fits, else the first option, as the web page does.
    The server takes such a prompt without them, and then the node itself may fail.
    """
    issues = []
    for node_id, node in prompt.items():
        cls = info.get(node["class_type"])
        inputs = node["inputs"]
        # What is set here decides which names come next.
        for name, spec in expand_inputs(cls.inputs, inputs) if cls else ():
            options = options_of(spec)
            if spec.kind is not Kind.DYNAMIC_COMBO or not spec.required or name in inputs or not options:
                continue
            short = name.rpartition(".")[2]
            before = inputs.get(short) if short != name else None
            if isinstance(before, str) and before in options:
                inputs[name] = inputs.pop(short)
            else:
                inputs[name] = options[0]
            message = f"{name} is not in the file; {inputs[name]!r:.40} is used"
            issues.append(
                Issue(Code.DEFAULT_USED, Severity.INFO, message, node_id, cls.name if cls else "", name)
            )
    return issues
