"""Many small writes of one kind as one statement."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Insert, Update

from diorama.database.writer import Database
from diorama.jobs.crash import point


class BatchedWrite:
    """Collects parameters of one statement: those that arrive during one commit travel together in the next.

    The order of the calls is kept.

    Args:
        database: Where it is written.
        statement: Takes one dict of parameters per row.
    """

    def __init__(self, database: Database, statement: Insert | Update) -> None:
        self._database = database
        self._statement = statement
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._future: Future[None] | None = None

    def add(self, *rows: dict[str, Any]) -> Future[None]:
        """Add rows; the future is done when they are on disk."""
        with self._lock:
            self._waiting.extend(rows)
            fresh = self._future is None
            if self._future is None:
                self._future = self._database.write(self._drain)
            future = self._future
        if fresh:
            future.add_done_callback(self._forget)
        return future

    def _forget(self, done: Future[None]) -> None:
        """A transaction that was lost may never have come to the rows: later ones must not join them."""
        with self._lock:
            if self._future is done:
                self._waiting, self._future = [], None

    def _drain(self, connection: Connection) -> None:
        with self._lock:
            rows, self._waiting, self._future = self._waiting, [], None
        connection.execute(self._statement, rows)
        if any("new_finished" in row for row in rows):
            point("before_commit")
