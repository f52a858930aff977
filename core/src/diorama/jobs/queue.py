"""The durable queue: the one door of this room."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import replace
from typing import Any

from diorama.contract import (
    BackendNotReady,
    Conflict,
    InvalidRequest,
    ModelInfo,
)
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.jobs.admission import Admission
from diorama.jobs.crash import point
from diorama.jobs.eta import RunTimes
from diorama.jobs.events import Event, EventHub
from diorama.jobs.finishing import Finisher
from diorama.jobs.folders import WorkFolders
from diorama.jobs.lanes import Lanes
from diorama.jobs.ledger import Ledger, Page
from diorama.jobs.live import LiveJob, Phase
from diorama.jobs.outages import Detours
from diorama.jobs.overview import Overview, told
from diorama.jobs.quoting import Quoting
from diorama.jobs.records import Job, JobKind, JobStatus, Note
from diorama.jobs.recovery import recover
from diorama.jobs.returning import Returning, entry_of
from diorama.jobs.runner import Runner
from diorama.jobs.scheduler import Scheduler
from diorama.jobs.seams import Assets, Backends, Models, Purse
from diorama.jobs.submission import Submission
from diorama.jobs.waiting import Entry, WaitingList
from diorama.settings import Settings
from diorama.workers.executor import Executor

DRAIN_SECONDS = 5.0
"""Time that running jobs get to stop when the engine closes, and remote ones to note what they have bought."""


class JobQueue:
    """Accepts, orders, runs and remembers jobs.

    Args:
        database: Migrated.
        executor: Where backends run.
        assets: Where results go.
        models: The catalog.
        backends: The registry.
        settings: Limits and places.
        purse: Keeps account of money; without one nothing is counted.

    Attributes:
        events: What happens, for listeners.
        ledger: The durable record.
        run_times: How long work takes.
        detours: Other ways for jobs whose offer is down.
    """

    def __init__(
        self,
        database: Database,
        executor: Executor,
        assets: Assets,
        models: Models,
        backends: Backends,
        settings: Settings,
        purse: Purse | None = None,
    ) -> None:
        self.events = EventHub()
        self.ledger = Ledger(database)
        self._settings = settings
        self._live: dict[str, LiveJob] = {}
        self._closing = False
        self._admission = Admission(settings.limits, settings.data_dir)
        self._positions = itertools.count(1)
        self._lanes = Lanes(executor, backends, models)
        self.run_times = RunTimes(self.ledger)
        self._admit = purse.admit if purse else None
        self.detours = Detours(self.ledger, self._lanes, self._admit)
        self._folders = WorkFolders(settings.work_dir)
        self._scheduler = Scheduler(
            self._run, self._lanes.slots, self._lanes.loaded, self._taken, threads=self._lanes.threads
        )
        returning = Returning(
            self.ledger, self._scheduler, self._lanes, self.detours, lambda live: self._finisher.stopped(live),
            self._changed,
        )  # fmt: skip
        self._finisher = Finisher(
            self.ledger, assets, self._folders, self._scheduler.ready, self._over, returning.keep,
            purse.settle if purse else None,
        )  # fmt: skip
        self._overview = Overview(self._scheduler, self.run_times)
        self._runner = Runner(
            self.ledger, self.events, executor, models, self._lanes, self._finisher, self._changed, returning,
            self._folders, self._scheduler.hurry, Quoting(self.ledger, purse),
        )  # fmt: skip

    # Life

    def start(self) -> None:
        """Pick up the work that an earlier run left, and begin."""
        self._settings.work_dir.mkdir(parents=True, exist_ok=True)
        self.run_times.load()
        if self.ledger.paused():
            self._scheduler.pause()
        unfinished = self.ledger.unfinished()
        found = recover(unfinished, self._lanes)
        self._positions = itertools.count(int(max((job.position for job in unfinished), default=0)) + 1)
        stored = [self.ledger.requeue(found.again)] if found.again else []
        stored += [self.ledger.requeue(ids, held=True, reason=reason) for reason, ids in found.held.items()]
        for future in stored:
            future.result()
        for job in found.cancelled:
            live = self._live[job.id] = LiveJob(job)
            self._finisher.cancelled(live)
        self._enqueue(found.waiting)

    def close(self, drain: float = DRAIN_SECONDS) -> None:
        """Stop: running jobs of this machine go back to the queue; what a provider is at work on is left to it,
        to be resumed at the next start.

        Args:
            drain: Seconds that running jobs get.
        """
        if self._closing:
            return
        self._closing = True
        self._scheduler.stop()
        left: set[str] = set()
        for live in self._all_live():
            with live.lock:
                if live.phase is not Phase.RUNNING:
                    continue
                if live.memory and not self._lanes.is_device(live.job.lane):
                    left.add(live.job.id)
                elif not self._lanes.may_be_billed(live.job):
                    live.interrupted = True
                    live.token.cancel()
        self._scheduler.join(drain, left)
        self._finisher.close()  # what was made, and perhaps paid, is kept
        for live in self._all_live():
            live.abandon_if_running()
        self._folders.close()
        for live in self._all_live():
            if live.phase is Phase.ENDING:
                live.done.result()
            else:
                _tell(live, live.view())  # whoever waits is told where it stands
        self.events.close()

    # Accepting

    def new_job(
        self,
        *,
        kind: JobKind,
        model: ModelInfo,
        request: Mapping[str, Any],
        asked: Mapping[str, Any],
        submission: Submission,
        applied: Mapping[str, Any] | None = None,
        adjusted: tuple[Note, ...] = (),
        ignored: tuple[Note, ...] = (),
        cost: Mapping[str, Any] | None = None,
    ) -> Job:
        """Make a job out of a resolved submission; nothing is stored."""
        return Job(
            id=new_id(), kind=kind, model=model.id, request=request, asked=asked, priority=submission.priority,
            owner=submission.owner, session_id=submission.session_id, batch_id=submission.batch_id,
            idempotency_key=submission.idempotency_key, strict=submission.strict, retry_of=submission.retry_of,
            applied=applied or {}, adjusted=adjusted, ignored=ignored, cost=cost,
        )  # fmt: skip

    def submit(self, jobs: Sequence[Job]) -> Future[list[Job]]:
        """Accept all jobs in one transaction, or none.

        Returns:
            A future that is done once they are on disk and in the queue. Where an idempotency key was used before,
            the first job with it stands in place of the new one.

        Raises:
            RateLimited: the queue is full.
            InsufficientStorage: the disk is nearly full.
            BackendNotReady: the engine is closing.

        The future raises InvalidRequest when a cap on spending would be passed.
        """
        if self._closing:
            raise BackendNotReady("The engine is closing.", fix="Submit it again once it runs.")
        self._admission.check(len(self._live), len(jobs))
        now = time.time()
        fresh = [
            replace(
                job, lane=self._lanes.lane_of(job), position=float(next(self._positions)), created_at=now,
                status=JobStatus.QUEUED,
            )
            for job in jobs
        ]  # fmt: skip
        answer: Future[list[Job]] = Future()
        admit = self._admit if any(job.cost for job in fresh) else None
        self.ledger.add(fresh, admit).add_done_callback(lambda stored: self._accepted(stored, fresh, answer))
        return answer

    def retry(self, job: Job) -> Future[list[Job]]:
        """Submit what a final job ran as a new job.

        Raises:
            Conflict: it is not final.
        """
        if not job.status.final:
            raise Conflict("The job has not finished yet.", fix="Cancel it first, or wait for its end.")
        again = Job(
            id=new_id(), kind=job.kind, model=job.model, request=job.request, asked=job.asked, priority=job.priority,
            owner=job.owner, session_id=job.session_id, strict=job.strict, retry_of=job.id, applied=job.applied,
            adjusted=job.adjusted, ignored=job.ignored, cost=job.cost,
        )  # fmt: skip
        return self.submit([again])

    # Looking

    def job(self, job_id: str) -> Job:
        """Return a job with its live progress.

        Raises:
            NotFound: there is no such job.
        """
        live = self._live.get(job_id)
        return self._overview.view(live) if live is not None else self.ledger.get(job_id)

    def jobs(self, **filters: Any) -> Page[Job]:
        """Return jobs, newest first; see :meth:`Ledger.list` for the filters, which look at what is stored."""
        page = self.ledger.list(**filters)
        shown = (self._overview.view(live) if (live := self._live.get(job.id)) else job for job in page.items)
        return Page(tuple(shown), page.next_cursor)

    def summary(self) -> dict[str, Any]:
        """Return how the queue stands: ``paused``, ``waiting``, ``held``, ``running``, and the same by lane."""
        lanes = self._scheduler.counts()
        totals = {name: sum(lane[name] for lane in lanes.values()) for name in ("waiting", "held", "running")}
        return {"paused": self._scheduler.paused, **totals, "lanes": lanes}

    def wait(self, job_id: str, timeout: float | None = None) -> Job:
        """Block until a job is final, or ``timeout`` seconds have passed, and return it.

        Raises:
            NotFound: there is no such job.
        """
        live = self._live.get(job_id)
        if live is None:
            return self.ledger.get(job_id)
        try:
            return live.done.result(timeout)
        except TimeoutError:
            return self.job(job_id)

    def stream(self, job_id: str, last_id: int = 0, idle: float | None = None) -> Iterator[Event | None]:
        """Yield what happens to a job until its end; see :meth:`EventHub.stream`.

        A job whose events are gone (it ended long ago, or before a restart) yields its present state.

        Raises:
            NotFound: there is no such job.
        """
        job = self.job(job_id)
        if job.status.final and not self.events.kept(job_id):
            return iter((Event(last_id + 1, job_id, job.status.value, told(job)),))
        return self.events.stream(job_id, last_id, idle)

    # Changing

    def cancel(self, job_id: str) -> Job:
        """Cancel a job. One that waits is cancelled when this returns; a running one ends within a step.

        Raises:
            NotFound: there is no such job.
            Conflict: it is completed or failed.
        """
        live = self._live.get(job_id)
        if live is None:
            return _cancelled(self.ledger.get(job_id))
        with live.lock:
            if live.phase is Phase.RUNNING:
                live.token.cancel()
                asked = self.ledger.ask_cancel(job_id)
            else:
                asked = None
                if live.phase is Phase.WAITING:
                    self._scheduler.remove(job_id)
                    self._finisher.cancelled(live)
        if asked is None:
            return _cancelled(live.done.result())
        asked.result()
        point("cancelling")
        return self._overview.view(live)

    def forget(self, job_id: str) -> None:
        """Remove a final job from the ledger; its assets stay.

        Raises:
            NotFound: there is no such job.
            Conflict: it is not final.
        """
        if job_id not in self._live:
            self.ledger.get(job_id)
        self.ledger.forget(job_id).result()
        self.events.drop(job_id)

    def clear(self, **which: Any) -> int:
        """Remove final jobs from the ledger and return how many; see :meth:`Ledger.clear`. Assets and costs stay."""
        gone = self.ledger.clear(**which).result()
        for job_id in gone:
            self.events.drop(job_id)
        return len(gone)

    def hold(self, job_id: str, reason: str = "It is held until somebody releases it.") -> Job:
        """Keep a waiting job from starting.

        Raises:
            NotFound: there is no such job.
            Conflict: it waits no more.
        """

        def change(entry: Entry, _: WaitingList) -> None:
            entry.held, entry.reason = True, reason

        return self._rearrange(job_id, change)

    def release(self, job_id: str) -> Job:
        """Let a held job start when its turn comes.

        Raises:
            NotFound: there is no such job.
            Conflict: it waits no more.
        """

        def change(entry: Entry, _: WaitingList) -> None:
            entry.held, entry.reason = False, ""

        if (live := self._live.get(job_id)) is not None and live.job.held and live.job.attempt:
            with live.lock:  # first, so that no crash in between makes the backend ask the person again
                live.memory["released"] = True
                memory = dict(live.memory)
            self.ledger.remember(job_id, memory).result()
            live.unstored = False
        return self._rearrange(job_id, change)

    def move(self, job_id: str, *, priority: int | None = None, before: str | None = None) -> Job:
        """Change when a waiting job runs.

        Args:
            job_id: The job.
            priority: New priority; it goes to the end of the jobs that have it.
            before: Id of a job of the same lane; the job goes just before it and takes its priority.

        Raises:
            NotFound: there is no such job.
            Conflict: one of them waits no more.
            InvalidRequest: the other job waits in another lane, or is the same.
        """

        others: list[Entry] = []

        def change(entry: Entry, waiting: WaitingList) -> None:
            if before is not None:
                others.extend(waiting.place_before(entry, before))
            elif priority is not None:
                entry.priority, entry.position = priority, float(next(self._positions))

        if before == job_id:
            raise InvalidRequest("A job cannot go before itself.", field="before", fix="Name another job.")
        job = self._rearrange(job_id, change)
        for other in others:
            if (live := self._live.get(other.id)) is not None:
                with live.lock:
                    live.job = replace(live.job, position=other.position)
                    self.ledger.arrange(live.job)
        return job

    def pause(self) -> None:
        """Start no further job, also after a restart, until :meth:`resume`."""
        self._scheduler.pause()
        self.ledger.set_paused(True).result()

    def resume(self) -> None:
        """Start jobs again."""
        self.ledger.set_paused(False).result()
        self._scheduler.resume()

    # Within

    def _accepted(self, stored: Future[list[Job]], fresh: Sequence[Job], answer: Future[list[Job]]) -> None:
        error = stored.exception()
        if error is not None:
            answer.set_exception(error)
            return
        point("accepted")
        jobs = stored.result()
        ours = {job.id for job in fresh}
        self._enqueue({job.id: job for job in jobs if job.id in ours}.values())
        answer.set_result(jobs)

    def _enqueue(self, jobs: Iterable[Job]) -> None:
        entries = []
        for job in jobs:
            live = self._live[job.id] = LiveJob(job)
            entries.append(entry_of(live))
            self.events.publish(job.id, "queued", {"job_id": job.id, "status": job.status.value})
        self._scheduler.add(entries)

    def _run(self, job_id: str, slot: str) -> float | None:
        live = self._live.get(job_id)
        return None if live is None else self._runner.run(live, slot)

    def _taken(self, lane: str) -> None:
        """Tell those who watch a waiting job of ``lane`` that it has moved up."""
        watched = self.events.watched()
        for job_id in self._scheduler.waiting_in(lane, watched) if watched else ():
            if (live := self._live.get(job_id)) is not None:
                self._changed(live)

    def _changed(self, live: LiveJob) -> None:
        if live.phase is not Phase.OVER:
            view = self._overview.view(live)
            self.events.publish(live.job.id, "progress", told(view), view.revision)

    def _over(self, live: LiveJob, job: Job) -> None:
        with live.lock:
            live.phase = Phase.OVER
        self._live.pop(job.id, None)
        if job.status is JobStatus.COMPLETED:
            self.run_times.measured(job, job.timings)
        self.events.publish(job.id, job.status.value, told(job))
        _tell(live, job)

    def _rearrange(self, job_id: str, change: Callable[[Entry, WaitingList], None]) -> Job:
        live = self._live.get(job_id)
        if live is None:
            raise Conflict(f"The job is {self.ledger.get(job_id).status.value} already.")
        with live.lock:
            entry = self._scheduler.change(job_id, change)
            if entry is None:
                raise Conflict("The job has started already.", fix="Cancel it instead.")
            live.job = replace(
                live.job, priority=entry.priority, position=entry.position, held=entry.held,
                wait_reason=entry.reason or None,
            )  # fmt: skip
            stored = self.ledger.arrange(live.job)
        stored.result()
        self._changed(live)
        return self._overview.view(live)

    def _all_live(self) -> list[LiveJob]:
        return list(self._live.values())


def _tell(live: LiveJob, job: Job) -> None:
    """Tell whoever waits; a job may end in the very moment in which the engine closes, and is told once."""
    with suppress(InvalidStateError):
        live.done.set_result(job)


def _cancelled(job: Job) -> Job:
    if job.status is JobStatus.CANCELLED:
        return job
    raise Conflict(f"The job is {job.status.value} already.")
