"""Which stored value belongs to which widget.

A file stores widget values as a bare list. The list follows the widgets of the node class, but
files are older or newer than the class, and the web page adds values of its own (seed modes,
upload buttons). So the best alignment is searched: every misplaced, missing or surplus value has
a price, and the cheapest path wins. A list that fits exactly costs one pass.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from diorama_comfyui.schema import InputSpec, Kind

from .coerce import CONTROL_MODES, NO_FIT, misfit

MAX_VALUES = 2000
_MAX_STEPS = 20_000
_SURPLUS, _SURPLUS_AT_END = 4.0, 0.6
_ABSENT, _ABSENT_AT_END, _ABSENT_UNSURE = 5.0, 0.5, 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A place in the list: a widget of the class, or one that only the web page has (no spec)."""

    name: str
    spec: InputSpec | None
    rest: Slot | None
    control: bool = False
    branches: dict[str, Slot | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Alignment:
    """Values by (dotted) widget name, seed modes by widget name, and values that found no place."""

    values: dict[str, Any]
    controls: dict[str, str]
    surplus: list[Any]
    cost: float


@dataclass(frozen=True, slots=True)
class _Step:
    """One decision, linked to the one before it."""

    before: _Step | None
    slot: Slot | None
    value: Any


def align(inputs: Iterable[InputSpec], values: list[Any]) -> Alignment:
    """Find the cheapest assignment of ``values`` to the widgets among ``inputs``."""
    first = _chain(list(inputs), "", None)
    values = values[:MAX_VALUES]
    heap: list[tuple[float, int, int, Slot | None, _Step | None]] = [(0.0, 0, 0, first, None)]
    ticket = count(1)
    settled: set[tuple[int, int]] = set()
    steps = 0
    while heap:
        cost, negative_position, _, slot, path = heapq.heappop(heap)
        position = -negative_position
        if slot is None and position >= len(values):
            return _collect(path, cost)
        steps += 1
        if (id(slot), position) in settled:
            continue
        settled.add((id(slot), position))
        if steps > _MAX_STEPS:
            break
        for price, next_slot, used, step in _moves(slot, values, position, path):
            entry = (cost + price, -(position + used), next(ticket), next_slot, step)
            heapq.heappush(heap, entry)
    return _collect(path, cost)


def _moves(
    slot: Slot | None, values: list[Any], position: int, path: _Step | None
) -> Iterable[tuple[float, Slot | None, int, _Step]]:
    """The ways to go on: use the value here, leave the widget without one, or leave the value out."""
    at_end = position >= len(values)
    if not at_end:
        value = values[position]
        if slot is not None:
            price = _price(slot, value)
            if price < NO_FIT:
                yield price, _after(slot, value), 1, _Step(path, slot, value)
            if price == 0.0 and slot.spec is not None:
                return
        surplus = _SURPLUS_AT_END if slot is None or value is None or value in ("image", "") else _SURPLUS
        yield surplus, slot, 1, _Step(path, None, value)
    if slot is not None:
        yield _absence(slot, at_end), _after(slot, None), 0, _Step(path, None, None)


def _price(slot: Slot, value: Any) -> float:
    if slot.spec is not None:
        return 2.5 if value is None else misfit(slot.spec, value)
    if slot.control:
        return 0.0 if isinstance(value, str) and value in CONTROL_MODES else NO_FIT
    return 0.0 if value is None or value == "image" else 0.4 if isinstance(value, str) else NO_FIT


def _absence(slot: Slot, at_end: bool) -> float:
    if slot.spec is None:
        return 0.3
    unsure = slot.spec.kind is Kind.CUSTOM or slot.spec.hidden
    return _ABSENT_AT_END if at_end else _ABSENT_UNSURE if unsure else _ABSENT


def _after(slot: Slot, value: Any) -> Slot | None:
    """The next place; a dynamic combo first brings the widgets of the chosen option."""
    if slot.spec is None or slot.spec.kind is not Kind.DYNAMIC_COMBO:
        return slot.rest
    branch = slot.spec.branch(value)
    if branch is None:
        branch = slot.spec.branches[0] if slot.spec.branches and value is not None else None
    if branch is None:
        return slot.rest
    if branch.key not in slot.branches:
        slot.branches[branch.key] = _chain(list(branch.inputs), slot.name + ".", slot.rest)
    return slot.branches[branch.key]


def _chain(inputs: list[InputSpec], prefix: str, rest: Slot | None) -> Slot | None:
    for spec in reversed(inputs):
        if not spec.has_widget:
            continue
        name = prefix + spec.name
        for _ in range((2 if spec.upload == "audio" else 1) if spec.upload else 0):
            rest = Slot(name, None, rest)
        if spec.control_after_generate:
            rest = Slot(name, None, rest, control=True)
        rest = Slot(name, spec, rest)
    return rest


def _collect(path: _Step | None, cost: float) -> Alignment:
    found = Alignment({}, {}, [], cost)
    while path is not None:
        if path.slot is None:
            if path.value is not None:
                found.surplus.append(path.value)
        elif path.slot.spec is not None:
            if path.value is not None:
                found.values[path.slot.name] = path.value
        elif path.slot.control:
            found.controls[path.slot.name] = path.value
        path = path.before
    found.surplus.reverse()
    return found
