"""Which inputs a node has, given the values it holds: the dynamic inputs unfolded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .specs import InputSpec, Kind


def expand_inputs(
    inputs: Iterable[InputSpec], values: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, InputSpec]]:
    """Yield ``(name, spec)`` for every input of a node, with dotted names for dynamic ones.

    ``values`` are the node's inputs in API form; they decide which option of a dynamic combo
    counts (none if its value is no option) and which dynamic slots are linked. Autogrow members
    are all yielded; the first ``minimum`` of them are required.
    """
    for spec in inputs:
        name = prefix + spec.name
        if spec.kind is Kind.AUTOGROW:
            yield from _members(name, spec)
            continue
        yield name, spec
        if spec.kind is Kind.DYNAMIC_COMBO:
            branch = spec.branch(values.get(name))
            if branch is not None:
                yield from expand_inputs(branch.inputs, values, name + ".")
        elif spec.kind is Kind.DYNAMIC_SLOT and name in values:
            yield from expand_inputs(spec.slot_inputs, values, name + ".")


def _members(name: str, spec: InputSpec) -> Iterator[tuple[str, InputSpec]]:
    growth = spec.growth
    if growth is None or growth.member is None:
        return
    for index, member in enumerate(growth.names):
        required = spec.required and index < growth.minimum
        yield f"{name}.{member}", replace(growth.member, name=member, required=required)
