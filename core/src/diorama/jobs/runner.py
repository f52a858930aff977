"""One run of one job, in a runner thread of its lane."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diorama.access import redaction
from diorama.contract import (
    REQUEST_TYPES,
    AnyRequest,
    BackendError,
    DioramaError,
    InvalidRequest,
    JobCancelled,
    JobParked,
    ModelInfo,
    Operation,
    RateLimited,
    from_plain,
)
from diorama.jobs.crash import point
from diorama.jobs.events import EventHub
from diorama.jobs.finishing import Finisher, storing_error
from diorama.jobs.folders import WorkFolders
from diorama.jobs.lanes import Lanes
from diorama.jobs.ledger import Ledger
from diorama.jobs.live import LiveJob, Phase
from diorama.jobs.outages import is_outage
from diorama.jobs.records import Job, JobKind
from diorama.jobs.returning import Returning
from diorama.jobs.seams import Models
from diorama.jobs.sink import RunSink
from diorama.workers.executor import Executor, Task

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 2
"""A run that failed for a reason that may pass is repeated until there were this many."""
MAX_RESUMES = 3
"""So often is a provider asked again for what was bought there, after the backend has given up."""
RESUME_SECONDS = 10.0
"""Pause before that, when nobody said how long it should be."""


@dataclass(slots=True)
class Run:
    """One run, kept while its job rests."""

    task: Task
    sink: RunSink
    resumes: int = 0
    watched: bool = False


class Runner:
    """Takes a job through its executor.

    Args:
        ledger: Where starts are stored.
        events: Where listeners are.
        executor: Where backends run.
        models: The catalog.
        lanes: What kind of place a lane is.
        finisher: Takes over once the backend has returned.
        changed: Tells listeners about a job's present state.
        returning: Puts jobs back into the queue.
        folders: Where work folders come from.
        hurry: Calls a job that rests before its time.
        quote: Books what a provider asks just before a job is sent.
    """

    def __init__(
        self,
        ledger: Ledger,
        events: EventHub,
        executor: Executor,
        models: Models,
        lanes: Lanes,
        finisher: Finisher,
        changed: Callable[[LiveJob], None],
        returning: Returning,
        folders: WorkFolders,
        hurry: Callable[[str], None],
        quote: Callable[[LiveJob, Mapping[str, Any]], None],
    ) -> None:
        self._ledger, self._events, self._executor, self._models = ledger, events, executor, models
        self._lanes, self._finisher, self._changed, self._returning = lanes, finisher, changed, returning
        self._folders, self._hurry, self._quote = folders, hurry, quote
        self._resting: dict[str, Run] = {}

    def run(self, live: LiveJob, slot: str) -> float | None:
        """Run a job once, or go on with one that rested; its end is stored by the finisher, beside this thread.

        Returns:
            ``None`` when the job has left its slot, or the seconds for which it rests in it and needs no thread.
        """
        try:
            return self._run(live, slot)
        except Exception as error:  # its start or its return to the queue could not be stored
            log.exception("Job %s cannot go on.", live.job.id)
            self._finisher.failed(live, storing_error(error))
            return None

    def _run(self, live: LiveJob, slot: str) -> float | None:
        run = self._resting.pop(live.job.id, None)
        sink = run.sink if run is not None else self._begin(live, slot)
        if sink is None:
            return None
        try:
            run = run or Run(self._task(live, self._models.get(live.job.model)), sink)
            result = self._executor.run(run.task, sink)
            if live.job.kind is JobKind.DOWNLOAD:
                self._models.arrived(
                    run.task.model
                )  # whoever sees the job completed finds what came in the catalog
        except JobParked as parked:
            assert run is not None
            return self._rest(live, run, parked.seconds)
        except Exception as error:
            if run is not None:
                self._folders.drop(run.task.work_dir)
                if self._may_resume(live, run, error):
                    return self._resume(live, run, error)
            self._failed(live, error)
        else:
            self._finisher.completed(live, run.task.model, result, run.task.work_dir)
        return None

    def _rest(self, live: LiveJob, run: Run, seconds: float) -> float:
        self._resting[live.job.id] = run
        if not run.watched:
            run.watched = True
            run.sink.cancel.add_callback(lambda: self._hurry(live.job.id))
        return seconds

    def _may_resume(self, live: LiveJob, run: Run, error: Exception) -> bool:
        """Tell whether what was bought is asked for again: nothing is sent anew, the memory leads to it."""
        unanswered = isinstance(error, RateLimited) or (isinstance(error, BackendError) and error.retryable)
        bought = any(live.memory.values()) and not self._lanes.is_device(live.job.lane)
        goes_on = live.phase is Phase.RUNNING and not run.sink.cancel.cancelled
        return unanswered and bought and goes_on and run.resumes < MAX_RESUMES

    def _resume(self, live: LiveJob, run: Run, error: Exception) -> float:
        log.warning("Job %s is asked for again: %s", live.job.id, redaction.redact(str(error)))
        with live.lock:
            live.outputs = []
        again = self._task(live, run.task.model)
        run = Run(again, run.sink, run.resumes + 1, run.watched)
        seconds = getattr(error, "retry_after", None)
        return self._rest(live, run, RESUME_SECONDS if seconds is None else seconds)

    def _begin(self, live: LiveJob, slot: str) -> RunSink | None:
        with live.lock:
            if live.phase is not Phase.WAITING:
                return None  # cancelled at the last moment
            stored = self._ledger.touch(live.begin(slot))
            sink = RunSink(live, self._ledger, self._events, self._changed, self._quote)
        stored.add_done_callback(lambda _: point("leased"))
        if self._lanes.may_have_been_billed(live.job):
            stored.result()  # before anything may be bought, the ledger must say that it was begun
        self._changed(live)
        return sink

    def _task(self, live: LiveJob, model: ModelInfo) -> Task:
        job = live.job
        request, work_dir = request_of(job), self._folders.take()
        output_format = job.asked.get("output_format")
        return Task(
            job_id=job.id, backend=model.backend, call=job.kind.value, model=model, request=request,
            lane=job.lane, work_dir=work_dir, memory=dict(live.memory), strict=job.strict, output_format=output_format,
            may_park=not self._lanes.is_device(job.lane),
        )  # fmt: skip

    def _failed(self, live: LiveJob, error: Exception) -> None:
        if live.phase is Phase.OVER:
            return  # given up when the engine closed
        if isinstance(error, DioramaError):
            redaction.scrub_error(error)
        if live.token.cancelled:
            self._finisher.stopped(live)
        elif isinstance(error, JobCancelled):
            self._finisher.cancelled(live)
        elif isinstance(error, BackendError) and error.unsure:
            self._returning.again(live, error.message)
        elif isinstance(error, DioramaError):
            if not self._returning.keep(live, error):
                self._repeat_or_fail(live, error)
        else:
            log.error("Job %s failed unexpectedly.", live.job.id, exc_info=error)
            self._finisher.failed(
                live,
                BackendError(redaction.redact(f"It failed unexpectedly: {type(error).__name__}: {error}")),
            )

    def _repeat_or_fail(self, live: LiveJob, error: DioramaError) -> None:
        """This machine gets a second try first; of several remote offers the next one is the better try."""
        repeat = isinstance(error, BackendError) and error.retryable and self._may_repeat(live)
        here = self._lanes.is_device(live.job.lane)
        if not (repeat and here) and is_outage(error) and self._returning.elsewhere(live, error):
            return
        if repeat:
            log.warning("Job %s is run again: %s", live.job.id, error)
            self._returning.again(live, None)
        else:
            self._finisher.failed(live, error)

    def _may_repeat(self, live: LiveJob) -> bool:
        if live.job.attempt >= MAX_ATTEMPTS:
            return False
        return self._lanes.is_device(live.job.lane) or not live.memory


def request_of(job: Job) -> AnyRequest | None:
    """Return the contract request of ``job``; ``None`` for a download.

    Raises:
        InvalidRequest: what is stored does not fit the contract any more (it was stored by another version).
    """
    if job.kind is JobKind.DOWNLOAD:
        return None
    try:
        return from_plain(REQUEST_TYPES[Operation(job.kind.value)], job.request)
    except ValueError as error:
        raise InvalidRequest(
            f"The stored request cannot be read: {error}.", field="request", fix="Submit it again."
        ) from error
