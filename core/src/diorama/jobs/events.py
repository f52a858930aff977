"""What happens to jobs, told to everybody who listens: a ring per job, one encoding for all listeners."""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from diorama.contract.plain import dumps

RING = 256
"""Events kept per job for those who reconnect."""
KEPT_JOBS = 2000
"""Finished jobs whose events are kept."""
INTERVAL = 0.1
"""Seconds between two progress events of one job."""
FINAL = ("completed", "failed", "cancelled")

Callback = Callable[["Event"], None]


class Event:
    """One event.

    Attributes:
        id: Grows over all jobs and restarts; what ``Last-Event-ID`` names.
        job_id: Job it is about.
        name: ``queued``, ``progress``, ``preview``, ``note``, or a final status.
        payload: Plain values.
        revision: Of the job's state that it tells, see :class:`~diorama.jobs.records.Job`; 0 for what tells none.
    """

    __slots__ = ("_data", "id", "job_id", "name", "payload", "revision")

    def __init__(
        self, event_id: int, job_id: str, name: str, payload: Mapping[str, Any], revision: int = 0
    ) -> None:
        self.id = event_id
        self.job_id = job_id
        self.name = name
        self.payload = payload
        self.revision = revision
        self._data: bytes | None = None

    @property
    def data(self) -> bytes:
        """The payload as JSON, encoded when first asked for and never again."""
        if self._data is None:
            self._data = dumps(self.payload)
        return self._data

    @property
    def final(self) -> bool:
        """True for the last event of a job."""
        return self.name in FINAL


class _Channel:
    """Ring and listeners of one job."""

    __slots__ = ("last_progress", "listeners", "pending", "revision", "ring")

    def __init__(self) -> None:
        self.ring: deque[Event] = deque(maxlen=RING)
        self.listeners: list[Callback] = []
        self.last_progress = 0.0
        self.pending: Mapping[str, Any] | None = None
        self.revision = 0


