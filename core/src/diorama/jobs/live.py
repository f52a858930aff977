"""A job in memory, from acceptance to its end."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from enum import Enum
from typing import Any

from diorama.assets.staged import StagedOutput
from diorama.contract import DioramaError, Stage
from diorama.jobs.progress import Gauge
from diorama.jobs.records import Job, JobStatus, Note
from diorama.workers.cancel import CancelFlag


class Phase(Enum):
    """What may still be done with a job."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDING = "ending"
    """Its end is being written; too late to cancel."""
    OVER = "over"


class LiveJob:
    """The changing part of a job that is not final on disk.

    Attributes:
        job: As it stands in the ledger, but for what changes while it runs.
        lane: Lane in which it waits; while it runs, ``job.lane`` is the device that it got.
        lock: Guards everything here.
        phase: See :class:`Phase`.
        token: Ends the present run.
        gauge: Progress of the present run.
        outputs: Finished outputs of the present run, in order of arrival.
        memory: What the backend remembered.
        unstored: Whether the last of it could not be written to the ledger.
        revision: Grows with each step of a run and with each start and end of one.
        interrupted: True when the engine closes: the run ends, the job goes back to the queue.
        stored_at: Monotonic seconds of the last progress write.
        done: The job in its final state, once that is on disk.
    """

    __slots__ = (
        "_adjusted", "_ignored", "done", "gauge", "interrupted", "job", "lane", "lock", "memory", "outputs", "phase",
        "revision", "stored_at", "token", "unstored",
    )  # fmt: skip

    def __init__(self, job: Job) -> None:
        self.job = job
        self.lane = job.lane
        self.lock = threading.RLock()
        self.phase = Phase.WAITING
        self.token = CancelFlag()
        self.gauge: Gauge | None = None
        self.outputs: list[StagedOutput] = []
        self.memory: dict[str, Any] = dict(job.memory)
        self.unstored = False
        self.interrupted = False
        self.revision = 0
        self.stored_at = 0.0
        self.done: Future[Job] = Future()
        self._ignored, self._adjusted = list(job.ignored), list(job.adjusted)

    def begin(self, lane: str) -> Job:
        """Start a run on ``lane`` and return the job as it is to be stored. The lock is held."""
        status = JobStatus.DOWNLOADING if self.job.kind == "download" else JobStatus.GENERATING
        self.phase, self.gauge, self.outputs = Phase.RUNNING, Gauge(status), []
        self.revision += 1
        self.stored_at = time.monotonic()
        self.job = replace(
            self.job,
            lane=lane,
            status=status,
            attempt=self.job.attempt + 1,
            started_at=time.time(),
            wait_reason=None,
        )
        return self.job

    def report(self, stage: Stage, fraction: float | None, message: str, numbers: Mapping[str, Any]) -> bool:
        """Take a progress report; True when it should be stored (a new stage, or a second has passed)."""
        with self.lock:
            if self.gauge is None or self.phase is not Phase.RUNNING:
                return False
            self.revision += 1
            changed = self.gauge.report(stage, fraction, message, numbers)
            now = time.monotonic()
            if changed or now - self.stored_at >= 1.0:
                self.stored_at = now
                return True
            return False

    def note(self, kind: str, note: Note) -> None:
        """Add to ``ignored`` or ``adjusted``; what is known already (from an earlier run) is not repeated."""
        with self.lock:
            notes = self._ignored if kind == "ignored" else self._adjusted
            if note not in notes:
                notes.append(note)

    def waiting(self, *, held: bool = False, reason: str | None = None) -> None:
        """Put the job back into the queue, ready for another run. The lock is held."""
        self.phase, self.token, self.gauge = Phase.WAITING, CancelFlag(), None
        self.revision += 1
        self.job = replace(
            self.job,
            lane=self.lane,
            status=JobStatus.QUEUED,
            progress=0.0,
            started_at=None,
            held=held,
            wait_reason=reason,
        )

    def moved(self, job: Job) -> None:
        """Put the job back into the queue, to be run by another model. The lock is held."""
        self.waiting()
        self.job, self.lane, self.memory = job, job.lane, {}
        self._ignored, self._adjusted = list(job.ignored), list(job.adjusted)

    def view(self, **more: Any) -> Job:
        """Return the job as it stands now, without what only the queue knows, and with ``more`` set."""
        with self.lock:
            return replace(self.job, **(self._present() | more))

    def abandon_if_running(self) -> None:
        """Give up a run that goes on while the engine closes; whatever it does now is not heard any more."""
        with self.lock:
            if self.phase is Phase.RUNNING:
                self.phase, self.token = Phase.OVER, CancelFlag()

    def ended(self, status: JobStatus, error: DioramaError | None = None, **changes: Any) -> Job:
        """Return the job in its final state; an estimate stays only where something may have been billed."""
        with self.lock:
            changes = self._present() | changes
            if status is not JobStatus.COMPLETED and not any(self.memory.values()):
                changes["cost"] = None
            if status is JobStatus.COMPLETED:
                changes["progress"] = 100.0
            changes |= {
                "status": status, "numbers": {}, "held": False, "wait_reason": None, "finished_at": time.time(),
                "message": error.message if error else "", "error": error.describe() if error else None,
                "timings": self.gauge.timings() if self.gauge else {},
            }  # fmt: skip
            return replace(self.job, **changes)

    def _present(self) -> dict[str, Any]:
        gauge = self.gauge
        if gauge is None:
            return {"revision": self.revision}
        return {
            "status": gauge.status, "progress": gauge.percent, "message": gauge.message, "numbers": gauge.numbers,
            "ignored": tuple(self._ignored), "adjusted": tuple(self._adjusted), "memory": dict(self.memory),
            "revision": self.revision,
        }  # fmt: skip
