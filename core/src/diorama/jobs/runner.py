"""One run of one job, in a runner thread of its lane."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from diorama.access import redaction
from diorama.contract import (
    REQUEST_TYPES,
    AnyRequest,
    BackendError,
    DioramaError,
    InvalidRequest,
    JobCancelled,
    ModelInfo,
    Operation,
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
from diorama.jobs.seams import Models
from diorama.jobs.sink import RunSink
from diorama.workers.executor import Executor, Task

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 2
"""A run that failed for a reason that may pass is repeated until there were this many."""


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
        again: Puts a job back into the queue: with the job and, when it must wait for a person, the reason.
        elsewhere: Sends a job whose offer is down to another offer; False when there is none.
        folders: Where work folders come from.
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
        again: Callable[[LiveJob, str | None], None],
        elsewhere: Callable[[LiveJob, DioramaError], bool],
        folders: WorkFolders,
    ) -> None:
        self._ledger, self._events, self._executor, self._models = ledger, events, executor, models
        self._lanes, self._finisher, self._changed, self._again = lanes, finisher, changed, again
        self._elsewhere, self._folders = elsewhere, folders

    def run(self, live: LiveJob, slot: str) -> None:
        """Run a job once; its end is stored by the finisher, beside this thread."""
        try:
            self._run(live, slot)
        except Exception as error:  # its start or its return to the queue could not be stored
            log.exception("Job %s cannot go on.", live.job.id)
            self._finisher.failed(live, storing_error(error))

    def _run(self, live: LiveJob, slot: str) -> None:
        sink = self._begin(live, slot)
        if sink is None:
            return
        work_dir: Path | None = None
        try:
            work_dir = self._folders.take()
            model = self._models.get(live.job.model)
            result = self._executor.run(self._task(live, model, work_dir), sink)
            if live.job.kind is JobKind.DOWNLOAD:
                self._models.arrived(model)  # whoever sees the job completed finds what came in the catalog
        except Exception as error:
            if work_dir is not None:
                self._folders.drop(work_dir)
            self._failed(live, error)
        else:
            self._finisher.completed(live, model, result, work_dir)

    def _begin(self, live: LiveJob, slot: str) -> RunSink | None:
        with live.lock:
            if live.phase is not Phase.WAITING:
                return None  # cancelled at the last moment
            stored = self._ledger.touch(live.begin(slot))
            sink = RunSink(live, self._ledger, self._events, self._changed)
        stored.add_done_callback(lambda _: point("leased"))
        if not self._lanes.is_device(slot):
            stored.result()  # before anything may be bought, the ledger must say that it was begun
        self._changed(live)
        return sink

    def _task(self, live: LiveJob, model: ModelInfo, work_dir: Path) -> Task:
        job = live.job
        output_format = job.asked.get("output_format")
        return Task(
            job_id=job.id, backend=model.backend, call=job.kind.value, model=model, request=request_of(job),
            lane=job.lane, work_dir=work_dir, memory=dict(live.memory), strict=job.strict, output_format=output_format,
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
            self._again(live, error.message)
        elif isinstance(error, DioramaError):
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
        if not (repeat and here) and is_outage(error) and self._elsewhere(live, error):
            return
        if repeat:
            log.warning("Job %s is run again: %s", live.job.id, error)
            self._again(live, None)
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
