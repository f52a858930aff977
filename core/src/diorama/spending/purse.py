"""Caps on spending. Estimates are booked in the transaction that accepts the jobs, so none can slip past a cap."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.access.provider_file import write_table
from diorama.contract import InvalidRequest
from diorama.jobs.records import Job
from diorama.settings import SpendingSettings, read_table
from diorama.spending.estimate import Estimate

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

_HEADER = (
    "# Written by Diorama when caps are changed in the page or through the API; goes over config.toml.\n"
)
TOLERANCE = 1e-9
"""Sums of decimal prices may be off by this much; a cap of 0.3 takes three jobs of 0.1."""


def day_of(seconds: float) -> str:
    """Return the calendar day of this machine at a moment, as ``YYYY-MM-DD``."""
    return time.strftime("%Y-%m-%d", time.localtime(seconds))


class Purse:
    """Books what jobs cost and refuses those that would pass a cap; implements ``diorama.jobs.seams.Purse``.

    Args:
        caps: What may be spent.
        file: Where changed caps are kept; ``None`` keeps them until the end of the process.
    """

    def __init__(self, caps: SpendingSettings, file: Path | None = None) -> None:
        self.caps = caps
        self._file = file
        self._lock = threading.Lock()

    def change(self, caps: Mapping[str, Mapping[str, float]]) -> SpendingSettings:
        """Set caps from the next job on, and keep them; jobs that were accepted go on.

        Args:
            caps: Amounts by currency under ``per_job``, ``per_day``, ``per_session``; empty for no limit. What is left
                out stays.

        Raises:
            InvalidRequest: a variable sets one of them, and would win again at the next start.
        """
        for name in caps:
            variable = f"DIORAMA_SPENDING__{name}".upper()
            if any(known == variable or known.startswith(variable + "__") for known in os.environ):
                raise InvalidRequest(
                    f"The variable {variable} decides this.",
                    field=name,
                    fix="Unset it, or change it and restart.",
                )
        changes: dict[str, Any] = {name: dict(amounts) for name, amounts in caps.items()}
        with self._lock:
            if self._file is not None:
                write_table(self._file, _HEADER, {**read_table(self._file), **changes})
            self.caps = replace(self.caps, **changes)
            return self.caps

    def check(self, estimate: Estimate) -> None:
        """Refuse a job by itself: dearer than the cap of a job, or of unknown price while there is any cap.

        Raises:
            InvalidRequest: with the cap and what would help.
        """
        caps = self.caps
        if estimate.amount is None and (caps.per_job or caps.per_day or caps.per_session):
            raise InvalidRequest(
                f"Spending is capped, and the price of this job is not known. {estimate.why}",
                field="spending",
                fix=f'Give it a price in prices.toml, such as "{estimate.model}" = 0.05, or choose another model.',
            )
        _refuse_above(
            caps.per_job, "per_job", estimate.currency, 0.0, estimate.amount or 0.0, "This job would cost"
        )

    def admit(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Book the estimates of jobs, in place of earlier ones of theirs.

        Raises:
            InvalidRequest: a cap would be passed; nothing is booked.
        """
        from sqlalchemy import delete, insert

        from diorama.database.tables import costs

        rows = [_row(job) for job in jobs if job.cost]
        connection.execute(delete(costs).where(costs.c.job_id.in_([job.id for job in jobs])))
        self.check_sums(connection, rows)
        if rows:
            connection.execute(insert(costs), rows)

    def quoted(self, connection: Connection, job: Job) -> None:
        """Book what a provider asks for a job just before it is sent, in place of its estimate.

        Raises:
            InvalidRequest: the cap of a job, a day or a session would be passed; the estimate stays booked.
        """
        cost = job.cost or {}
        currency, amount = str(cost.get("currency", "USD")), float(cost.get("amount", 0.0))
        _refuse_above(self.caps.per_job, "per_job", currency, 0.0, amount, "The provider asks for")
        self.admit(connection, [job])

    def check_sums(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Refuse rows that would pass the cap of a day or of a session, together with what is booked.

        Raises:
            InvalidRequest: with the cap and what is spent.
        """
        from diorama.database.tables import costs

        days: dict[tuple[str, str], float] = {}
        sessions: dict[tuple[str, str], float] = {}
        for row in rows:
            _add(days, (row["day"], row["currency"]), row["amount"])
            if row["session_id"]:
                _add(sessions, (row["session_id"], row["currency"]), row["amount"])
        for sums, column, cap, word in (
            (days, costs.c.day, "per_day", "today"),
            (sessions, costs.c.session_id, "per_session", "in this session"),
        ):
            for (key, currency), amount in sums.items():
                limits = getattr(self.caps, cap)
                if currency in limits:
                    spent = _booked(connection, (column == key) & (costs.c.currency == currency))
                    _refuse_above(
                        limits, cap, currency, spent, amount, f"With what is spent {word}, this makes"
                    )

    def settle(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Book what finished jobs cost; those that cost nothing leave the books."""
        from sqlalchemy import bindparam, delete, insert, select, update

        from diorama.database.tables import costs

        free = [job.id for job in jobs if not job.cost]
        if free:
            connection.execute(delete(costs).where(costs.c.job_id.in_(free)))
        rows = [_row(job) for job in jobs if job.cost]
        if not rows:
            return
        names = ("model", "currency", "amount", "estimated")
        query = update(costs).where(costs.c.job_id == bindparam("of"))
        query = query.values({name: bindparam(f"new_{name}") for name in names})
        changes = [{"of": row["job_id"]} | {f"new_{name}": row[name] for name in names} for row in rows]
        if connection.execute(query, changes).rowcount == len(rows):
            return
        ids = [row["job_id"] for row in rows]
        booked = set(connection.execute(select(costs.c.job_id).where(costs.c.job_id.in_(ids))).scalars())
        connection.execute(insert(costs), [row for row in rows if row["job_id"] not in booked])


def booking(
    cost: Mapping[str, Any], *, model: str, session_id: str | None, owner: str, at: float, job_id: str = ""
) -> dict[str, Any]:
    """Return the row that a cost makes."""
    return {
        "job_id": job_id,
        "day": day_of(at),
        "model": model,
        "session_id": session_id,
        "owner": owner,
        "currency": str(cost["currency"]),
        "amount": float(cost["amount"]),
        "estimated": bool(cost["estimated"]),
        "created_at": at,
    }


def _row(job: Job) -> dict[str, Any]:
    return booking(
        job.cost or {}, model=job.model, session_id=job.session_id, owner=job.owner,
        at=job.created_at or time.time(), job_id=job.id,
    )  # fmt: skip


def _add(sums: dict[tuple[str, str], float], key: tuple[str, str], amount: float) -> None:
    sums[key] = sums.get(key, 0.0) + amount


def _booked(connection: Connection, where: ColumnElement[bool]) -> float:
    from sqlalchemy import func, select

    from diorama.database.tables import costs

    return float(connection.execute(select(func.sum(costs.c.amount)).where(where)).scalar() or 0.0)


def _refuse_above(
    limits: Mapping[str, float], cap: str, currency: str, spent: float, amount: float, words: str
) -> None:
    limit = limits.get(currency)
    if limit is None or amount <= 0 or spent + amount <= limit + TOLERANCE:
        return
    raise InvalidRequest(
        f"{words} {spent + amount:.6g} {currency}; the cap spending.{cap} is {limit:.6g} {currency}.",
        field=f"spending.{cap}",
        fix=f"Ask for less, choose a cheaper model, or raise {cap} under [spending].",
    )
