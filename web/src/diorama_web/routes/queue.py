"""The queue as a whole, and the order in it."""

from __future__ import annotations

from diorama.contract import InvalidRequest
from fastapi import Query
from pydantic import Field
from starlette.responses import Response

from diorama_web.access import EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Body, CleanText
from diorama_web.schemas.jobs import JobPage, JobStatusView, QueueView
from diorama_web.views.jobs import job_status, job_view

router = private_router(tag="queue")


class MoveRequest(Body):
    """When a waiting job runs: give one of the two."""

    before: CleanText | None = Field(None, max_length=26, description="Id of the job it goes just before.")
    priority: int | None = Field(
        None, ge=-100, le=100, description="It goes to the end of the jobs that have it."
    )


@router.get("/queue", response_model=QueueView)
def get_queue(engine: EngineDep) -> Response:
    """Return what runs and what waits."""
    return reply(engine.queue.summary())


@router.get("/queue/jobs", response_model=JobPage)
def list_queue(engine: EngineDep, limit: int = Query(50, ge=1, le=200)) -> Response:
    """Return all jobs that are not final, newest first."""
    page = engine.jobs(active_only=True, limit=limit)
    return reply({"jobs": [job_view(job, engine) for job in page.items], "next_cursor": page.next_cursor})


@router.post("/queue/pause", response_model=QueueView)
def pause_queue(engine: EngineDep) -> Response:
    """Start no further jobs; running ones go on."""
    engine.queue.pause()
    return reply(engine.queue.summary())


@router.post("/queue/resume", response_model=QueueView)
def resume_queue(engine: EngineDep) -> Response:
    """Start jobs again."""
    engine.queue.resume()
    return reply(engine.queue.summary())


@router.post("/jobs/{job_id}/hold", response_model=JobStatusView)
def hold_job(job_id: JobId, engine: EngineDep) -> Response:
    """Keep a queued job from starting."""
    return reply(job_status(engine.queue.hold(job_id)))


@router.post("/jobs/{job_id}/release", response_model=JobStatusView)
def release_job(job_id: JobId, engine: EngineDep) -> Response:
    """Let a held job go on."""
    return reply(job_status(engine.queue.release(job_id)))


@router.post("/jobs/{job_id}/move", response_model=JobStatusView)
def move_job(job_id: JobId, body: MoveRequest, engine: EngineDep) -> Response:
    """Give a waiting job another place in its lane."""
    if (body.before is None) == (body.priority is None):
        raise InvalidRequest(
            "Give exactly one of before and priority.", field="before", fix="Name a job or a number."
        )
    return reply(job_status(engine.queue.move(job_id, priority=body.priority, before=body.before)))
