"""Offers, estimates, costs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from diorama_web.schemas.base import Body, NoteView, View
from diorama_web.schemas.jobs import KindWord
from diorama_web.schemas.submissions import JobRequest

ByWord = Literal["day", "model", "session", "backend"]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
"""A calendar day of the server's machine."""


class EstimateRequest(JobRequest):
    """One request, or many under `jobs`."""

    jobs: list[JobRequest] = Field(default=[], max_length=10_000)


class JobEstimate(View):
    """What one request will cost and take."""

    model: str = Field(description="The offer it would go to.")
    amount: float | None = Field(
        description="0 where nothing is to be paid; null where it is not known before."
    )
    currency: str
    seconds: float | None = Field(description="Null where work like it was never measured.")
    why: str = Field(description="Why the amount is not known.")


class EstimateView(View):
    """What requests will cost and take together."""

    jobs: list[JobEstimate]
    totals: dict[str, float] = Field(description="By currency; credits of providers are never converted.")
    unknown: int = Field(description="How many requests have no known price.")
    seconds: float | None
    refused: str | None = Field(description="The spending cap that would refuse them now.")


class PlanReply(View):
    """What would run, and what it would cost."""

    kind: KindWord
    model: str
    applied: dict[str, Any]
    adjusted: list[NoteView]
    ignored: list[NoteView]
    estimate: EstimateView


class CostLineView(View):
    """One sum."""

    key: str
    currency: str
    amount: float
    estimated: bool = Field(description="False when the provider told the figure of every job.")
    jobs: int


class CapsView(View):
    """What may be spent, by currency; empty for no limit."""

    per_job: dict[str, float]
    per_day: dict[str, float]
    per_session: dict[str, float]


Currency = Annotated[str, Field(pattern=r"^([A-Z]{3}|credits)$")]
Amounts = dict[Currency, Annotated[float, Field(ge=0, le=1e9)]]


class CapsChange(Body):
    """New caps by currency; an empty one is no limit, what is left out stays."""

    per_job: Amounts | None = None
    per_day: Amounts | None = None
    per_session: Amounts | None = None


class CostsView(View):
    """What was spent."""

    by: ByWord
    costs: list[CostLineView]
    today: list[CostLineView]
    caps: CapsView


class ProviderChange(Body):
    """New values; what is left out stays, and null returns to what it was without us."""

    api_key: str | None = Field(None, min_length=1, max_length=8192)
    secrets: dict[str, Annotated[str, Field(min_length=1, max_length=8192)] | None] = Field(
        default={}, max_length=8, description="Further keys by name, where a provider reads several."
    )
    api_url: str | None = Field(None, min_length=1, max_length=2048)
    is_enabled: bool | None = None
