"""One thread that writes, many calls in one commit.

A durable commit costs milliseconds (it waits for the disk), so all writes that arrive while one commit is running
share the next one. Each write runs inside a savepoint: one that fails takes nothing else with it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")
Connect = Callable[[], AbstractContextManager["Connection"]]
MAX_GROUP = 500
_STOP: Any = object()


class Database:
    """Reads anywhere, writes through one thread.

    Args:
        engine: From :func:`diorama.database.connection.open_engine`, already migrated.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._door = threading.Lock()  # nothing may be queued behind the stop
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="diorama-writer", daemon=True)
        self._thread.start()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection for reading; it sees all commits made before it was opened."""
        with self.engine.connect() as connection:
            yield connection

    def write(self, action: Callable[[Connection], T]) -> Future[T]:
        """Run ``action`` in the next group commit.

        Returns:
            A future that is done when the commit is on disk, with what ``action`` returned or raised. Its callbacks
            run in the writer thread: they must be quick.
        """
        future: Future[T] = Future()
        with self._door:
            if self._closed:
                raise RuntimeError("The database is closed.")
            self._queue.put((action, future))
        return future

    def close(self) -> None:
        """Commit what is waiting and stop."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._queue.put(_STOP)
        self._thread.join()
        self.engine.dispose()

    def _run(self) -> None:
        if self.engine.dialect.name != "sqlite":
            self._take(
                self.engine.connect
            )  # a new one each time: the pool finds out whether the server is still there
            return
        with self.engine.connect() as connection:
            connection.info["writer"] = True
            self._take(lambda: nullcontext(connection))

    def _take(self, connect: Connect) -> None:
        stopping = False
        while not stopping:
            group = [self._queue.get()]
            while len(group) < MAX_GROUP and not self._queue.empty():
                group.append(self._queue.get())
            stopping = any(item is _STOP for item in group)
            work = [item for item in group if item is not _STOP]
            if work:
                _commit(connect, work)


def _commit(connect: Connect, work: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
    work = [item for item in work if item[1].set_running_or_notify_cancel()]
    results: list[tuple[Any, BaseException | None]] = []
    try:
        with connect() as connection, connection.begin():
            for action, _ in work:
                results.append(_attempt(connection, action))
    except BaseException as error:  # the transaction itself failed: nobody's write is on disk
        results = [(None, error)] * len(work)
    for (_, future), (value, failure) in zip(work, results, strict=True):
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(value)


def _attempt(connection: Connection, action: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    """Run one write in a savepoint; what it raises is its own affair.

    Raises:
        Exception: SQLite gave the whole transaction up (a full disk does that), and with it the writes before this one.
    """
    connection.exec_driver_sql("SAVEPOINT one_write")
    try:
        value = action(connection)
    except Exception as error:
        if lost(connection):
            raise
        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one_write")
        return None, error
    connection.exec_driver_sql("RELEASE SAVEPOINT one_write")
    return value, None


def lost(connection: Connection) -> bool:
    """Tell whether SQLite gave the whole transaction up: then nothing in it can be stored any more."""
    return not getattr(connection.connection.dbapi_connection, "in_transaction", True)
