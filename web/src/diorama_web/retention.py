"""How long finished requests are kept, as people set it: a number of them, a number of days, or for good."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

from diorama.jobs.events import Event
from diorama.sessions.preferences import Preferences

if TYPE_CHECKING:
    from diorama.engine import Engine
    from diorama.jobs.refusals import Refusals

log = logging.getLogger(__name__)
DAY = 86_400.0
PAUSE_SECONDS = 5.0
"""Jobs that end meanwhile share one tidying."""


class Retention:
    """Forgets finished jobs beyond the limits: at the start, when a job has ended, and when a limit was changed.

    Args:
        engine: Started.
        preferences: Hold ``log_limit`` (entries) and ``log_days``; 0 keeps all.
        refusals: Refused requests, which the same limits hold for.
    """

    def __init__(self, engine: Engine, preferences: Preferences, refusals: Refusals) -> None:
        self._engine, self._preferences, self._refusals = engine, preferences, refusals
        self._due, self._closed = threading.Event(), threading.Event()
        self._leave = engine.events.subscribe(self._heard)
        self._due.set()
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def apply(self) -> int:
        """Forget what is beyond the limits now, and return how many requests that were."""
        limit = int(self._preferences.cached.get("log_limit") or 0)
        days = int(self._preferences.cached.get("log_days") or 0)
        gone = 0
        if limit:
            gone += self._engine.queue.clear(keep=limit) + self._refusals.clear(keep=limit)
        if days:
            edge = time.time() - days * DAY
            gone += self._engine.queue.clear(finished_before=edge) + self._refusals.clear(before=edge)
        return gone

    def close(self) -> None:
        """Stop; a tidying that has begun ends first."""
        self._leave()
        self._closed.set()
        self._due.set()
        self._thread.join()

    def _heard(self, event: Event) -> None:
        if event.final:
            self._due.set()

    def _run(self) -> None:
        while True:
            self._due.wait()
            if self._closed.is_set():
                return
            self._due.clear()
            try:
                self.apply()
            except Exception:
                log.exception("Forgetting old requests failed")
            self._closed.wait(PAUSE_SECONDS)
