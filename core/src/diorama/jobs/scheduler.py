"""Lanes with their runner threads. A thread sleeps until a job it may run arrives; nothing polls."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from diorama.jobs.parking import FAR, Parked
from diorama.jobs.waiting import Entry, WaitingList

log = logging.getLogger(__name__)
IDLE_SECONDS = 30.0
"""A runner thread without work ends after this long; the next job starts a new one."""


@dataclass(slots=True)
class Group:
    """Slots that share waiting jobs.

    Attributes:
        name: Lane that jobs name; for several devices a pool that any of them serves.
        slots: One name per job that may run at once: a device, or the backend's id several times.
        free: Slots without a thread.
        idle: Threads that sleep.
        running: Jobs that run, those that rest at a provider among them. One that went back to the queue may begin anew
            before its earlier run has quite returned: then it counts twice for that moment.
        parked: Jobs that rest and need no thread.
        watched: When the thread that watches over them wakes up.
        wake: Sleeping threads wait here.
    """

    name: str
    slots: tuple[str, ...]
    wake: threading.Condition
    free: list[str] = field(default_factory=list)
    idle: int = 0
    running: Counter[str] = field(default_factory=Counter)
    parked: Parked = field(default_factory=Parked)
    watched: float = FAR


class Scheduler:
    """Decides what runs where and when. Thread-safe.

    Args:
        run: Called in a runner thread with a job id and a slot; returns ``None`` when the job has left the slot, or the
            seconds after which it is called with it again.
        slots_of: Slots of a lane that is seen for the first time.
        loaded: Models in memory of a slot.
        taken: Called after a job left the waiting list of a lane.
        idle_seconds: How long a thread without work stays.
        threads: Most threads of a lane; fewer than its slots where jobs rest at a provider.
    """

    def __init__(
        self,
        run: Callable[[str, str], float | None],
        slots_of: Callable[[str], tuple[str, ...]],
        loaded: Callable[[str], Collection[str]],
        taken: Callable[[str], None] = lambda lane: None,
        idle_seconds: float = IDLE_SECONDS,
        threads: Callable[[str], int | None] = lambda lane: None,
    ) -> None:
        self._run, self._slots_of, self._loaded, self._taken = run, slots_of, loaded, taken
        self._idle_seconds, self._threads = idle_seconds, threads
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)
        self._waiting = WaitingList()
        self._groups: dict[str, Group] = {}
        self._paused = False
        self._stopping = False

    # Changing

    def add(self, entries: Iterable[Entry]) -> None:
        """Let jobs wait for a slot of their lanes."""
        entries = list(entries)
        for lane in {entry.lane for entry in entries} - self._groups.keys():
            slots = self._slots_of(lane)
            free = list(reversed(slots[: self._threads(lane)]))
            with self._lock:
                self._groups.setdefault(lane, Group(lane, slots, threading.Condition(self._lock), free))
        with self._lock:
            for entry in entries:
                self._waiting.add(entry)
            for lane in {entry.lane for entry in entries}:
                self._rouse(
                    self._groups[lane], sum(1 for entry in entries if entry.lane == lane and not entry.held)
                )

    def remove(self, job_id: str) -> Entry | None:
        """Take a waiting job out; ``None`` when it waits no more."""
        with self._lock:
            return self._waiting.remove(job_id)

    def change(self, job_id: str, change: Callable[[Entry, WaitingList], None]) -> Entry | None:
        """Apply ``change`` to a waiting job's entry and sort it in again; ``None`` when it waits no more."""
        with self._lock:
            entry = self._waiting.remove(job_id)
            if entry is None:
                return None
            try:
                change(entry, self._waiting)
            finally:
                self._waiting.add(entry)
            if not entry.held:
                self._rouse(self._groups[entry.lane], 1)
            return entry

    def hurry(self, job_id: str) -> None:
        """Call a job that rests at once, as when it was cancelled."""
        with self._lock:
            for group in self._groups.values():
                if job_id in group.running:
                    group.parked.hurry(job_id)
                    self._rouse(group, 1)

    def pause(self) -> None:
        """Start no further job; running ones go on."""
        with self._lock:
            self._paused = True

    def resume(self) -> None:
        """Start jobs again."""
        with self._lock:
            self._paused = False
            for group in self._groups.values():
                self._rouse(group, len(group.slots))

    def stop(self) -> None:
        """Start no further job, for good."""
        with self._lock:
            self._stopping = True
            for group in self._groups.values():
                group.wake.notify_all()

    def join(self, seconds: float, but: Collection[str] = ()) -> bool:
        """Wait until no job runs, not counting ``but``; return False when some still do after ``seconds``."""
        with self._lock:
            return self._ended.wait_for(
                lambda: not any(group.running.keys() - but for group in self._groups.values()), seconds
            )

    # Asking

    @property
    def paused(self) -> bool:
        """Whether no further job is started."""
        return self._paused

    def ahead(self, job_id: str) -> int | None:
        """Return how many jobs are expected to start before this one; ``None`` when it waits no more or is held."""
        with self._lock:
            entry = self._waiting.get(job_id)
            return None if entry is None or entry.held else self._waiting.ahead(job_id)

    def why(self, job_id: str) -> str | None:
        """Return in one sentence why a job waits; ``None`` when it does not wait."""
        with self._lock:
            entry = self._waiting.get(job_id)
            if entry is None:
                return None
            if entry.held:
                return entry.reason or "It is held until somebody releases it."
            if self._paused:
                return "The queue is paused."
            return _busy(self._groups[entry.lane], self._waiting.ahead(job_id))

    def ready(self, lane: str) -> bool:
        """Tell whether a job waits in ``lane`` that may start."""
        return self._waiting.ready(lane) and not self._paused

    def width(self, lane: str) -> int:
        """Return how many jobs of a lane may run at once."""
        group = self._groups.get(lane)
        return len(group.slots) if group else 1

    def waiting_in(self, lane: str, job_ids: Iterable[str]) -> list[str]:
        """Return those of ``job_ids`` that wait in ``lane``."""
        with self._lock:
            found = ((job_id, self._waiting.get(job_id)) for job_id in job_ids)
            return [job_id for job_id, entry in found if entry is not None and entry.lane == lane]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return by lane how many jobs wait, are held, and run, and how many may run at once."""
        with self._lock:
            lanes = {
                name: {"waiting": 0, "held": 0, "running": group.running.total(), "slots": len(group.slots)}
                for name, group in self._groups.items()
            }
            for entry in self._waiting:
                lanes[entry.lane]["held" if entry.held else "waiting"] += 1
            return lanes

    # Running

    def _rouse(self, group: Group, jobs: int) -> None:
        """Wake or start as many threads as there are jobs to be looked after. The lock is held."""
        if self._stopping or (self._paused and not group.parked):
            return
        group.wake.notify(jobs)
        for _ in range(min(jobs - group.idle, len(group.free))):
            slot = group.free.pop()
            threading.Thread(
                target=self._serve, args=(group, slot), name=f"diorama-lane-{slot}", daemon=True
            ).start()

    def _serve(self, group: Group, slot: str) -> None:
        while True:
            loaded = self._loaded(slot)
            with self._lock:
                job_id, fresh = self._next(group, slot, loaded)
                if job_id is None:
                    group.free.append(slot)
                    return
            rest: float | None = None
            try:
                if fresh:
                    self._taken(group.name)
                rest = self._run(job_id, slot)
            except Exception:
                log.exception("The runner of %s failed.", slot)
            with self._lock:
                if rest is not None:
                    group.parked.put(job_id, time.monotonic() + rest)
                    continue
                group.parked.forget(job_id)
                group.running[job_id] -= 1
                if not group.running[job_id]:
                    del group.running[job_id]
                if self._stopping:
                    self._ended.notify_all()

    def _next(self, group: Group, slot: str, loaded: Collection[str]) -> tuple[str | None, bool]:
        """Return the next job, sleeping if need be, and whether it begins; no job when the thread should end.

        The lock is held.
        """
        deadline = time.monotonic() + self._idle_seconds
        while not self._stopping:
            rested = group.parked.take(time.monotonic())
            job_id = rested or self._begin(group, slot, loaded)
            if job_id is not None:
                if group.parked or self._may_begin(group):
                    self._rouse(group, 1)  # somebody else looks after what is left
                return job_id, rested is None
            if not self._sleep(group, deadline):
                break
        return None, False

    def _begin(self, group: Group, slot: str, loaded: Collection[str]) -> str | None:
        """Take a job out of the waiting list, where one may start."""
        if self._paused or group.running.total() >= len(group.slots):
            return None
        entry = self._waiting.take(group.name, loaded)
        if entry is None:
            return None
        group.running[entry.id] += 1
        return entry.id

    def _may_begin(self, group: Group) -> bool:
        room = not self._paused and group.running.total() < len(group.slots)
        return room and self._waiting.ready(group.name)

    def _sleep(self, group: Group, deadline: float) -> bool:
        """Sleep until there may be work; False when the thread has been idle long enough.

        One thread of a group wakes when the next job that rests is due; the others until they are told.
        """
        now, due = time.monotonic(), group.parked.due()
        watching = due < group.watched
        if not watching and deadline <= now:
            return False
        if watching:
            group.watched = due
        group.idle += 1
        group.wake.wait(max((due if watching else deadline) - now, 0.0))
        group.idle -= 1
        if watching and group.watched == due:
            group.watched = FAR
        return True


def _busy(group: Group, ahead: int) -> str:
    several = len(group.slots) > 1
    if ahead:
        return f"{ahead} {'jobs are' if ahead > 1 else 'job is'} before it on {group.name}."
    if group.running.total() < len(group.slots):
        return "It is about to start."
    if several:
        return f"{group.name} runs {group.running.total()} jobs, as many as it may."
    return f"{group.name} is busy with another job."
