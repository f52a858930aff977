"""Typed form of what a ComfyUI server says about its node classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What an input is: a widget of some kind, or a socket for a link."""

    INT = "INT"
    FLOAT = "FLOAT"
    STRING = "STRING"
    BOOLEAN = "BOOLEAN"
    COMBO = "COMBO"
    COLOR = "COLOR"
    DYNAMIC_COMBO = "DYNAMIC_COMBO"
    """A choice that brings further inputs with dotted names."""
    AUTOGROW = "AUTOGROW"
    """A growing family of inputs, ``name.member``; never a value itself."""
    DYNAMIC_SLOT = "DYNAMIC_SLOT"
    """A socket that brings further inputs once it is linked."""
    CUSTOM = "CUSTOM"
    """A widget drawn by the web page whose value is structured (crop box, curve, 3D view)."""
    SOCKET = "SOCKET"


WIDGET_KINDS = frozenset(
    {Kind.INT, Kind.FLOAT, Kind.STRING, Kind.BOOLEAN, Kind.COMBO, Kind.COLOR, Kind.DYNAMIC_COMBO, Kind.CUSTOM}
)


@dataclass(frozen=True, slots=True)
class Branch:
    """One option of a dynamic combo and the inputs that it brings."""

    key: str
    inputs: tuple[InputSpec, ...]


@dataclass(frozen=True, slots=True)
class Growth:
    """The members of an autogrow input: their names without the prefix, and what each accepts."""

    names: tuple[str, ...]
    minimum: int
    member: InputSpec | None


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of a node class.

    ``types`` are the upper-case type names that a link into this input may carry; ``*`` takes all.
    ``minimum``, ``maximum`` and ``step`` are in the unit of the value. ``upload`` is the media kind
    of a file chooser (``image``, ``video``, ``audio``, ``file``), empty otherwise.
    """

    name: str
    kind: Kind
    types: tuple[str, ...]
    required: bool = True
    default: Any = None
    has_default: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[Any, ...] | None = None
    multiline: bool = False
    multiselect: bool = False
    dynamic_prompts: bool = False
    control_after_generate: bool = False
    upload: str = ""
    remote: bool = False
    hidden: bool = False
    advanced: bool = False
    force_input: bool = False
    socketless: bool = False
    tooltip: str = ""
    display_name: str = ""
    display: str = ""
    branches: tuple[Branch, ...] = ()
    growth: Growth | None = None
    slot_inputs: tuple[InputSpec, ...] = ()
    match_group: str = ""

    @property
    def has_widget(self) -> bool:
        """Whether the input can hold a value of its own."""
        return self.kind in WIDGET_KINDS and not self.force_input

    def branch(self, key: object) -> Branch | None:
        """Return the option of a dynamic combo with this key."""
        for branch in self.branches:
            if branch.key == key:
                return branch
        return None


@dataclass(frozen=True, slots=True)
class NodeClass:
    """One node class of a server."""

    name: str
    title: str
    category: str
    description: str
    inputs: tuple[InputSpec, ...]
    outputs: tuple[str, ...]
    output_names: tuple[str, ...]
    output_groups: tuple[str, ...] = ()
    output_node: bool = False
    input_is_list: bool = False
    output_is_list: tuple[bool, ...] = ()
    deprecated: bool = False
    experimental: bool = False
    api_node: bool = False
    python_module: str = ""
    by_name: dict[str, InputSpec] = field(default_factory=dict, repr=False, compare=False)

    def output_name(self, slot: int) -> str:
        """Return the name of an output in lower case, or an empty string."""
        return self.output_names[slot].lower() if 0 <= slot < len(self.output_names) else ""
