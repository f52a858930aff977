"""Legacy group nodes: several nodes saved as one, before subgraphs existed.

A group node has the type ``workflow>NAME`` and its inside in ``extra.groupNodes``. It is turned
into a subgraph, so that everything after treats both alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diorama_comfyui.schema import ObjectInfo

from .align import align
from .errors import WorkflowError, excerpt
from .graph import Graph, InputSlot, Link, Node, OutputSlot, Port, parse_graph

_PREFIXES = ("workflow>", "workflow/")


def expand_group_nodes(
    graphs: list[Graph], document: Mapping[str, Any], info: ObjectInfo
) -> dict[str, Graph]:
    """Give every group node a definition of its own and return these by their (new) type.

    Raises :class:`WorkflowError` if a group's inside is malformed.
    """
    extra = document.get("extra")
    groups = extra.get("groupNodes") if isinstance(extra, Mapping) else None
    found: dict[str, Graph] = {}
    if not isinstance(groups, Mapping):
        return found
    for graph in graphs:
        for node in graph.nodes.values():
            raw = groups.get(node.type[len(_PREFIXES[0]) :]) if node.type.startswith(_PREFIXES) else None
            if isinstance(raw, Mapping):
                node.type = f"{node.type}#{graph.id}#{node.id}"
                found[node.type] = _define(node, raw, info)
    return found


def _define(instance: Node, raw: Mapping[str, Any], info: ObjectInfo) -> Graph:
    inner = _inner_nodes(raw)
    links = _inner_links(raw, inner)
    ports = _bind_inputs(instance, inner, links)
    outputs = _bind_outputs(instance, raw, inner, links)
    _spread_values(instance, inner, info)
    instance.values, instance.named = None, None
    return Graph(
        nodes={node.id: node for node in inner}, links=links, id=instance.type, inputs=ports, outputs=outputs
    )


def _inner_nodes(raw: Mapping[str, Any]) -> list[Node]:
    items = raw.get("nodes")
    if not isinstance(items, list):
        raise WorkflowError(f"a group node has no list of nodes ({excerpt(items)})")
    numbered = []
    for index, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise WorkflowError(f"a node of a group node is an object, this is {excerpt(item)}")
        numbered.append({**item, "id": index})
    nodes = list(parse_graph({"nodes": numbered}).nodes.values())
    for node in nodes:
        for slot in node.inputs:
            slot.link = None
    return nodes


def _inner_links(raw: Mapping[str, Any], inner: list[Node]) -> dict[str, Link]:
    links: dict[str, Link] = {}
    items = raw.get("links")
    for number, item in enumerate(items if isinstance(items, list) else []):
        if not isinstance(item, list) or len(item) < 4 or not all(isinstance(part, int) for part in item[:4]):
            continue
        origin, origin_slot, target, target_slot = item[:4]
        if not (0 <= origin < len(inner) and 0 <= target < len(inner)):
            continue
        slots = inner[target].inputs
        if not 0 <= target_slot < len(slots):
            continue
        link_id = f"inner{number}"
        links[link_id] = Link(
            link_id, str(origin), origin_slot, str(target), target_slot, slots[target_slot].type
        )
        slots[target_slot].link = link_id
    return links


def _bind_inputs(instance: Node, inner: list[Node], links: dict[str, Link]) -> list[Port]:
    """One port for every open inner input, named as the instance names it."""
    open_slots = [(node, slot) for node in inner for slot in node.inputs if slot.link is None]
    sockets = [item for item in open_slots if not item[1].widget]
    outer = [slot for slot in instance.inputs if not slot.widget]
    names = {id(slot): entry.name for (_, slot), entry in zip(sockets, outer, strict=False)}
    ports: list[Port] = []
    taken: set[str] = set()
    for node, slot in open_slots:
        name = names.get(id(slot)) or _unique(slot.name, node, taken)
        taken.add(name)
        link_id = f"port{len(ports)}"
        links[link_id] = Link(link_id, "-10", len(ports), node.id, node.inputs.index(slot), slot.type)
        slot.link = link_id
        ports.append(Port(name, slot.type, "", [link_id]))
    for entry in instance.inputs:
        if entry.widget and entry.name not in taken:
            _bind_widget(entry, inner, links, ports)
    return ports


def _bind_widget(entry: InputSlot, inner: list[Node], links: dict[str, Link], ports: list[Port]) -> None:
    """A widget of an inner node that the author turned into an input of the group."""
    for node in inner:
        for name in (entry.name, entry.name.removeprefix(f"{node.title or node.type} ")):
            if (isinstance(node.named, dict) and name in node.named) or any(
                s.widget == name for s in node.inputs
            ):
                continue
            if name != entry.name or node is inner[-1] or len(inner) == 1:
                link_id = f"port{len(ports)}"
                links[link_id] = Link(link_id, "-10", len(ports), node.id, len(node.inputs), entry.type)
                node.inputs.append(InputSlot(name, entry.type, link_id, name))
                ports.append(Port(entry.name, entry.type, "", [link_id]))
                return


def _bind_outputs(
    instance: Node, raw: Mapping[str, Any], inner: list[Node], links: dict[str, Link]
) -> list[Port]:
    used = {(link.origin, link.origin_slot) for link in links.values()}
    external = raw.get("external")
    shown = {
        (str(item[0]), item[1])
        for item in (external if isinstance(external, list) else [])
        if isinstance(item, list) and len(item) > 1
    }
    ports: list[Port] = []
    for node in inner:
        for slot, output in enumerate(node.outputs):
            place = (node.id, slot)
            if place in used and place not in shown:
                continue
            index = len(ports)
            name = instance.outputs[index].name if index < len(instance.outputs) else output.name
            link_id = f"out{index}"
            links[link_id] = Link(link_id, node.id, slot, "-20", index, output.type)
            ports.append(Port(name, output.type, "", [link_id]))
    for index in range(len(ports), len(instance.outputs)):
        instance.outputs[index] = OutputSlot("", instance.outputs[index].type)
    return ports


def _spread_values(instance: Node, inner: list[Node], info: ObjectInfo) -> None:
    """Give each inner node its part of the instance's values."""
    if not isinstance(instance.values, list) or not instance.values:
        return
    specs = []
    for node in inner:
        cls = info.get(node.type)
        for spec in cls.inputs if cls else ():
            specs.append(replace(spec, name=f"{node.id}/{spec.name}"))
    for name, value in align(specs, instance.values).values.items():
        index, _, inner_name = name.partition("/")
        node = inner[int(index)]
        node.named = {**(node.named or {}), inner_name: value}


def _unique(name: str, node: Node, taken: set[str]) -> str:
    if name not in taken:
        return name
    longer = f"{node.title or node.type} {name}"
    return longer if longer not in taken else f"{longer} {node.id}"
