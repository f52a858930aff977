"""One thread that writes, many calls in one commit.

A durable commit costs milliseconds (it waits for the disk), so all writes that arrive while one commit is running
share the next one. Each write runs inside a savepoint: one that fails takes nothing else with it.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

T = TypeVar("T")
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
        if self._closed:
            raise RuntimeError("The database is closed.")
        future: Future[T] = Future()
        self._queue.put((action, future))
        return future

    def close(self) -> None:
        """Commit what is waiting and stop."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(_STOP)
        self._thread.join()
        self.engine.dispose()

    def _run(self) -> None:
        stopping = False
        with self.engine.connect() as connection:
            connection.info["writer"] = True
            while not stopping:
                group = [self._queue.get()]
                while len(group) < MAX_GROUP and not self._queue.empty():
                    group.append(self._queue.get())
                stopping = any(item is _STOP for item in group)
                work = [item for item in group if item is not _STOP]
                if work:
                    _commit(connection, work)


def _commit(connection: Connection, work: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
    results: list[tuple[Future[Any], Any, BaseException | None]] = []
    try:
        with connection.begin():
            for action, future in work:
                if not future.set_running_or_notify_cancel():
                    continue
                results.append((future, *_attempt(connection, action)))
    except BaseException as error:  # the commit itself failed: nobody's write is on disk
        results = [(future, None, error) for future, _, _ in results]
    for future, value, failure in results:
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(value)


def _attempt(connection: Connection, action: Callable[[Connection], Any]) -> tuple[Any, BaseException | None]:
    try:
        with connection.begin_nested():
            return action(connection), None
    except Exception as error:
        return None, error
