"""Which offer is better. An offer that cannot do what is asked, or is not ready, does not take part."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from diorama.contract import AvailabilityState
from diorama.resolution import Resolved
from diorama.spending import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An offer that can run the request.

    Attributes:
        resolved: The request as this offer would run it.
        estimate: Its price and time.
        usual_seconds: Usual seconds of its runs, whatever the work; ``None`` when none was measured.
    """

    resolved: Resolved
    estimate: Estimate
    usual_seconds: float | None

    @property
    def seconds(self) -> float | None:
        """Expected seconds: of work like this where it was measured, else of any."""
        return self.estimate.seconds if self.estimate.seconds is not None else self.usual_seconds

    @property
    def waits(self) -> bool:
        """Whether its model has to be downloaded first: such an offer comes after those that can begin."""
        return self.resolved.model.availability.state is not AvailabilityState.READY

    @property
    def changed(self) -> int:
        """How many values of the request it adjusts or ignores."""
        return len(self.resolved.adjusted) + len(self.resolved.ignored)


@dataclass(frozen=True, slots=True)
class Policy:
    """A way to choose.

    Attributes:
        order: Sorts candidates, best first; equal ones keep the catalog's order.
        why: Says in words why the first of several was taken.
        local: Whether only offers that keep data on this machine take part.
    """

    order: Callable[[Candidate], Any]
    why: Callable[[Candidate, int], str]
    local: bool = False


def _cheap(item: Candidate) -> tuple[bool, bool, float, float]:
    """Unknown prices come last; amounts in credits cannot be compared with dollars and come after them."""
    estimate = item.estimate
    foreign = bool(estimate.amount) and estimate.currency != "USD"
    return estimate.amount is None, foreign, estimate.amount or 0.0, _or_last(item.seconds)


def _fast(item: Candidate) -> tuple[float, float]:
    return _or_last(item.seconds), _or_last(item.estimate.amount)


def _good(item: Candidate) -> tuple[int, bool, float]:
    foreign = bool(item.estimate.amount) and item.estimate.currency != "USD"
    return item.changed, foreign, -(item.estimate.amount or 0.0)


def _or_last(value: float | None) -> float:
    return math.inf if value is None else value


def _cheapest(item: Candidate, count: int) -> str:
    return f"the cheapest of {_offers(count)}, {price_in_words(item.estimate)}"


def _fastest(item: Candidate, count: int) -> str:
    if item.seconds is None:
        return f"none of {_offers(count)} was measured yet; the first in the catalog"
    return f"the fastest of {_offers(count)}, about {item.seconds:.3g} s"


def _best(item: Candidate, count: int) -> str:
    return f"of {_offers(count)} the one that changes least ({item.changed} values), then the dearest"


def price_in_words(estimate: Estimate) -> str:
    """Return an estimate for people."""
    if estimate.amount is None:
        return "price not known"
    return f"{estimate.amount:g} {estimate.currency}" if estimate.amount else "free"


def _offers(count: int) -> str:
    return f"{count} offers" if count != 1 else "1 offer"


POLICIES: dict[str, Policy] = {
    "cheapest": Policy(_cheap, _cheapest),
    "fastest": Policy(_fast, _fastest),
    "local-only": Policy(lambda item: 0, lambda item, count: "it runs on this machine", local=True),
    "quality": Policy(_good, _best),
}
"""``quality``: fewest adjusted or ignored values, then the highest price, since nothing else about quality is known."""
UNSAID = Policy(lambda item: 0, lambda item, count: f"the first of {_offers(count)} in the catalog")


def ranked(candidates: Sequence[Candidate], policy: Policy) -> list[Candidate]:
    """Return candidates, best first, and those that can begin at once before the others."""
    return sorted(candidates, key=lambda item: (item.waits, policy.order(item)))
