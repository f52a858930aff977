"""The estimate of several requests together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diorama.contract import split_model_id
from diorama.spending.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchEstimate:
    """What requests will cost and take together.

    Attributes:
        jobs: One estimate per request.
        totals: Sum by currency, of those whose price is known.
        unknown: How many have no known price.
        seconds: Expected seconds until all are done when nothing else waits; ``None`` when one was never measured.
        refused: Why the spending caps would refuse them now; ``None`` when they would not.
    """

    jobs: tuple[Estimate, ...]
    totals: dict[str, float]
    unknown: int
    seconds: float | None
    refused: str | None = None


def combine(
    estimates: Sequence[Estimate], width: Callable[[str], int], refused: str | None = None
) -> BatchEstimate:
    """Sum up.

    Args:
        estimates: One per request.
        width: How many jobs of a backend run at once.
        refused: Sentence of the cap that would refuse them.
    """
    totals: dict[str, float] = {}
    busy: dict[str, float] = {}
    longest: dict[str, float] = {}
    for item in estimates:
        if item.amount:
            totals[item.currency] = round(totals.get(item.currency, 0.0) + item.amount, 6)
        backend, seconds = split_model_id(item.model)[0], item.seconds or 0.0
        busy[backend] = busy.get(backend, 0.0) + seconds
        longest[backend] = max(longest.get(backend, 0.0), seconds)
    known = all(item.seconds is not None for item in estimates)
    spans = [max(total / width(backend), longest[backend]) for backend, total in busy.items()]
    return BatchEstimate(
        jobs=tuple(estimates),
        totals=totals,
        unknown=sum(item.amount is None for item in estimates),
        seconds=round(max(spans, default=0.0), 1) if known else None,
        refused=refused,
    )
