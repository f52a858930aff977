"""Classes that a server no longer has, and what it runs in their place (``GET /api/node_replacements``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Replacement:
    """How a node of an old class becomes one of a new class.

    Attributes:
        class_type: The new class.
        widgets: Names of the old widgets, in the order in which files store their values.
        inputs: New input name to old one; ``None`` when all keep their names.
        values: New inputs that are set to a value.
        outputs: Old output to new one, where they differ.
    """

    class_type: str
    widgets: tuple[str, ...]
    inputs: Mapping[str, str] | None
    values: Mapping[str, Any]
    outputs: Mapping[int, int]


def parse_replacement(entries: object) -> Replacement | None:
    """Read the first of a class's replacements, as the server does; ``None`` if there is none that makes sense."""
    first = entries[0] if isinstance(entries, list) and entries else None
    if not isinstance(first, Mapping) or not isinstance(first.get("new_node_id"), str):
        return None
    widgets = first.get("old_widget_ids")
    mapped = first.get("input_mapping")
    pairs = [item for item in mapped if isinstance(item, Mapping)] if isinstance(mapped, list) else None
    return Replacement(
        class_type=first["new_node_id"],
        widgets=tuple(str(name) for name in widgets) if isinstance(widgets, list) else (),
        inputs=None
        if pairs is None
        else {
            str(item["new_id"]): str(item["old_id"])
            for item in pairs
            if "new_id" in item and "old_id" in item
        },
        values={
            str(item["new_id"]): item["set_value"]
            for item in pairs or ()
            if "new_id" in item and "set_value" in item
        },
        outputs=_outputs(first.get("output_mapping")),
    )


def _outputs(mapped: object) -> dict[int, int]:
    found = {}
    for item in mapped if isinstance(mapped, list) else ():
        old, new = (item.get("old_idx"), item.get("new_idx")) if isinstance(item, Mapping) else (None, None)
        if isinstance(old, int) and isinstance(new, int) and old != new:
            found[old] = new
    return found
