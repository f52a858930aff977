"""Requests that never became a job, with what was wrong with them: the newest few, so that nobody can fill the disk."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diorama.contract import NotFound
from diorama.contract.plain import dumps, loads
from diorama.database.writer import Database
from diorama.ids import first_id_at, id_time, new_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 500
"""How many are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A refused request.

    Attributes:
        id: Sorts by time together with the ids of jobs.
        kind: What was wanted: a word of :class:`~diorama.jobs.records.JobKind`.
        model: As it was named; may be empty.
        prompt: As it was sent; may be empty.
        error: The answer, as :meth:`~diorama.contract.DioramaError.describe` gives it.
        request: Body without files.
        session_id: Session it was sent for.
        owner: Identity that sent it.
    """

    kind: str
    error: Mapping[str, Any]
    model: str = ""
    prompt: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    session_id: str | None = None
    owner: str = ""
    id: str = field(default_factory=new_id)

    @property
    def created_at(self) -> float:
        """Unix seconds."""
        return id_time(self.id)


class Refusals:
    """Refused requests in the database, at most :data:`MOST` of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, refusal: Refusal) -> Future[None]:
        """Store one, without waiting for the disk; the oldest beyond :data:`MOST` go."""
        return self._database.write(lambda connection: _insert(connection, refusal))

    def list(self, *, kind: str | None = None, before: str | None = None, limit: int = 50) -> list[Refusal]:
        """Return refusals, newest first.

        Args:
            kind: Only those of this kind.
            before: Only those with smaller ids.
            limit: At most so many.
        """
        from sqlalchemy import select

        from diorama.database.tables import refusals

        query = select(refusals).order_by(refusals.c.id.desc()).limit(limit)
        if kind is not None:
            query = query.where(refusals.c.kind == kind)
        if before is not None:
            query = query.where(refusals.c.id < before)
        with self._database.read() as connection:
            return [_refusal(dict(row)) for row in connection.execute(query).mappings()]

    def get(self, refusal_id: str) -> Refusal:
        """Return one.

        Raises:
            NotFound: there is none of that id.
        """
        from sqlalchemy import select

        from diorama.database.tables import refusals

        with self._database.read() as connection:
            row = connection.execute(select(refusals).where(refusals.c.id == refusal_id)).mappings().first()
        if row is None:
            raise NotFound("There is no such request.", field="log_id", fix="Check the id.")
        return _refusal(dict(row))

    def forget(self, refusal_id: str) -> bool:
        """Remove one; false when there is none of that id."""
        from sqlalchemy import delete

        from diorama.database.tables import refusals

        statement = delete(refusals).where(refusals.c.id == refusal_id)
        return bool(self._database.write(lambda connection: connection.execute(statement).rowcount).result())

    def clear(self, *, kind: str | None = None, keep: int = 0, before: float | None = None) -> int:
        """Remove those that fit, and return how many.

        Args:
            kind: Only those of this kind.
            keep: Leave so many of the newest.
            before: Only those refused before this time, in Unix seconds.
        """
        from sqlalchemy import delete, select

        from diorama.database.tables import refusals

        statement = delete(refusals)
        if kind is not None:
            statement = statement.where(refusals.c.kind == kind)
        if before is not None:
            statement = statement.where(refusals.c.id < first_id_at(before))
        if keep:
            newest = select(refusals.c.id).order_by(refusals.c.id.desc()).limit(keep)
            statement = statement.where(refusals.c.id.not_in(newest))
        return int(self._database.write(lambda connection: connection.execute(statement).rowcount).result())


def _insert(connection: Connection, refusal: Refusal) -> None:
    from sqlalchemy import delete, insert, select

    from diorama.database.tables import refusals

    connection.execute(
        insert(refusals).values(
            id=refusal.id, kind=refusal.kind, model=refusal.model, prompt=refusal.prompt,
            session_id=refusal.session_id, owner=refusal.owner,
            request=dumps(dict(refusal.request)).decode(), error=dumps(dict(refusal.error)).decode(),
        )
    )  # fmt: skip
    edge = select(refusals.c.id).order_by(refusals.c.id.desc()).offset(MOST).limit(1).scalar_subquery()
    connection.execute(delete(refusals).where(refusals.c.id <= edge))


def _refusal(row: dict[str, Any]) -> Refusal:
    return Refusal(**{**row, "request": loads(row["request"]), "error": loads(row["error"])})
