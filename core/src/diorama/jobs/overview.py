"""What people are shown of a job that is not over: place, reason, estimate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diorama.jobs.eta import RunTimes, remaining
from diorama.jobs.live import LiveJob
from diorama.jobs.records import Job, JobStatus
from diorama.jobs.scheduler import Scheduler

_TOLD = (
    "status", "progress", "message", "numbers", "eta_seconds", "queue_position", "wait_reason", "held", "error",
    "asset_ids",
)  # fmt: skip


class Overview:
    """Completes the view of a live job.

    Args:
        scheduler: Knows places and reasons.
        run_times: Know how long things take.
    """

    def __init__(self, scheduler: Scheduler, run_times: RunTimes) -> None:
        self._scheduler, self._run_times = scheduler, run_times

    def view(self, live: LiveJob) -> Job:
        """Return the job as it stands now."""
        job = live.view()
        return self._waiting(job) if job.status is JobStatus.QUEUED else self._running(live, job)

    def _waiting(self, job: Job) -> Job:
        ahead = self._scheduler.ahead(job.id)
        reason = self._scheduler.why(job.id) or job.wait_reason
        if ahead is None:
            return replace(job, wait_reason=reason)
        mean = self._run_times.mean(job)
        eta = None
        if mean is not None and not self._scheduler.paused:
            eta = round(mean * (1 + ahead / self._scheduler.width(job.lane)), 1)
        return replace(job, queue_position=ahead + 1, wait_reason=reason, eta_seconds=eta)

    def _running(self, live: LiveJob, job: Job) -> Job:
        with live.lock:
            gauge = live.gauge
            fraction = gauge.fraction if gauge else None
            elapsed = time.monotonic() - gauge.stage_started if gauge else 0.0
        mean = self._run_times.mean(job)
        if job.status is JobStatus.GENERATING:
            eta = remaining(mean, elapsed, fraction)
        elif job.status is JobStatus.SAVING:
            eta = None
        else:  # downloading or loading: that part by its own pace, then the work as usual
            before = remaining(None, elapsed, fraction)
            eta = None if mean is None and before is None else round((before or 0.0) + (mean or 0.0), 1)
        return replace(job, eta_seconds=eta)


def told(job: Job) -> Mapping[str, Any]:
    """Return what an event says about a job."""
    return {"job_id": job.id} | {name: getattr(job, name) for name in _TOLD}
