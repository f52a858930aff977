"""Which texts of a prompt say what to draw, and which what to avoid."""

from __future__ import annotations

from collections.abc import Mapping

from diorama_comfyui.schema import ObjectInfo

from .links import OutputTypes, Prompt, linked_inputs

_CARRIERS = frozenset({"CONDITIONING", "STRING", "GUIDER", "*"})
_NEGATIVE_NAMES = ("negative", "neg", "uncond")
_POSITIVE_NAMES = ("positive", "pos")
_SINGLE_NAMES = ("cond", "conditioning", "prompt", "text", "guider")
_STOPS = frozenset({"ConditioningZeroOut"})


def negative_nodes(prompt: Prompt, info: ObjectInfo) -> set[str]:
    """Return the nodes whose texts reach negative inputs only.

    Followed against the links that carry conditioning or text; a node with both a positive and a
    negative input passes each on to the output of the same name.
    """
    types = OutputTypes(prompt, info)
    negative = _reach(_starts(prompt, info, negative=True), prompt, info, types)
    positive = _reach(_starts(prompt, info, negative=False), prompt, info, types)
    return negative - positive


def is_negative_name(name: str) -> bool:
    """Whether an input or title speaks of the negative side."""
    words = name.lower().replace("_", " ").replace("-", " ").split()
    return any(word.startswith(("negative", "uncond")) or word == "neg" for word in words)


def _starts(prompt: Prompt, info: ObjectInfo, *, negative: bool) -> list[tuple[str, int]]:
    """Sources of the polar inputs: ``positive`` and ``negative`` anywhere, ``conditioning`` where it ends."""
    starts = []
    for node in prompt.values():
        cls = info.get(node["class_type"])
        passes_on = cls is None or (not _CARRIERS.isdisjoint(cls.outputs) and "GUIDER" not in cls.outputs)
        for name, source, slot in linked_inputs(node):
            short = name.split(".")[0].lower()
            polar = short in _NEGATIVE_NAMES if negative else short in _POSITIVE_NAMES
            if polar or (not negative and short in _SINGLE_NAMES and not passes_on):
                starts.append((source, slot))
    return starts


def _reach(starts: list[tuple[str, int]], prompt: Prompt, info: ObjectInfo, types: OutputTypes) -> set[str]:
    seen: set[tuple[str, int]] = set()
    found: set[str] = set()
    pending = list(starts)
    while pending:
        place = pending.pop()
        node = prompt.get(place[0])
        if place in seen or node is None or types.of(*place) not in _CARRIERS:
            continue
        seen.add(place)
        found.add(place[0])
        if node["class_type"] not in _STOPS:
            pending.extend(_passes(place, node, info))
    return found


def _passes(place: tuple[str, int], node: Mapping[str, object], info: ObjectInfo) -> list[tuple[str, int]]:
    cls = info.get(str(node["class_type"]))
    side = cls.output_name(place[1]) if cls else ""
    links = list(linked_inputs(node))
    names = {name for name, _, _ in links}
    if side in names and {"positive", "negative"} & {side}:
        return [(source, slot) for name, source, slot in links if name == side]
    return [(source, slot) for name, source, slot in links if not is_negative_name(name)]
