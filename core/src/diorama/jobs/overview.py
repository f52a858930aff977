"""What people are shown of a job that is not over: place, reason, estimate."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from diorama.jobs.eta import RunTimes, remaining
from diorama.jobs.live import LiveJob
from diorama.jobs.progress import Gauge
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
        with live.lock:
            gauge = live.gauge
            if gauge is not None:
                return live.view(eta_seconds=self._eta(live.job, gauge))
        job = live.view()
        return job if job.status.final else self._waiting(job)

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

    def _eta(self, job: Job, gauge: Gauge) -> float | None:
        elapsed, mean = time.monotonic() - gauge.stage_started, self._run_times.mean(job)
        if gauge.status is JobStatus.SAVING:
            return None
        if gauge.status is JobStatus.GENERATING:
            return remaining(mean, elapsed, gauge.fraction)
        # downloading or loading: that part by its own pace, then the work as usual
        before = _left_by_bytes(gauge) or remaining(None, elapsed, gauge.fraction)
        return None if mean is None and before is None else round((before or 0.0) + (mean or 0.0), 1)


def _left_by_bytes(gauge: Gauge) -> float | None:
    """Return the seconds that the missing bytes take at the present pace: what an earlier run brought took none."""
    numbers = gauge.numbers
    pace = numbers.get("bytes_per_second")
    if not isinstance(pace, int | float) or pace <= 0 or "bytes_total" not in numbers:
        return None
    missing = float(numbers["bytes_total"]) - float(numbers.get("bytes_done", 0))
    return round(max(missing, 0.0) / pace, 1)


def told(job: Job) -> Mapping[str, Any]:
    """Return what an event says about a job."""
    return {"job_id": job.id} | {name: getattr(job, name) for name in _TOLD}
