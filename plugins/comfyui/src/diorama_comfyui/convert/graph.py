"""The web page's format as typed objects. Wrong shapes raise :class:`WorkflowError`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import WorkflowError, excerpt

MAX_NODES = 20_000
MAX_LINKS = 200_000
MUTED, BYPASSED = 2, 4


@dataclass(slots=True)
class InputSlot:
    """An input as the file has it; ``widget`` is the name of the widget behind it, if any."""

    name: str
    type: str
    link: str | None = None
    widget: str | None = None
    label: str = ""


@dataclass(slots=True)
class OutputSlot:
    """An output as the file has it."""

    name: str
    type: str


@dataclass(slots=True)
class Node:
    """A node as the file has it."""

    id: str
    type: str
    mode: int
    inputs: list[InputSlot]
    outputs: list[OutputSlot]
    values: list[Any] | dict[str, Any] | None
    named: dict[str, Any] | None
    properties: dict[str, Any]
    title: str
    order: int
    position: tuple[float, float] | None


@dataclass(slots=True)
class Link:
    """A connection from an output to an input."""

    id: str
    origin: str
    origin_slot: int
    target: str
    target_slot: int
    type: str


@dataclass(slots=True)
class Port:
    """An input or output on the border of a subgraph."""

    name: str
    type: str
    label: str
    link_ids: list[str]


@dataclass(frozen=True, slots=True)
class Box:
    """A coloured box behind nodes; sizes in the page's pixels."""

    title: str
    x: float
    y: float
    width: float
    height: float

    def holds(self, point: tuple[float, float]) -> bool:
        """Whether a node at this place lies on the box."""
        return self.x <= point[0] <= self.x + self.width and self.y <= point[1] <= self.y + self.height


@dataclass(slots=True)
class Graph:
    """A level of the workflow: the top, or the inside of a subgraph."""

    nodes: dict[str, Node]
    links: dict[str, Link]
    id: str = ""
    name: str = ""
    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    input_node: str = "-10"
    output_node: str = "-20"
    boxes: list[Box] = field(default_factory=list)
    implied: list[tuple[str, int, str, int]] = field(default_factory=list)
    """Links without a wire: target node, target slot, origin node, origin slot."""


def parse_graph(raw: Mapping[str, Any]) -> Graph:
    """Parse one level. Raises :class:`WorkflowError`."""
    raw_nodes = _list(raw, "nodes")
    if len(raw_nodes) > MAX_NODES:
        raise WorkflowError(
            f"the workflow has {len(raw_nodes)} nodes, more than the {MAX_NODES} that are read"
        )
    nodes: dict[str, Node] = {}
    for item in raw_nodes:
        node = _parse_node(item)
        if node.id in nodes:
            raise WorkflowError(f"two nodes have the id {excerpt(node.id)}")
        nodes[node.id] = node
    return Graph(
        nodes=nodes,
        links=_parse_links(raw),
        id=str(raw.get("id") or ""),
        name=_text(raw.get("name")),
        inputs=[_parse_port(port) for port in _list(raw, "inputs")],
        outputs=[_parse_port(port) for port in _list(raw, "outputs")],
        input_node=_border(raw.get("inputNode"), "-10"),
        output_node=_border(raw.get("outputNode"), "-20"),
        boxes=_parse_boxes(raw.get("groups")),
        implied=_parse_implied(raw.get("extra")),
    )


def parse_definitions(raw: Mapping[str, Any]) -> dict[str, Graph]:
    """Parse ``definitions.subgraphs`` by id, nested ones too. Raises :class:`WorkflowError`."""
    found: dict[str, Graph] = {}
    pending: list[Mapping[str, Any]] = [raw]
    while pending:
        definitions = pending.pop().get("definitions")
        if not isinstance(definitions, Mapping):
            continue
        subgraphs = definitions.get("subgraphs")
        for item in subgraphs.values() if isinstance(subgraphs, Mapping) else _list(definitions, "subgraphs"):
            if not isinstance(item, Mapping):
                raise WorkflowError(f"a subgraph is an object, this is {excerpt(item)}")
            graph = parse_graph(item)
            found.setdefault(graph.id, graph)
            pending.append(item)
            if len(found) > MAX_NODES:
                raise WorkflowError("the workflow has too many subgraphs")
    return found


def _parse_node(raw: object) -> Node:
    if not isinstance(raw, Mapping):
        raise WorkflowError(f"a node is an object, this is {excerpt(raw)}")
    node_type = raw.get("type")
    if not isinstance(node_type, str) or not node_type:
        raise WorkflowError(f"node {excerpt(raw.get('id'))} has no type")
    values = raw.get("widgets_values")
    named = raw.get("widgets_values_named")
    mode = raw.get("mode")
    order = raw.get("order")
    properties = raw.get("properties")
    return Node(
        id=_id(raw.get("id"), "a node"),
        type=node_type,
        mode=mode if isinstance(mode, int) else 0,
        inputs=[_parse_input(item) for item in _list(raw, "inputs")],
        outputs=[_parse_output(item) for item in _list(raw, "outputs")],
        values=dict(values)
        if isinstance(values, Mapping)
        else list(values)
        if isinstance(values, list)
        else None,
        named=dict(named) if isinstance(named, Mapping) else None,
        properties=dict(properties) if isinstance(properties, Mapping) else {},
        title=_text(raw.get("title")),
        order=order if isinstance(order, int) else 0,
        position=_pair(raw.get("pos")),
    )


