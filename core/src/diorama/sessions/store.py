"""Sessions: what a person was doing, restored after a reload and on another browser."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diorama.contract import InvalidRequest, NotFound
from diorama.contract.plain import dumps, loads
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.sessions.titles import title_from_prompt

if TYPE_CHECKING:
    from sqlalchemy import Connection

MAX_TITLE = 200
MAX_STATE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A row of sessions.

    Attributes:
        id: Made by us, or chosen by the client.
        kind: ``image`` or ``video``.
        title: Given by a person, or made from the first prompt.
        state: What the page wants back: draft prompt, chosen model and so on; at most 64 kB.
        owner: Identity that made it.
        created_at: Unix seconds.
        updated_at: Unix seconds of the last use.
        deleted_at: Unix seconds, while it can still be restored.
    """

    id: str
    kind: str
    title: str
    state: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    deleted_at: float | None = None


class SessionStore:
    """Sessions in the database. Reads and writes block for milliseconds; :meth:`touch` does not wait at all."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, *, kind: str = "image", title: str = "", owner: str = "", session_id: str | None = None
    ) -> Session:
        """Make a session; an id that exists already gives the existing one."""
        now = time.time()
        chosen = session_id or new_id()
        row = {
            "id": chosen, "kind": kind, "title": title.strip()[:MAX_TITLE], "owner": owner,
            "created_at": now, "updated_at": now,
        }  # fmt: skip
        self._database.write(lambda connection: _insert_new(connection, row)).result()
        return self.get(chosen)

    def get(self, session_id: str) -> Session:
        """Return a session, deleted or not.

        Raises:
            NotFound: there is no such session.
        """
        from sqlalchemy import select

        from diorama.database.tables import sessions

        with self._database.read() as connection:
            row = connection.execute(select(sessions).where(sessions.c.id == session_id)).mappings().first()
        if row is None:
            raise NotFound("There is no such session.", field="session_id", fix="Create one first.")
        return _session(dict(row))

    def list(
        self,
        *,
        kind: str | None = "image",
        deleted: bool = False,
        before: float | None = None,
        limit: int = 50,
    ) -> list[Session]:
        """Return sessions, last used first.

        Args:
            kind: ``image``, ``video``, or ``None`` for all.
            deleted: The deleted ones instead of the living.
            before: Only those used before this time; the way to the next page.
            limit: At most so many.
        """
        from sqlalchemy import select

        from diorama.database.tables import sessions

        statement = select(sessions).order_by(sessions.c.updated_at.desc(), sessions.c.id.desc()).limit(limit)
        column = sessions.c.deleted_at
        statement = statement.where(column.is_not(None) if deleted else column.is_(None))
        if kind is not None:
            statement = statement.where(sessions.c.kind == kind)
        if before is not None:
            statement = statement.where(sessions.c.updated_at < before)
        with self._database.read() as connection:
            return [_session(dict(row)) for row in connection.execute(statement).mappings()]

    def rename(self, session_id: str, title: str) -> Session:
        """Give a session another title.

        Raises:
            NotFound: there is no such session.
            InvalidRequest: the title is empty.
        """
        cleaned = " ".join(title.split())[:MAX_TITLE]
        if not cleaned:
            raise InvalidRequest("A title needs at least one character.", field="title", fix="Write a title.")
        return self._change(session_id, title=cleaned)

    def keep_state(self, session_id: str, state: Mapping[str, Any]) -> Session:
        """Replace what the page wants back.

        Raises:
            NotFound: there is no such session.
            InvalidRequest: it is too large.
        """
        encoded = dumps(dict(state))
        if len(encoded) > MAX_STATE_BYTES:
            raise InvalidRequest(
                "The state of a session may have 64 kB.", field="state", fix="Keep pictures out of it."
            )
        return self._change(session_id, state=encoded.decode())

    def delete(self, session_id: str) -> Session:
        """Put a session away; its jobs and assets stay, and it can be restored."""
        return self._change(session_id, deleted_at=time.time())

    def restore(self, session_id: str) -> Session:
        """Bring a deleted session back."""
        return self._change(session_id, deleted_at=None)

    def touch(self, session_id: str, kind: str, prompt: str = "", owner: str = "") -> Future[None]:
        """Note a use: the session is made when it does not exist, named after ``prompt`` while it has no title."""
        return self._database.write(lambda connection: _touch(connection, session_id, kind, prompt, owner))

    def _change(self, session_id: str, **values: Any) -> Session:
        from sqlalchemy import update

        from diorama.database.tables import sessions

        statement = (
            update(sessions).where(sessions.c.id == session_id).values(updated_at=time.time(), **values)
        )
        self._database.write(lambda connection: connection.execute(statement).rowcount).result()
        return self.get(session_id)


def _insert_new(connection: Connection, row: Mapping[str, Any]) -> None:
    from sqlalchemy import insert, select

    from diorama.database.tables import sessions

    if connection.execute(select(sessions.c.id).where(sessions.c.id == row["id"])).first() is None:
        connection.execute(insert(sessions).values(row))


def _touch(connection: Connection, session_id: str, kind: str, prompt: str, owner: str) -> None:
    from sqlalchemy import insert, select, update

    from diorama.database.tables import sessions

    now = time.time()
    title = title_from_prompt(prompt) if prompt else ""
    row = connection.execute(select(sessions.c.title).where(sessions.c.id == session_id)).first()
    if row is None:
        connection.execute(
            insert(sessions).values(
                id=session_id, kind=kind, title=title, owner=owner, created_at=now, updated_at=now
            )
        )
        return
    values = {"updated_at": now} if row.title or not title else {"updated_at": now, "title": title}
    connection.execute(update(sessions).where(sessions.c.id == session_id).values(**values))


def _session(row: Mapping[str, Any]) -> Session:
    return Session(**{**row, "state": loads(row["state"]) if row["state"] else {}})
