"""What was spent: the sum that the page shows at its head."""

from __future__ import annotations

from typing import Annotated, Any

from diorama.database.tables import costs
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
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    with engine.database.read() as connection:
        for row in connection.execute(select(costs).where(costs.c.created_at >= since)):
            _add(sums, row.model.partition(":")[0], row)
    return reply({"since": iso_time(since), "costs": list(sums.values())})


def _add(sums: dict[tuple[str, str], dict[str, Any]], backend: str, row: Any) -> None:
    empty = {"backend": backend, "currency": row.currency, "amount": 0.0, "estimated": False, "jobs": 0}
    entry = sums.setdefault((backend, row.currency), empty)
    entry["amount"] = round(entry["amount"] + row.amount, 6)
    entry["estimated"] = entry["estimated"] or row.estimated
    entry["jobs"] += 1
