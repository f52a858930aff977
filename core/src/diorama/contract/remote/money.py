"""What a run will cost by a model's finer rules, and what a finished one did cost by the published price."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from diorama.contract.models import Price
from diorama.contract.remote.call import Call
from diorama.contract.requests import VideoRequest
from diorama.contract.results import Artifact, Cost


def foreseen(call: Call, body: Mapping[str, Any]) -> Cost | None:
    """Return what exactly this request will cost, where the wire's tools say more than the price does, else ``None``.

    ``seconds_at``: seconds of a film count at this many frames each, whatever its own rate. ``amounts``: by parameter, by
    value, another amount than the price's; left out where the user has a price of their own.
    """
    price, tools, request = call.context.model.price, call.wire.tools, call.request
    if price is None or not {"seconds_at", "amounts"} & set(tools):
        return None
    published = call.offer.info.price
    mine = published is None or published.amount != price.amount
    by: Mapping[str, Any] = {} if mine else tools.get("amounts", {})
    amount = next((rule[body[name]] for name, rule in by.items() if body.get(name) in rule), price.amount)
    units: float | None = 1.0
    if price.per == "second":
        frames = request.num_frames if isinstance(request, VideoRequest) else None
        at = tools.get("seconds_at")
        units = frames / float(at) if frames and at else None
    if units is None or price.per not in ("second", "video", "job"):
        return None
    return Cost(amount=round(float(amount) * units, 6), currency=price.currency, estimated=True)


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
