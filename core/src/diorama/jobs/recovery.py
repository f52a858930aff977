"""Picking up what an earlier run of the engine left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from diorama.jobs.lanes import Lanes
from diorama.jobs.records import Job, JobStatus

MAX_INTERRUPTIONS = 5
"""A job that was running this often when the engine died waits for a person: it may be what kills it."""


@dataclass(slots=True)
class Recovered:
    """Unfinished jobs, sorted by what is to be done.

    Attributes:
        waiting: All jobs that wait now, as they are to be queued.
        again: Ids of started jobs that go back into the queue.
        held: Ids of started jobs that wait for a person, by reason.
        cancelled: Jobs that were being cancelled.
    """

    waiting: list[Job] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    held: dict[str, list[str]] = field(default_factory=dict)
    cancelled: list[Job] = field(default_factory=list)


def recover(jobs: Iterable[Job], lanes: Lanes) -> Recovered:
    """Decide about jobs that are not final.

    Local ones run again. Remote ones with memory resume from it; without, those run again whose backend remembers before it
    buys. Of others nobody knows whether the provider got them: those that may have been billed wait for a person.
    """
    found = Recovered()
    for job in jobs:
        if (job.error or {}).get("code") == "cancelled":
            found.cancelled.append(job)
            continue
        lane = lanes.lane_of(job)
        if job.status is JobStatus.QUEUED:
            found.waiting.append(replace(job, lane=lane))
            continue
        reason = _why_hold(job, lanes)
        if reason is None:
            found.again.append(job.id)
        else:
            found.held.setdefault(reason, []).append(job.id)
        found.waiting.append(
            replace(
                job,
                lane=lane,
                status=JobStatus.QUEUED,
                progress=0.0,
                message="",
                started_at=None,
                held=reason is not None,
                wait_reason=reason,
            )
        )
    return found


def _why_hold(job: Job, lanes: Lanes) -> str | None:
    if not job.memory and lanes.may_have_been_billed(job):
        return (
            f"The engine stopped while this was being sent to {job.lane}, which may have run and billed it. "
            "Look there first; release it to send it again, or cancel it."
        )
    if job.attempt >= MAX_INTERRUPTIONS and not job.memory:
        return (
            f"The engine stopped {job.attempt} times while this ran. Release it to try again, or cancel it."
        )
    return None
