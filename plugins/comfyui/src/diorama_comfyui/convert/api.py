"""Checking a document that is already in API form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import WorkflowError, excerpt
from .graph import MAX_NODES

_MAX_VALUE_DEPTH = 40


def check_prompt(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return a clean copy of a prompt: nodes with class, inputs and title.

    Raises :class:`WorkflowError` naming the node if the document is not in API form.
    """
    if len(document) > MAX_NODES:
        raise WorkflowError(
            f"the workflow has {len(document)} nodes, more than the {MAX_NODES} that are read"
        )
    prompt: dict[str, dict[str, Any]] = {}
    for key, raw in document.items():
        if (
            not isinstance(raw, Mapping)
            or not isinstance(raw.get("class_type"), str)
            or not raw["class_type"]
        ):
            if (isinstance(raw, Mapping) and "class_type" in raw) or _is_node_id(key):
                raise WorkflowError(f"node {excerpt(key)} has no class_type")
            continue  # other tools add keys of their own beside the nodes
        inputs = raw.get("inputs", {})
        if not isinstance(inputs, Mapping):
            raise WorkflowError(f"the inputs of node {excerpt(key)} are not an object")
        clean = {str(name): _check_value(value, str(key), str(name)) for name, value in inputs.items()}
        node: dict[str, Any] = {"class_type": raw["class_type"], "inputs": clean}
        meta = raw.get("_meta")
        if isinstance(meta, Mapping) and isinstance(meta.get("title"), str):
            node["_meta"] = {"title": meta["title"]}
        prompt[str(key)] = node
    if not prompt:
        raise WorkflowError("the workflow has no nodes")
    return prompt


def is_link(value: object) -> bool:
    """Whether an input of a prompt is a link ``[node id, output]``."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], (str, int))
        and isinstance(value[1], (int, float))
        and not isinstance(value[0], bool)
        and not isinstance(value[1], bool)
    )


def _is_node_id(key: object) -> bool:
    return isinstance(key, str) and key.replace(":", "").isdecimal()


def _check_value(value: Any, node_id: str, name: str) -> Any:
    if is_link(value):
        return [str(value[0]), int(value[1])]
    pending = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > _MAX_VALUE_DEPTH:
            raise WorkflowError(f"input {excerpt(name)} of node {excerpt(node_id)} is nested too deeply")
        if isinstance(item, Mapping):
            pending.extend((inner, depth + 1) for inner in item.values())
        elif isinstance(item, (list, tuple)):
            pending.extend((inner, depth + 1) for inner in item)
        elif item is not None and not isinstance(item, (str, int, float, bool)):
            raise WorkflowError(
                f"input {excerpt(name)} of node {excerpt(node_id)} is not JSON ({excerpt(item)})"
            )
    return value