def _parse_input(raw: object) -> InputSlot:
    if not isinstance(raw, Mapping):
        raise WorkflowError(f"an input of a node is an object, this is {excerpt(raw)}")
    link = raw.get("link")
    widget = raw.get("widget")
    name = widget.get("name") if isinstance(widget, Mapping) else None
    return InputSlot(
        name=_text(raw.get("name")),
        type=_type(raw.get("type")),
        link=str(link) if isinstance(link, (int, str)) and not isinstance(link, bool) else None,
        widget=name if isinstance(name, str) else None,
        label=_text(raw.get("label")),
    )


def _parse_output(raw: object) -> OutputSlot:
    if not isinstance(raw, Mapping):
        raise WorkflowError(f"an output of a node is an object, this is {excerpt(raw)}")
    return OutputSlot(_text(raw.get("name")), _type(raw.get("type")))


def _parse_port(raw: object) -> Port:
    if not isinstance(raw, Mapping):
        raise WorkflowError(f"an input or output of a subgraph is an object, this is {excerpt(raw)}")
    ids = raw.get("linkIds")
    return Port(
        name=_text(raw.get("name")),
        type=_type(raw.get("type")),
        label=_text(raw.get("label")),
        link_ids=[str(item) for item in ids] if isinstance(ids, list) else [],
    )


def _parse_links(raw: Mapping[str, Any]) -> dict[str, Link]:
    items = raw.get("links")
    if isinstance(items, Mapping):
        items = list(items.values())
    if items is None:
        return {}
    if not isinstance(items, list):
        raise WorkflowError(f"links are a list, this is {excerpt(items)}")
    if len(items) > MAX_LINKS:
        raise WorkflowError(f"the workflow has {len(items)} links, more than the {MAX_LINKS} that are read")
    links = {}
    for item in items:
        if item is None:
            continue
        link = _parse_link(item)
        links[link.id] = link
    return links


def _parse_link(item: object) -> Link:
    if isinstance(item, Mapping):
        fields = [item.get(k) for k in ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")]
    elif isinstance(item, list) and len(item) >= 5:
        fields = [*item[:5], item[5] if len(item) > 5 else "*"]
    else:
        raise WorkflowError(f"a link is an object or a list of six, this is {excerpt(item)}")
    return Link(
        id=_id(fields[0], "a link"),
        origin=_id(fields[1], "the origin of a link"),
        origin_slot=_slot(fields[2]),
        target=_id(fields[3], "the target of a link"),
        target_slot=_slot(fields[4]),
        type=_type(fields[5]),
    )


def _parse_boxes(raw: object) -> list[Box]:
    boxes = []
    for item in raw if isinstance(raw, list) else []:
        bounds = item.get("bounding") if isinstance(item, Mapping) else None
        if isinstance(bounds, list) and len(bounds) == 4 and all(isinstance(n, (int, float)) for n in bounds):
            x, y, width, height = (float(n) for n in bounds)
            boxes.append(Box(_text(item.get("title")), x, y, width, height))
    return boxes


def _parse_implied(extra: object) -> list[tuple[str, int, str, int]]:
    raw = extra.get("ue_links") if isinstance(extra, Mapping) else None
    found = []
    for item in raw if isinstance(raw, list) else []:
        if isinstance(item, Mapping):
            keys = ("downstream", "downstream_slot", "upstream", "upstream_slot")
            target, slot, origin, origin_slot = (item.get(key) for key in keys)
            if isinstance(slot, int) and target is not None and origin is not None:
                found.append((str(target), slot, str(origin), _slot(origin_slot)))
    return found


def _border(raw: object, default: str) -> str:
    value = raw.get("id") if isinstance(raw, Mapping) else None
    return default if value is None else str(value)


def _list(raw: Mapping[str, Any], key: str) -> list[Any]:
    value = raw.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise WorkflowError(f"{key} is a list, this is {excerpt(value)}")
    return value


def _id(value: object, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise WorkflowError(f"{what} has no usable id ({excerpt(value)})")
    return str(value)


def _slot(value: object) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) < 9:
        return int(value)
    return value if isinstance(value, int) else 0


def _type(value: object) -> str:
    return value if isinstance(value, str) else "COMBO" if isinstance(value, list) else "*"


def _pair(value: object) -> tuple[float, float] | None:
    if isinstance(value, Mapping):
        value = [value.get("0"), value.get("1")]
    if isinstance(value, list) and len(value) >= 2 and all(isinstance(n, (int, float)) for n in value[:2]):
        return float(value[0]), float(value[1])
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
