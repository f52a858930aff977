"""What a conversion returns: the prompt, and everything that was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much an issue matters."""

    ERROR = "error"
    """The server will refuse the node or the result differs from what the author saw."""
    WARNING = "warning"
    """A value was guessed or left out; worth a look."""
    INFO = "info"
    """Nothing is lost; said for completeness."""


class Code(StrEnum):
    """What an issue is about."""

    MISSING_CLASS = "missing_class"
    REPLACED_CLASS = "replaced_class"
    MISSING_INPUT = "missing_input"
    BROKEN_LINK = "broken_link"
    DROPPED_SOURCE = "dropped_source"
    UNKNOWN_INPUT = "unknown_input"
    UNKNOWN_OPTION = "unknown_option"
    EXTRA_VALUES = "extra_values"
    DEFAULT_USED = "default_used"
    VALUE_CHANGED = "value_changed"
    INSTANCE_VALUES = "instance_values"
    WRONG_TYPE = "wrong_type"
    OUT_OF_RANGE = "out_of_range"
    NOT_A_CHOICE = "not_a_choice"
    LINK_TYPE = "link_type"
    BAD_SLOT = "bad_slot"
    CYCLE = "cycle"
    NO_OUTPUT = "no_output"


@dataclass(frozen=True, slots=True)
class Issue:
    """One remark. ``node_id`` is the id in the prompt; empty if it is about the whole workflow."""

    code: Code
    severity: Severity
    message: str
    node_id: str = ""
    class_type: str = ""
    input_name: str = ""


@dataclass(frozen=True, slots=True)
class SharedValue:
    """One value of the workflow that sets several inputs: a primitive node or a promoted widget."""

    label: str
    targets: tuple[tuple[str, str], ...]
    """``(node id, input name)`` pairs of the prompt."""
    promoted: bool = False
    """Whether the author put it on the face of a top-level subgraph node."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What the author said about a node: facts for a form, without meaning for execution."""

    title: str = ""
    group: str = ""
    order: int = 0
    controls: dict[str, str] = field(default_factory=dict)
    """Input name to what happens to it after a run: fixed, increment, decrement or randomize."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that the workflow names together with where to get it."""

    name: str
    directory: str
    url: str = ""
    sha256: str = ""
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Conversion:
    """A workflow in API form.

    ``prompt`` is what ``POST /prompt`` takes. ``form`` lists ``(node id, widget)`` pairs of the
    author's own app form, in his order; ``form_outputs`` the nodes whose results it shows.
    """

    prompt: dict[str, dict[str, Any]]
    source: str
    """``"api"`` or ``"ui"``: which format was read."""
    issues: tuple[Issue, ...] = ()
    facts: dict[str, NodeFacts] = field(default_factory=dict)
    shared: tuple[SharedValue, ...] = ()
    models: tuple[ModelFile, ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    form_outputs: tuple[str, ...] = ()
    promoted: dict[tuple[str, str], str] = field(default_factory=dict)
    """Inputs that the author put on the face of a subgraph, with their labels."""
    title: str = ""
    workflow: dict[str, Any] | None = None
    """The document in UI form, to be embedded in results; None for API files."""

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues that stand in the way of a faithful run."""
        return tuple(issue for issue in self.issues if issue.severity is Severity.ERROR)
