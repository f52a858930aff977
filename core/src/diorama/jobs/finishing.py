"""The end of a job: files first, then asset rows and the final status in one transaction."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.access.redaction import scrub
from diorama.contract import BackendError, DioramaError, InsufficientStorage, ModelInfo, Result, to_plain
from diorama.ids import new_id
from diorama.jobs.checks import check_outputs
from diorama.jobs.crash import point
from diorama.jobs.endings import Settle
from diorama.jobs.folders import WorkFolders
from diorama.jobs.ledger import Ledger
from diorama.jobs.live import LiveJob, Phase
from diorama.jobs.records import Job, JobStatus
from diorama.jobs.seams import Assets

log = logging.getLogger(__name__)
SAVERS = 8
"""Threads that wait for the disk: files that are synced at the same time share its journal."""
BEHIND = 16
"""Jobs whose files may be waiting for the disk while their lanes go on; then lanes wait."""
HEAD_START = 0.003
"""Seconds for which saving lets the lane begin its next job undisturbed, where one waits."""


class Finisher:
    """Ends jobs beside their lane, so that the next job starts while the files of this one are written.

    Args:
        ledger: Where the end is stored.
        assets: Where files go.
        folders: Work folders go back there.
        more: Tells whether a lane has another job waiting.
        over: Called in the writer thread once the end is on disk.
        keep: Lets a job wait whose paid result finds no room; False for any other.
        settle: Books what a job cost.
    """

    def __init__(
        self,
        ledger: Ledger,
        assets: Assets,
        folders: WorkFolders,
        more: Callable[[str], bool],
        over: Callable[[LiveJob, Job], None],
        keep: Callable[[LiveJob, DioramaError], bool],
        settle: Settle | None = None,
    ) -> None:
        self._settle, self._keep = settle, keep
        self._ledger, self._assets, self._folders = ledger, assets, folders
        self._more, self._over = more, over
        self._room = threading.BoundedSemaphore(BEHIND)
        self._pool = ThreadPoolExecutor(SAVERS, thread_name_prefix="diorama-save")

    def completed(self, live: LiveJob, model: ModelInfo, result: Result, work_dir: Path) -> None:
        """Finish a successful run; returns at once unless the disk lags far behind."""
        if not live.outputs:
            self._folders.give_back(work_dir)
            self._complete(live, result, ())
            return
        with live.lock:
            if live.gauge is not None:
                live.gauge.enter(JobStatus.SAVING)
        self._room.acquire()
        try:
            self._pool.submit(self._save, live, model, result, work_dir)
        except RuntimeError:  # closing: the job stays as it is and runs again
            self._room.release()

    def failed(self, live: LiveJob, error: DioramaError) -> None:
        """Store that a job failed."""
        self._end(live, JobStatus.FAILED, error)

    def cancelled(self, live: LiveJob) -> None:
        """Store that a job was cancelled."""
        self._end(live, JobStatus.CANCELLED)

    def close(self) -> None:
        """Finish what was handed over."""
        self._pool.shutdown(wait=True)

    def _save(self, live: LiveJob, model: ModelInfo, result: Result, work_dir: Path) -> None:
        rows: list[dict[str, Any]] = []
        if self._more(live.lane):
            time.sleep(HEAD_START)
        try:
            self._place(live, model, result, rows)
        except DioramaError as error:
            self._drop(live, rows, error)
        except OSError as error:
            self._drop(live, rows, storing_error(error))
        except Exception as error:
            log.exception("Saving the outputs of job %s failed.", live.job.id)
            self._drop(live, rows, BackendError(f"The outputs could not be saved: {error}"))
        else:
            self._complete(live, result, rows)
        finally:
            self._folders.give_back(work_dir)
            self._room.release()

    def _place(self, live: LiveJob, model: ModelInfo, result: Result, rows: list[dict[str, Any]]) -> None:
        from diorama.assets.recipe import build_recipe

        outputs = sorted(live.outputs, key=lambda output: output.index)
        check_outputs(live.job, model, outputs)
        with live.lock:
            timings = live.gauge.timings() if live.gauge else {}
        plain: Mapping[str, Any] = to_plain(live.view()) | {"timings": timings}
        if result.cost is not None:
            plain = {**plain, "cost": to_plain(result.cost)}
        for output in outputs:
            if live.token.cancelled:
                return
            output = replace(output, facts=scrub(output.facts))
            recipe = build_recipe(plain, output, scrub(result.facts))
            rows.append(self._assets.place(output, recipe, new_id(), job=plain))
            point("file_placed")

    def _complete(self, live: LiveJob, result: Result, rows: Sequence[Mapping[str, Any]]) -> None:
        with live.lock:
            if live.token.cancelled or live.phase is not Phase.RUNNING:
                self._assets.discard(rows)
                return self.stopped(live)
            live.phase = Phase.ENDING
            changes: dict[str, Any] = {"asset_ids": tuple(row["id"] for row in rows)}
            if result.cost is not None:
                changes["cost"] = to_plain(result.cost)
            job = live.ended(JobStatus.COMPLETED, **changes)
        self._store(live, job, rows)

    def stopped(self, live: LiveJob) -> None:
        """End a run whose token is set: cancelled by a person, or interrupted because the engine closes."""
        if not live.interrupted:
            self.cancelled(live)
            return
        with live.lock:
            if live.phase is not Phase.RUNNING:
                return
            live.waiting()
        self._ledger.requeue([live.job.id])

    def _drop(self, live: LiveJob, rows: Sequence[Mapping[str, Any]], error: DioramaError) -> None:
        self._assets.discard(rows)
        if live.token.cancelled:
            self.stopped(live)
        elif not self._keep(live, error):
            self.failed(live, error)

    def _end(self, live: LiveJob, status: JobStatus, error: DioramaError | None = None) -> None:
        with live.lock:
            if live.phase is Phase.OVER:
                return
            live.phase = Phase.ENDING
            job = live.ended(status, error)
        self._store(live, job, ())

    def _store(self, live: LiveJob, job: Job, rows: Sequence[Mapping[str, Any]]) -> None:
        try:
            settle = self._settle if live.job.cost or job.cost else None
            future = self._ledger.finish(job, rows, self._assets.insert, settle)
        except (
            RuntimeError
        ):  # the database is closed: the row stays as it is and is picked up at the next start
            self._assets.discard(rows)
            return
        future.add_done_callback(lambda done: self._stored(done, live, job, rows))

    def _stored(self, done: Future[None], live: LiveJob, job: Job, rows: Sequence[Mapping[str, Any]]) -> None:
        error = done.exception()
        if error is None:
            point("after_commit")
            self._over(live, job)
            return
        log.error("The end of job %s could not be stored: %s", job.id, error)
        self._assets.discard(rows)
        if job.status is JobStatus.COMPLETED:
            self._end(live, JobStatus.FAILED, storing_error(error))
        else:  # not even a failure can be written: tell who waits; the row is picked up at the next start
            self._over(live, job)


def storing_error(error: BaseException) -> DioramaError:
    """Return the error of a job whose state or result could not be written."""
    if isinstance(error, DioramaError):
        return error
    if (isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)) or "is full" in str(
        error
    ):
        return InsufficientStorage("The disk is full.", fix="Free some space and retry the job.")
    return BackendError(f"The result could not be stored: {error}")
