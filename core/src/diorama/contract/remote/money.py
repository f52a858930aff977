"""What a finished run cost, by the published price."""

from __future__ import annotations

import math
from collections.abc import Sequence

from diorama.contract.models import Price
from diorama.contract.results import Artifact, Cost


def estimate(
    price: Price | None, artifacts: Sequence[Artifact], *, seconds: float | None, duration: float | None
) -> Cost | None:
    """Return the cost of what came back, or ``None`` when the price cannot be applied.

    Args:
        price: The published price.
        artifacts: What the run returned; the provider bills what it made, not what was asked.
        seconds: Compute time that the provider reported.
        duration: Length of each video in seconds.
    """
    if price is None:
        return None
    count = len(artifacts)
    units = {
        "image": count,
        "video": count,
        "job": 1,
        "megapixel": sum(max(1, math.ceil(item.width * item.height / 1e6)) for item in artifacts),
        "second": None if duration is None else duration * count,
        "compute_second": seconds,
    }.get(price.per)
    if units is None:
        return None
    return Cost(amount=round(price.amount * units, 6), currency=price.currency, estimated=True)