class EventHub:
    """Takes events from any thread and passes them on; progress at most every :data:`INTERVAL` seconds per job.

    A progress report that comes too early is kept and sent when the time has come, unless a later event replaces it.
    """

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._channels: dict[str, _Channel] = {}
        self._retired: deque[str] = deque()
        self._watched: dict[str, None] = {}
        self._everywhere: list[Callback] = []
        self._late: OrderedDict[str, float] = OrderedDict()
        self._next = time.time_ns() // 1000  # later than any id of an earlier run
        self._flusher: threading.Thread | None = None
        self._closed = False

    def publish(self, job_id: str, name: str, payload: Mapping[str, Any], revision: int = 0) -> None:
        """Send an event. Listeners are called in this thread, in order, and must be quick.

        Progress of a lower ``revision`` than what was published before is left out: another thread has overtaken it.
        """
        with self._wake:
            channel = self._channels.get(job_id)
            if channel is None:
                channel = self._channels[job_id] = _Channel()
            if name == "progress":
                if revision < channel.revision:
                    return
                channel.revision = revision
                if not self._due(job_id, channel, payload):
                    return
            self._send(job_id, channel, name, payload)

    def subscribe(
        self, callback: Callback, job_id: str | None = None, last_id: int | None = None
    ) -> Callable[[], None]:
        """Call ``callback`` with every event from now on.

        Args:
            callback: Called from the threads that publish, with the hub's lock held: hand the event over (to
                ``loop.call_soon_threadsafe``, to a queue) and return.
            job_id: Only events of this job; ``None`` for all jobs.
            last_id: With ``job_id``: kept events after this id are passed first; 0 for all that are kept.

        Returns:
            A function that ends the subscription.
        """
        with self._wake:
            if job_id is None:
                listeners = self._everywhere
            else:
                channel = self._channels.setdefault(job_id, _Channel())
                listeners = channel.listeners
                if last_id is not None:
                    for event in [event for event in channel.ring if event.id > last_id]:
                        callback(event)
                self._watched[job_id] = None
            listeners.append(callback)

        def end() -> None:
            with self._wake:
                if callback in listeners:
                    listeners.remove(callback)
                if job_id is None or listeners:
                    return
                self._watched.pop(job_id, None)
                if not channel.ring:  # nothing was ever told of it, and perhaps nothing ever will be
                    self._channels.pop(job_id, None)

        return end

    def stream(self, job_id: str, last_id: int = 0, idle: float | None = None) -> Iterator[Event | None]:
        """Yield kept events after ``last_id``, then new ones as they come, until the final one.

        Args:
            job_id: The job.
            last_id: Last event that the caller has seen.
            idle: Yield ``None`` when nothing came for this many seconds (time for a keep-alive).
        """
        inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
        end = self.subscribe(inbox.put, job_id, last_id)
        try:
            while True:
                try:
                    event = inbox.get(timeout=idle)
                except queue.Empty:
                    yield None
                    continue
                yield event
                if event.final:
                    return
        finally:
            end()

    def kept(self, job_id: str, last_id: int = 0) -> list[Event]:
        """Return the kept events after ``last_id``."""
        with self._wake:
            channel = self._channels.get(job_id)
            return [event for event in channel.ring if event.id > last_id] if channel else []

    def mark(self) -> int:
        """Return an id between those of the events before and after this call. What is read afterwards is at least
        as new as every event before."""
        with self._wake:
            self._next += 1
            return self._next

    def watched(self) -> tuple[str, ...]:
        """Return the jobs that somebody listens to."""
        return tuple(self._watched)

    def drop(self, job_id: str) -> None:
        """Forget the events of a job."""
        with self._wake:
            self._channels.pop(job_id, None)
            self._late.pop(job_id, None)

    def close(self) -> None:
        """Send what is kept back and stop."""
        with self._wake:
            self._closed = True
            self._flush(float("inf"))
            self._wake.notify_all()

    def _send(self, job_id: str, channel: _Channel, name: str, payload: Mapping[str, Any]) -> None:
        self._next += 1
        event = Event(self._next, job_id, name, payload, channel.revision if name == "progress" else 0)
        if name == "preview":  # previews are large and only the newest is of use
            for old in [kept for kept in channel.ring if kept.name == "preview"]:
                channel.ring.remove(old)
        elif channel.pending is not None:
            channel.pending = None
            self._late.pop(job_id, None)
        channel.ring.append(event)
        for callback in (*channel.listeners, *self._everywhere):
            callback(event)
        if event.final:
            self._retire(job_id)

    def _retire(self, job_id: str) -> None:
        ring = self._channels[job_id].ring
        for preview in [event for event in ring if event.name == "preview"]:
            ring.remove(preview)  # large, and the picture itself is there now
        self._retired.append(job_id)
        while len(self._retired) > KEPT_JOBS:
            old = self._retired.popleft()
            channel = self._channels.get(old)
            if channel is not None and not channel.listeners:
                del self._channels[old]

    def _due(self, job_id: str, channel: _Channel, payload: Mapping[str, Any]) -> bool:
        now = time.monotonic()
        if now - channel.last_progress >= INTERVAL:
            channel.last_progress = now
            return True
        if not channel.listeners and not self._everywhere:
            return False  # nobody waits for it; the job's present state is asked of the queue
        channel.pending = payload
        if job_id not in self._late:
            self._late[job_id] = channel.last_progress + INTERVAL
            if self._flusher is None and not self._closed:
                self._flusher = threading.Thread(target=self._flush_late, name="diorama-events", daemon=True)
                self._flusher.start()
            self._wake.notify()
        return False

    def _flush_late(self) -> None:
        with self._wake:
            while not self._closed:
                now = time.monotonic()
                self._flush(now)
                first = next(iter(self._late.values()), None)
                self._wake.wait(None if first is None else max(first - now, 0.001))

    def _flush(self, now: float) -> None:
        for job_id in [job_id for job_id, due in self._late.items() if due <= now]:
            channel = self._channels.get(job_id)
            payload = channel.pending if channel is not None else None
            if channel is not None and payload is not None:
                channel.last_progress = time.monotonic()
                self._send(job_id, channel, "progress", payload)
            self._late.pop(job_id, None)
