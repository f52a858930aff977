"""Progress reports thinned out on their way, so that the last one always arrives."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable

Report = Callable[[], None]


class Thinner:
    """Passes on one report per ``gap``; one that comes earlier waits, and only a newer one takes its place.

    Args:
        gap: Seconds between two reports.
    """

    def __init__(self, gap: float) -> None:
        self._gap = gap
        self._lock = threading.Lock()
        self._sent = 0.0
        self._waiting: Report | None = None

    def send(self, report: Report) -> None:
        """Pass a report on now; one that waits is out of date.

        Raises:
            Exception: what ``report`` raised.
        """
        with self._lock:
            self._waiting, self._sent = None, time.monotonic()
            report()

    def offer(self, report: Report) -> None:
        """Pass a report on now or, when another went shortly before, a moment later from another thread.

        Raises:
            Exception: what ``report`` raised, when it went at once.
        """
        with self._lock:
            due = self._sent + self._gap
            if self._waiting is None and time.monotonic() >= due:
                self._sent = time.monotonic()
                report()
                return
            started, self._waiting = self._waiting is not None, report
        if not started:
            _clock.call(due, self.flush)

    def flush(self) -> None:
        """Pass on the report that waits, if there is one; whoever made it is told nothing of a failure any more."""
        with self._lock:
            report, self._waiting = self._waiting, None
            if report is None:
                return
            self._sent = time.monotonic()
            try:
                report()
            except Exception:
                return  # the job is over or its worker is; the next report of a living one tells what is wrong

    def drop(self) -> None:
        """Forget the report that waits."""
        with self._lock:
            self._waiting = None


class _Clock:
    """One thread for all that is due later; it starts with the first."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, Report]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None

    def call(self, when: float, action: Report) -> None:
        """Call ``action``, which must be quick, at ``when`` (monotonic seconds)."""
        with self._wake:
            heapq.heappush(self._due, (when, next(self._numbers), action))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="diorama-thinning", daemon=True)
                self._thread.start()
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._due or self._due[0][0] > time.monotonic():
                    self._wake.wait(self._due[0][0] - time.monotonic() if self._due else None)
                action = heapq.heappop(self._due)[2]
            action()


_clock = _Clock()
