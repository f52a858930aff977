"""Ends of jobs with the assets and costs that belong to them: many in one transaction, each with an answer of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql.dml import Update

from diorama.contract import Conflict
from diorama.database.writer import Database, lost
from diorama.jobs.crash import point
from diorama.jobs.records import Job

InsertAssets = Callable[[Connection, Sequence[Mapping[str, Any]]], None]
Settle = Callable[[Connection, Sequence[Job]], None]


@dataclass(slots=True, eq=False)
class Ending:
    """One job in its final state.

    Attributes:
        job: The job.
        values: Parameters of the statement that ends it.
        rows: Rows of its assets.
        insert_assets: Stores ``rows``.
        settle: Books what it cost; ``None`` for a job that cost nothing.
        stored: Done when all of it is on disk.
    """

    job: Job
    values: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]] = ()
    insert_assets: InsertAssets | None = None
    settle: Settle | None = None
    stored: Future[None] = field(default_factory=Future)


class Endings:
    """Stores endings; those that arrive during one commit travel together in the next.

    Args:
        database: Where they are stored.
        statement: Ends one row per dict of parameters, and no row that is final already.
    """

    def __init__(self, database: Database, statement: Update) -> None:
        self._database, self._statement = database, statement
        self._lock = threading.Lock()
        self._batch: list[Ending] | None = None

    def add(self, ending: Ending) -> Future[None]:
        """Store an ending.

        Returns:
            A future that raises :class:`Conflict` when the row is gone or final already; then nothing was stored.

        Raises:
            RuntimeError: the database is closed.
        """
        with self._lock:
            batch = self._batch
            written = None
            if batch is None:
                batch = []
                written = self._database.write(partial(self._drain, batch))
                self._batch = batch
            batch.append(ending)
        if written is not None:
            written.add_done_callback(partial(self._answer, batch))
        return ending.stored

    def _drain(self, batch: Sequence[Ending], connection: Connection) -> list[BaseException | None]:
        with self._lock:
            self._batch = None
        try:
            with connection.begin_nested():
                self._store(connection, batch)
        except Exception:
            if len(batch) == 1 or lost(connection):
                raise
            return [self._alone(connection, ending) for ending in batch]
        return [None] * len(batch)

    def _alone(self, connection: Connection, ending: Ending) -> BaseException | None:
        """Store one of several of which at least one cannot be stored."""
        try:
            with connection.begin_nested():
                self._store(connection, [ending])
        except Exception as error:
            if lost(connection):
                raise
            return error
        return None

    def _store(self, connection: Connection, endings: Sequence[Ending]) -> None:
        rows = [row for ending in endings for row in ending.rows]
        insert = next((ending.insert_assets for ending in endings if ending.insert_assets), None)
        settle = next((ending.settle for ending in endings if ending.settle), None)
        if rows and insert is not None:
            insert(connection, rows)
        if settle is not None:
            settle(connection, [ending.job for ending in endings if ending.settle])
        if connection.execute(self._statement, [ending.values for ending in endings]).rowcount != len(
            endings
        ):
            raise Conflict(f"The job {endings[0].job.id} was final already.")
        point("before_commit")

    def _answer(self, batch: list[Ending], done: Future[list[BaseException | None]]) -> None:
        with self._lock:  # a transaction that was lost may never have come to the batch
            if self._batch is batch:
                self._batch = None
        error = done.exception()
        failures = [error] * len(batch) if error is not None else done.result()
        for ending, failure in zip(batch, failures, strict=True):
            if failure is not None:
                ending.stored.set_exception(failure)
            else:
                ending.stored.set_result(None)
