"""Subgraphs unfolded: one scope for every place where a level of the workflow occurs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import WorkflowError, excerpt
from .graph import BYPASSED, MAX_NODES, MUTED, Graph, Node
from .report import Code, Issue, Severity

MAX_DEPTH = 50


@dataclass(slots=True, eq=False)
class Scope:
    """A graph at one place. ``path`` is the prefix of its node ids in the prompt (``"12:5:"``)."""

    graph: Graph
    path: str = ""
    parent: Scope | None = None
    instance: Node | None = None
    values: dict[str, Any] = field(default_factory=dict)
    """What the instance sets on the subgraph's inputs through its own widgets."""
    children: dict[str, Scope] = field(default_factory=dict)


def unfold(top: Graph, definitions: Mapping[str, Graph], issues: list[Issue]) -> list[Scope]:
    """Return the scopes of a workflow, the top first.

    Raises :class:`WorkflowError` if a subgraph contains itself or the whole is too large.
    """
    root = Scope(top)
    scopes = [root]
    pending = [(root, ())]  # type: list[tuple[Scope, tuple[str, ...]]]
    total = len(top.nodes)
    while pending:
        scope, ancestors = pending.pop()
        for node in scope.graph.nodes.values():
            definition = definitions.get(node.type)
            if definition is None or node.mode in (MUTED, BYPASSED):
                continue
            if node.type in ancestors:
                raise WorkflowError(f"the subgraph {excerpt(definition.name or node.type)} contains itself")
            total += len(definition.nodes)
            if total > MAX_NODES or len(ancestors) >= MAX_DEPTH:
                raise WorkflowError(
                    f"the unfolded workflow has more than {MAX_NODES} nodes or {MAX_DEPTH} levels"
                )
            child = Scope(definition, f"{scope.path}{node.id}:", scope, node)
            child.values = _instance_values(node, definition, child.path[:-1], issues)
            scope.children[node.id] = child
            scopes.append(child)
            pending.append((child, (*ancestors, node.type)))
    return scopes


def _instance_values(node: Node, definition: Graph, node_id: str, issues: list[Issue]) -> dict[str, Any]:
    """Values by the name of the subgraph's input, from whichever generation the file is."""
    found = _quarantined(node)
    names = {port.name for port in definition.inputs}
    if node.named is not None:
        found.update((name, value) for name, value in node.named.items() if name in names)
    elif isinstance(node.values, dict):
        found.update((name, value) for name, value in node.values.items() if name in names)
    elif node.values:
        for candidate in _candidate_orders(node, definition):
            if len(candidate) == len(node.values):
                found.update(zip(candidate, node.values, strict=True))
                break
        else:
            message = "the values on this subgraph do not fit its inputs; the values inside it are used"
            issues.append(Issue(Code.INSTANCE_VALUES, Severity.WARNING, message, node_id, node.type))
    return found


def _candidate_orders(node: Node, definition: Graph) -> list[list[str]]:
    """The orders in which an instance's values may have been written, best first."""
    proxies = node.properties.get("proxyWidgets")
    own = [
        entry[1]
        for entry in (proxies if isinstance(proxies, list) else [])
        if isinstance(entry, list)
        and len(entry) > 1
        and str(entry[0]) == "-1"
        and not str(entry[1]).startswith("$$")
    ]
    return [
        [port.name for port in definition.inputs if _ends_on_widget(definition, port.link_ids)],
        own,
        [slot.name for slot in node.inputs if slot.widget],
    ]


def _ends_on_widget(definition: Graph, link_ids: list[str]) -> bool:
    for link_id in link_ids:
        link = definition.links.get(link_id)
        target = definition.nodes.get(link.target) if link else None
        if target and any(slot.link == link_id and slot.widget for slot in target.inputs):
            return True
    return False


def _quarantined(node: Node) -> dict[str, Any]:
    """Values that a newer web page could not migrate and set aside."""
    entries = node.properties.get("proxyWidgetErrorQuarantine")
    found = {}
    for entry in entries if isinstance(entries, list) else []:
        origin = entry.get("originalEntry") if isinstance(entry, Mapping) else None
        if isinstance(origin, list) and len(origin) > 1 and str(origin[0]) == "-1" and "hostValue" in entry:
            found[str(origin[1])] = entry["hostValue"]
    return found
