"""What the author of a workflow said beside the graph: titles, boxes, downloads, form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .graph import BYPASSED, MUTED, Node
from .report import ModelFile, NodeFacts
from .scopes import Scope

Target = tuple[str, str]
_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)


def node_facts(scope: Scope, node: Node, order: int, controls: dict[str, str]) -> NodeFacts:
    """Title, box and seed modes of a node. A node inside a subgraph belongs to that subgraph."""
    box = _box_of(scope, node)
    if not box and scope.instance is not None:
        box = scope.instance.title or scope.graph.name
    return NodeFacts(title=node.title, group=box, order=order, controls=controls)


def _box_of(scope: Scope, node: Node) -> str:
    if node.position is None:
        return ""
    around = [box for box in scope.graph.boxes if box.holds(node.position)]
    return min(around, key=lambda box: box.width * box.height).title if around else ""


def model_files(scopes: Iterable[Scope]) -> tuple[ModelFile, ...]:
    """The model files that active nodes name together with a download link."""
    found: dict[tuple[str, str], ModelFile] = {}
    for scope in scopes:
        for node in scope.graph.nodes.values():
            entries = node.properties.get("models")
            if node.mode in (MUTED, BYPASSED) or not isinstance(entries, list):
                continue
            for entry in entries:
                if isinstance(entry, Mapping) and isinstance(entry.get("name"), str) and entry["name"]:
                    file = _model_file(entry, scope.path + node.id)
                    found.setdefault((file.directory, file.name), file)
    return tuple(found.values())


def _model_file(entry: Mapping[str, Any], node_id: str) -> ModelFile:
    url = entry.get("url")
    digest = entry.get("hash")
    is_sha256 = isinstance(digest, str) and str(entry.get("hash_type", "")).upper() == "SHA256"
    return ModelFile(
        name=entry["name"],
        directory=str(entry.get("directory") or ""),
        url=url if isinstance(url, str) and url.startswith(("https://", "http://")) else "",
        sha256=str(digest).lower() if is_sha256 else "",
        node_id=node_id,
    )


def proxied_widgets(scopes: Iterable[Scope], prompt: Mapping[str, Any]) -> dict[Target, str]:
    """Inner widgets that a top-level subgraph node shows as its own (``proxyWidgets``)."""
    found: dict[Target, str] = {}
    for scope in scopes:
        if scope.instance is None or scope.parent is None or scope.parent.parent is not None:
            continue
        entries = scope.instance.properties.get("proxyWidgets")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, list) and len(entry) > 1:
                node_id, name = scope.path + str(entry[0]), str(entry[1])
                if name in prompt.get(node_id, {}).get("inputs", {}):
                    found[(node_id, name)] = ""
    return found


def author_form(
    document: Mapping[str, Any], prompt: Mapping[str, Any], origins: Mapping[str, list[Target]]
) -> tuple[tuple[Target, ...], tuple[str, ...]]:
    """The official app form: its inputs in order as prompt targets, and its output nodes.

    ``origins`` maps the place of a shared value (``"12:text"`` or a primitive's id) to its targets.
    """
    extra = document.get("extra")
    data = extra.get("linearData") if isinstance(extra, Mapping) else None
    if not isinstance(data, Mapping):
        return (), ()
    inputs: dict[Target, None] = {}
    for entry in data.get("inputs") or []:
        if isinstance(entry, list) and len(entry) > 1:
            target = _find(str(entry[0]), str(entry[1]), prompt, origins)
            if target:
                inputs[target] = None
    outputs = [_node(str(item), prompt) for item in data.get("outputs") or []]
    return tuple(inputs), tuple(dict.fromkeys(item for item in outputs if item))


def _find(
    raw_id: str, name: str, prompt: Mapping[str, Any], origins: Mapping[str, list[Target]]
) -> Target | None:
    parts = raw_id.split(":")
    if len(parts) > 2 and _UUID.match(parts[0]):
        raw_id = ":".join(parts[1:-1])
    for origin in (f"{raw_id}:{name}", raw_id):
        if origins.get(origin):
            return origins[origin][0]
    candidates = [raw_id, *(key for key in prompt if key.endswith(":" + raw_id))]
    for node_id in candidates:
        if name in prompt.get(node_id, {}).get("inputs", {}):
            return node_id, name
    return None


def _node(raw_id: str, prompt: Mapping[str, Any]) -> str:
    return raw_id if raw_id in prompt else next((key for key in prompt if key.endswith(":" + raw_id)), "")
