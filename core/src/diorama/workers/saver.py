"""Encoding finished outputs in the background, so that saving one overlaps making the next."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future

from diorama.assets.staged import StagedOutput

Work = Callable[[], StagedOutput]

_WAITING = 2
"""Outputs that may wait; a backend that is faster than encoding waits then, so that memory stays bounded."""


class Saver:
    """One thread that stages outputs in order and delivers each one.

    Args:
        deliver: Takes each finished output.
        stopped: Whether outputs are no longer wanted; they are dropped then.
    """

    def __init__(self, deliver: Callable[[StagedOutput], None], stopped: Callable[[], bool]) -> None:
        self._deliver = deliver
        self._stopped = stopped
        self._queue: queue.Queue[tuple[Work, Future[StagedOutput | None]] | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._open: list[Future[StagedOutput | None]] = []

    def submit(self, work: Work) -> Future[StagedOutput | None]:
        """Queue ``work``; the future holds its output, or ``None`` when it was dropped. Waits while the queue is full.

        Raises:
            Exception: what an earlier output raised that nobody waited for.
        """
        self._raise_finished()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
            self._thread.start()
        future: Future[StagedOutput | None] = Future()
        self._open.append(future)
        self._queue.put((work, future))
        return future

    def wait_for(self, future: Future[StagedOutput | None]) -> StagedOutput | None:
        """Return one output, or raise its error, which is then not raised again later."""
        try:
            return future.result()
        finally:
            self._open.remove(future)

    def now(self, work: Work) -> StagedOutput | None:
        """Do ``work`` before returning, after all that was submitted; without a thread when there is none yet."""
        if self._thread is not None:
            return self.wait_for(self.submit(work))
        return self._delivered(work)

    @property
    def busy(self) -> bool:
        """Whether an output is not finished yet."""
        return any(not future.done() for future in self._open)

    def finish(self) -> None:
        """Wait until everything is delivered.

        Raises:
            Exception: what an output raised.
        """
        for future in list(self._open):
            self.wait_for(future)

    def close(self) -> None:
        """End the thread after what it is doing."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _raise_finished(self) -> None:
        for future in [future for future in self._open if future.done()]:
            self.wait_for(future)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, future = item
            try:
                future.set_result(self._delivered(work))
            except BaseException as error:
                future.set_exception(error)

    def _delivered(self, work: Work) -> StagedOutput | None:
        output = None if self._stopped() else work()
        if output is not None and not self._stopped():
            self._deliver(output)
        return output
