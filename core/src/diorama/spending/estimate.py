"""Price and time of a request before anything is sent."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from diorama.contract import (
    AnyRequest,
    Cost,
    ModelInfo,
    UpscaleRequest,
    VideoRequest,
    to_plain,
)
from diorama.jobs.eta import RunTimes
from diorama.jobs.records import Job, JobKind
from diorama.resolution import Resolved


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one request will cost and take.

    Attributes:
        model: Full model id.
        amount: Expected price, 0 for what costs nothing; ``None`` when it cannot be known before.
        currency: ISO 4217 code, or ``credits`` of the provider.
        seconds: Expected seconds of work; ``None`` when work like it was never measured.
        why: Why the amount is not known; empty when it is.
    """

    model: str
    amount: float | None
    currency: str = "USD"
    seconds: float | None = None
    why: str = ""

    @property
    def cost(self) -> dict[str, Any] | None:
        """The estimate as it is stored with a job; ``None`` when nothing is to be paid or it is not known."""
        if not self.amount:
            return None
        plain: dict[str, Any] = to_plain(Cost(amount=self.amount, currency=self.currency))
        return plain


class Estimator:
    """Estimates from catalog prices and measured runs.

    Args:
        run_times: What runs took before.
    """

    def __init__(self, run_times: RunTimes) -> None:
        self._run_times = run_times

    def of(self, resolved: Resolved) -> Estimate:
        """Return what a resolved request will cost and take."""
        model, request = resolved.model, resolved.request
        kind = JobKind(resolved.kind.value)
        seconds = self._run_times.mean(Job(id="", kind=kind, model=model.id, request=to_plain(request)))
        amount, currency, why = _price(model, request, seconds)
        return Estimate(model=model.id, amount=amount, currency=currency, seconds=seconds, why=why)

    def typical(self) -> dict[str, float]:
        """Return the usual seconds of a run by model id; see :meth:`RunTimes.typical`."""
        return self._run_times.typical()


def _price(model: ModelInfo, request: AnyRequest, seconds: float | None) -> tuple[float | None, str, str]:
    price = model.price
    if price is None and model.data_leaves_machine:
        return None, "USD", f"{model.id} has no known price."
    if price is None:
        return 0.0, "USD", ""
    if not price.amount:
        return 0.0, price.currency, ""
    units = _units(price.per, request, model, seconds)
    if units is None:
        why = f"{model.id} is paid per {price.per.replace('_', ' ')}, and how many it takes is not known before."
        return None, price.currency, why
    return round(price.amount * units, 6), price.currency, ""


def _units(per: str, request: AnyRequest, model: ModelInfo, seconds: float | None) -> float | None:
    count = _count(request)
    if per in ("image", "video"):
        return count
    if per == "job":
        return 1
    if per == "compute_second":
        return seconds
    if per == "step":
        steps = request.num_inference_steps
        return None if steps is None else steps * count
    if per == "second":
        length = _length(request)
        return None if length is None else length * count
    pixels = _pixels(request, model)
    return None if pixels is None else max(1, math.ceil(pixels / 1e6)) * count


def _count(request: AnyRequest) -> int:
    if isinstance(request, UpscaleRequest):
        return 1
    return request.num_videos if isinstance(request, VideoRequest) else request.num_images


def _length(request: AnyRequest) -> float | None:
    """Return seconds of one video or sound."""
    if isinstance(request, UpscaleRequest):
        return None
    if not isinstance(request, VideoRequest) or request.duration is not None:
        return request.duration
    return request.num_frames / request.fps if request.num_frames and request.fps else None


def _pixels(request: AnyRequest, model: ModelInfo) -> float | None:
    """Return pixels of one output."""
    if isinstance(request, UpscaleRequest):
        return request.media.width * request.media.height * request.scale**2 or None
    if request.width and request.height:
        return request.width * request.height
    defaults = [can.sizes.default for can in model.operations.values() if can.sizes and can.sizes.default]
    return max((width * height for width, height in defaults), default=None)
