"""What was spent: the sum that the page shows at its head."""

from __future__ import annotations

from typing import Annotated, Any

from diorama.contract.plain import loads
from diorama.database.tables import jobs
from fastapi import Query
from pydantic import Field
from sqlalchemy import select
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import iso_time, reply
from diorama_web.schemas.base import View

router = private_router(tag="system")


class Spent(View):
    """Costs of one backend in one currency."""

    backend: str
    currency: str
    amount: float
    estimated: bool = Field(description="True when the provider did not say the price of every job.")
    jobs: int


class UsageView(View):
    """Costs since a moment."""

    since: str
    costs: list[Spent]


@router.get("/usage", response_model=UsageView)
def get_usage(
    engine: EngineDep, since: Annotated[float, Query(ge=0, description="Unix seconds.")]
) -> Response:
    """Return what jobs cost that were submitted since a moment, by backend and currency."""
    wanted = select(jobs.c.model, jobs.c.cost).where(jobs.c.created_at >= since, jobs.c.cost.is_not(None))
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    with engine.database.read() as connection:
        for model, cost in connection.execute(wanted):
            _add(sums, model.partition(":")[0], loads(cost))
    return reply({"since": iso_time(since), "costs": list(sums.values())})


def _add(sums: dict[tuple[str, str], dict[str, Any]], backend: str, cost: dict[str, Any]) -> None:
    key = (backend, cost.get("currency") or "USD")
    empty = {"backend": backend, "currency": key[1], "amount": 0.0, "estimated": False, "jobs": 0}
    entry = sums.setdefault(key, empty)
    entry["amount"] = round(entry["amount"] + float(cost.get("amount") or 0.0), 6)
    entry["estimated"] = entry["estimated"] or bool(cost.get("estimated"))
    entry["jobs"] += 1
