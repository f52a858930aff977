"""Events of jobs for listeners on the event loop.

The engine publishes from its own threads. One subscription per job wakes the loop once per burst; each listener then
reads from the hub's ring at its own pace, so that a slow one holds nobody up and costs no queue of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.engine import Engine
    from diorama.jobs.events import Event
    from diorama.jobs.records import Job

HEARTBEAT_SECONDS = 15.0
MAX_LISTENERS = 2000
RECENT = 2048
"""Events over all jobs that are kept for those who follow all."""


class _Topic:
    """The listeners of one job, or of all jobs."""

    def __init__(self) -> None:
        self.listeners: set[asyncio.Event] = set()
        self.unsubscribe: Callable[[], None] = lambda: None


class Followers:
    """The listeners of this server. All methods but the hub's callback run on the event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._topics: dict[str | None, _Topic] = {}
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._lock = threading.Lock()
        self._changed: set[str | None] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def count(self) -> int:
        """Open connections."""
        return sum(len(topic.listeners) for topic in self._topics.values())

    def since(self, job_id: str | None, after: int) -> list[Event]:
        """Return the kept events with ids above ``after``, of one job or (``None``) of all."""
        if job_id is not None:
            kept: list[Event] = self._engine.events.kept(job_id, after)
            return kept
        with self._lock:
            return [event for event in self._recent if event.id > after]

    async def follow(self, job_id: str | None, after: int) -> AsyncIterator[list[Event]]:
        """Yield lists of events with ids above ``after``; an empty list every 15 s of silence.

        Args:
            job_id: One job, or ``None`` for all.
            after: Id of the last event the listener has.
        """
        topic = self._join(job_id)
        wake = asyncio.Event()
        topic.listeners.add(wake)
        try:
            while not self._closed:
                wake.clear()
                events = self.since(job_id, after)
                if events:
                    after = events[-1].id
                    yield events
                    continue
                try:
                    await asyncio.wait_for(wake.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield []
        finally:
            topic.listeners.discard(wake)
            self._leave(job_id, topic)

    async def until_final(self, job: Job) -> Job:
        """Wait for the end of a job without holding a thread, and return it as it then is."""
        async for events in self.follow(job.id, 0):
            if not events or any(event.final for event in events):
                job = await asyncio.to_thread(self._engine.job, job.id)
                if job.status.final:
                    break
        return job

    def close(self) -> None:
        """End all listeners, so that the server can stop."""
        self._closed = True
        for topic in self._topics.values():
            for wake in topic.listeners:
                wake.set()

    def _join(self, job_id: str | None) -> _Topic:
        topic = self._topics.get(job_id)
        if topic is None:
            self._loop = asyncio.get_running_loop()
            topic = self._topics[job_id] = _Topic()
            topic.unsubscribe = self._engine.events.subscribe(partial(self._published, job_id), job_id)
        return topic

    def _leave(self, job_id: str | None, topic: _Topic) -> None:
        if not topic.listeners and self._topics.get(job_id) is topic:
            del self._topics[job_id]
            topic.unsubscribe()

    def _published(self, topic: str | None, event: Event) -> None:
        """Called by the hub, in any thread, with its lock held."""
        with self._lock:
            if topic is None:
                self._recent.append(event)
            first = not self._changed
            self._changed.add(topic)
        if first and self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # the loop has ended; nobody listens any more
                return

    def _wake(self) -> None:
        with self._lock:
            changed, self._changed = self._changed, set()
        for name in changed:
            topic = self._topics.get(name)
            for wake in topic.listeners if topic else ():
                wake.set()
