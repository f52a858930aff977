"""What passes between the kit and a provider's plugin: one call, and what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from diorama.contract.capabilities import Capabilities, Operation
from diorama.contract.context import JobContext
from diorama.contract.errors import DioramaError
from diorama.contract.remote.offers import Offer, Wire
from diorama.contract.requests import AnyRequest
from diorama.contract.results import Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One job on its way to the provider.

    Attributes:
        request: What the user wants.
        operation: Which of the four operations.
        offer: The model.
        key: The user's key for this provider.
        context: The job's context.
    """

    request: AnyRequest
    operation: Operation
    offer: Offer
    key: str
    context: JobContext

    @property
    def capabilities(self) -> Capabilities:
        """What the operation of this model accepts."""
        return self.offer.info.operations[self.operation]

    @property
    def wire(self) -> Wire:
        """How the operation is said to the provider."""
        return self.offer.wires[self.operation]

    @property
    def endpoint(self) -> str:
        """The provider's name of what runs."""
        return self.wire.endpoint or self.offer.info.native_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One result as the provider names it.

    Attributes:
        url: Where it lies: http(s) or a ``data:`` URI; empty when ``content`` is given.
        content: The bytes, when the answer carried them.
        headers: Sent with the download; only for files that the provider's own API hands out.
        seed: Seed the provider says it used.
        refused: True when the provider's safety filter replaced it.
    """

    url: str = ""
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of a job at the provider.

    Attributes:
        state: Where it is.
        ticket: Plain facts that find it again, at least ``id``; only needed from a submission.
        message: A sentence for people.
        fraction: Part that is done, 0 to 1, where the provider says so.
        numbers: Further progress numbers, such as ``queue_position``.
        outputs: Results, when ``done``.
        error: Why, when ``failed``.
        facts: Worth keeping in the recipe.
        cost: What the provider says it charged.
        seconds: Compute time that the provider reported.
    """

    state: Literal["queued", "running", "done", "failed"]
    ticket: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""
    fraction: float | None = None
    numbers: Mapping[str, float | int | str] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    error: DioramaError | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    cost: Cost | None = None
    seconds: float | None = None
