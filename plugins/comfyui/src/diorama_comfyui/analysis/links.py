"""Types of outputs and the shape of the graph of a prompt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from diorama_comfyui.convert.api import is_link
from diorama_comfyui.convert.resolve import types_fit
from diorama_comfyui.schema import Kind, ObjectInfo

Prompt = Mapping[str, Mapping[str, Any]]
_MATCH = "COMFY_MATCHTYPE_V3"


def linked_inputs(node: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """Yield ``(input name, source node id, output slot)`` for every link of a node."""
    for name, value in node["inputs"].items():
        if is_link(value):
            yield name, str(value[0]), int(value[1])


def output_nodes(prompt: Prompt, info: ObjectInfo) -> list[str]:
    """The nodes whose results the server keeps, in the order of the prompt."""
    return [key for key, node in prompt.items() if (cls := info.get(node["class_type"])) and cls.output_node]


def upstream(prompt: Prompt, starts: list[str]) -> set[str]:
    """All nodes that the given ones depend on, themselves included."""
    seen: set[str] = set()
    pending = [start for start in starts if start in prompt]
    while pending:
        node_id = pending.pop()
        if node_id in seen:
            continue
        seen.add(node_id)
        pending.extend(source for _, source, _ in linked_inputs(prompt[node_id]) if source in prompt)
    return seen


def find_cycle(prompt: Prompt, nodes: set[str]) -> list[str]:
    """Return the nodes that lie on cycles or between them, empty if there is none."""
    sources = {
        key: {source for _, source, _ in linked_inputs(prompt[key]) if source in nodes} for key in nodes
    }
    readers: dict[str, set[str]] = {key: set() for key in nodes}
    for key, found in sources.items():
        for source in found:
            readers[source].add(key)
    left = _peel(nodes, sources, readers)  # without what no cycle leads to
    return sorted(_peel(left, readers, sources))  # and without what leads to no cycle


def _peel(nodes: set[str], needs: Mapping[str, set[str]], feeds: Mapping[str, set[str]]) -> set[str]:
    """Remove nodes without needs again and again; what is left waits for itself."""
    waiting = {key: needs[key] & nodes for key in nodes}
    ready = [key for key, open_needs in waiting.items() if not open_needs]
    while ready:
        done = ready.pop()
        del waiting[done]
        for reader in feeds[done]:
            if reader in waiting:
                waiting[reader].discard(done)
                if not waiting[reader]:
                    ready.append(reader)
    return set(waiting)


class OutputTypes:
    """Answers which type an output carries, following outputs whose type an input decides."""

    def __init__(self, prompt: Prompt, info: ObjectInfo) -> None:
        self._prompt = prompt
        self._info = info
        self._known: dict[tuple[str, int], str] = {}

    def of(self, node_id: str, slot: int) -> str | None:
        """Return the type, ``*`` if it can not be told, None if there is no such output."""
        chain: list[tuple[str, int]] = []
        place, answer = (node_id, slot), "*"
        while place not in self._known and place not in chain:
            chain.append(place)
            found = self._declared(*place)
            if isinstance(found, tuple):
                place = found
                continue
            if found is None and len(chain) == 1:
                return None
            answer = found or "*"
            break
        else:
            answer = self._known.get(place, "*")
        self._known.update(dict.fromkeys(chain, answer))
        return answer

    def _declared(self, node_id: str, slot: int) -> str | tuple[str, int] | None:
        """A type, or the place that decides it, or None."""
        node = self._prompt.get(node_id)
        cls = self._info.get(node["class_type"]) if node else None
        if node is None or cls is None:
            return "*" if node is not None else None
        if not 0 <= slot < len(cls.outputs):
            return None
        declared = cls.outputs[slot]
        if declared != _MATCH:
            return declared
        group = cls.output_groups[slot] if slot < len(cls.output_groups) else ""
        deciding = {
            spec.name
            for spec in cls.inputs
            if (spec.growth.member.match_group if spec.growth and spec.growth.member else spec.match_group)
            == group
        }
        for name, source, source_slot in linked_inputs(node):
            if name.split(".")[0] in deciding:
                return source, source_slot
        return "*"


def accepts(kind: Kind, types: tuple[str, ...], received: str) -> bool:
    """Whether an input takes a link of this type."""
    if any(types_fit(wanted, received) for wanted in types):
        return True
    # Lists of choices are texts; nodes that build a choice declare either.
    return kind is Kind.COMBO and "STRING" in received.upper().split(",")
