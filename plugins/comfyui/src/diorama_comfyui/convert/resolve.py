"""Where the value of an input really comes from, through reroutes, bypasses and subgraphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import WorkflowError
from .graph import BYPASSED, MUTED, Graph, InputSlot, Node
from .scopes import Scope

REROUTES = frozenset({"Reroute", "Reroute (rgthree)"})
SETTERS, GETTERS = frozenset({"SetNode"}), frozenset({"GetNode"})


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a node of the prompt."""

    node_id: str
    slot: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value held by a primitive node or on the face of a subgraph.

    ``origin`` is the same for all inputs that the value sets.
    """

    value: Any
    origin: str
    label: str
    promoted: bool = False


@dataclass(frozen=True, slots=True)
class Nothing:
    """No source: ``reason`` is a sentence part, empty where the file simply leaves the input open."""

    reason: str = ""
    origin: str = ""
    label: str = ""


Source = Output | Literal | Nothing


def follow(scope: Scope, link_id: str, wanted: str, definitions: Mapping[str, Graph]) -> Source:
    """Follow a link upstream to its source. ``wanted`` is the type of the input it feeds.

    Raises :class:`WorkflowError` if reroutes, bypassed nodes or subgraph borders form a loop.
    """
    held: list[Literal] = []
    source = _trace(scope, link_id, wanted, definitions, held)
    # The outermost value wins, and a value on a subgraph's face wins over a source that is gone.
    return held[-1] if held and isinstance(source, Nothing) else source


def _trace(
    scope: Scope, link_id: str, wanted: str, definitions: Mapping[str, Graph], held: list[Literal]
) -> Source:
    here: Scope = scope
    current: str | None = link_id
    visited: set[tuple[int, str]] = set()
    while current is not None:
        if (id(here), current) in visited:
            raise WorkflowError(f"reroutes or bypassed nodes form a loop (link {current})")
        visited.add((id(here), current))
        link = here.graph.links.get(current)
        if link is None:
            return Nothing(f"link {current} is not in the file")
        if here.parent is not None and link.origin == here.graph.input_node:
            step = _leave(here, link.origin_slot, held)
            if isinstance(step, Nothing):
                return step
            here, current = here.parent, step.link
            continue
        node = here.graph.nodes.get(link.origin)
        if node is None:
            return Nothing(f"node {link.origin} is not in the file")
        if node.mode == MUTED:
            return Nothing(f"node {here.path}{node.id} is muted")
        if node.mode == BYPASSED:
            current = _bypass(node, link.origin_slot, wanted)
        elif node.type in REROUTES or node.type in SETTERS:
            current = node.inputs[0].link if node.inputs else None
        elif node.type in GETTERS:
            here, current = _setter(here, node)
        elif node.type == "PrimitiveNode":
            return _primitive(here, node)
        elif node.type in definitions:
            here, current = _enter(here, node, link.origin_slot)
        else:
            return Output(here.path + node.id, link.origin_slot)
    return Nothing("nothing is connected behind a reroute, bypassed or subgraph node")


def types_fit(one: str, other: str) -> bool:
    """Whether two socket types can be linked: comma lists overlap, ``*`` fits everything."""
    if one in ("*", "") or other in ("*", "") or one == other:
        return True
    left = {part.strip() for part in one.upper().split(",")}
    return not left.isdisjoint(part.strip() for part in other.upper().split(","))


def _leave(scope: Scope, slot: int, held: list[Literal]) -> InputSlot | Nothing:
    """From the inner side of a subgraph's input to what feeds the instance there.

    A value that the instance holds for the input is added to ``held``.
    """
    if not 0 <= slot < len(scope.graph.inputs) or scope.instance is None:
        return Nothing(f"the subgraph has no input {slot}")
    port = scope.graph.inputs[slot]
    entry = next((item for item in scope.instance.inputs if item.name == port.name), None)
    label = (entry.label if entry else "") or port.label or port.name
    origin = f"{scope.path}{port.name}"
    if port.name in scope.values:
        top = scope.parent is not None and scope.parent.parent is None
        held.append(Literal(scope.values[port.name], origin, label, promoted=top))
    return entry if entry is not None and entry.link is not None else Nothing("", origin, label)


def _enter(scope: Scope, node: Node, slot: int) -> tuple[Scope, str | None]:
    """From an output of a subgraph node to the link that feeds it inside."""
    child = scope.children[node.id]
    ports = child.graph.outputs
    name = node.outputs[slot].name if slot < len(node.outputs) else ""
    index = next((i for i, port in enumerate(ports) if port.name == name and name), slot)
    if index < len(ports):
        for link_id in ports[index].link_ids:
            if link_id in child.graph.links:
                return child, link_id
    for link in child.graph.links.values():
        if link.target == child.graph.output_node and link.target_slot == index:
            return child, link.id
    return child, None


def _bypass(node: Node, slot: int, wanted: str) -> str | None:
    """Which input stands in for an output of a bypassed node."""
    inputs = node.inputs
    output_type = node.outputs[slot].type if slot < len(node.outputs) else "*"
    if wanted in ("*", ""):
        chosen = inputs[slot] if slot < len(inputs) else inputs[0] if inputs else None
        return chosen.link if chosen else None
    if (
        slot < len(inputs)
        and types_fit(inputs[slot].type, output_type)
        and types_fit(inputs[slot].type, wanted)
    ):
        return inputs[slot].link
    exact = (item for item in inputs if item.type.upper() == wanted.upper())
    close = (item for item in inputs if types_fit(item.type, wanted))
    chosen = next(exact, None) or next(close, None)
    return chosen.link if chosen else None


def _setter(scope: Scope, getter: Node) -> tuple[Scope, str | None]:
    """The link behind the set node of the same name, here or further out."""
    name = _first_value(getter)
    place: Scope | None = scope
    while place is not None:
        for node in place.graph.nodes.values():
            if node.type in SETTERS and node.mode != MUTED and _first_value(node) == name and node.inputs:
                return place, node.inputs[0].link
        place = place.parent
    return scope, None


def _primitive(scope: Scope, node: Node) -> Source:
    value = _first_value(node)
    if value is None:
        return Nothing(f"the primitive node {scope.path}{node.id} holds no value")
    return Literal(value, scope.path + node.id, node.title if node.title not in ("", "PrimitiveNode") else "")


def _first_value(node: Node) -> Any:
    if isinstance(node.values, list) and node.values:
        return node.values[0]
    if isinstance(node.named, dict) and node.named:
        return next(iter(node.named.values()))
    return None
