"""What was spent, by day, model, session or backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from diorama.database.writer import Database

By = Literal["day", "model", "session", "backend"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostLine:
    """One sum.

    Attributes:
        key: The day (``YYYY-MM-DD``), model id, session id (empty for jobs without one) or backend id.
        currency: ISO 4217 code, or ``credits``.
        amount: The sum.
        estimated: True unless the provider told the figure of every job.
        jobs: How many jobs it is made of.
    """

    key: str
    currency: str
    amount: float
    estimated: bool
    jobs: int


class Costs:
    """Reads the books.

    Args:
        database: Migrated.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def report(
        self,
        by: By = "day",
        *,
        since: str | None = None,
        until: str | None = None,
        model: str | None = None,
        session_id: str | None = None,
    ) -> list[CostLine]:
        """Return sums: days newest first, all else dearest first.

        Args:
            by: What to sum over.
            since: First day, ``YYYY-MM-DD``.
            until: Last day, included.
            model: Only this model.
            session_id: Only this session.
        """
        from sqlalchemy import Integer, cast, func, literal_column, select

        from diorama.database.tables import costs

        column = {"day": costs.c.day, "session": func.coalesce(costs.c.session_id, literal_column("''"))}.get(
            by, costs.c.model
        )
        sums = (
            column.label("key"), costs.c.currency, func.sum(costs.c.amount), func.count(),
            func.max(cast(costs.c.estimated, Integer)),
        )  # fmt: skip
        query = select(*sums).group_by(column, costs.c.currency)
        if since is not None:
            query = query.where(costs.c.day >= since)
        if until is not None:
            query = query.where(costs.c.day <= until)
        for name, wanted in (("model", model), ("session_id", session_id)):
            if wanted is not None:
                query = query.where(costs.c[name] == wanted)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        lines = [
            CostLine(
                key=row[0], currency=row[1], amount=round(row[2], 6), jobs=row[3], estimated=bool(row[4])
            )
            for row in rows
        ]
        if by == "backend":
            lines = _by_backend(lines)
        if by == "day":
            return sorted(lines, key=lambda line: (line.key, line.currency), reverse=True)
        return sorted(lines, key=lambda line: (-line.amount, line.key))


def _by_backend(lines: list[CostLine]) -> list[CostLine]:
    merged: dict[tuple[str, str], CostLine] = {}
    for line in lines:
        key = (line.key.partition(":")[0], line.currency)
        known = merged.get(key, CostLine(key=key[0], currency=key[1], amount=0.0, estimated=False, jobs=0))
        merged[key] = CostLine(
            key=key[0], currency=key[1], amount=round(known.amount + line.amount, 6),
            estimated=known.estimated or line.estimated, jobs=known.jobs + line.jobs,
        )  # fmt: skip
    return list(merged.values())
