"""Videos from words and from pictures: typed views of the one ledger."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from diorama.contract import InvalidRequest, NotFound
from diorama.engine import Engine
from diorama.jobs.records import Job, JobKind
from diorama.jobs.submission import Submission
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.routes.generate import Key
from diorama_web.schemas.jobs import JobAccepted, JobPage, JobView, StatusWord
from diorama_web.schemas.submissions import ImageToVideoRequest, VideoRequestBody
from diorama_web.security.keys import Caller
from diorama_web.submitting import accept, build_submission, preferred_model
from diorama_web.views.jobs import accepted, job_view

router = private_router(tag="video")
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]
Group = Annotated[str | None, Query(max_length=64)]


@router.post("/video/jobs", response_model=JobAccepted, status_code=202)
async def submit_video(
    body: VideoRequestBody, request: Request, engine: EngineDep, caller: CallerDep, key: Key = None
) -> Response:
    """Accept a video to be made."""
    submission = await to_thread.run_sync(_build, body, request, engine, caller, key)
    return reply(accepted(await accept(submission, request)), 202)


@router.post("/i2v/jobs", response_model=JobAccepted, status_code=202)
async def submit_image_to_video(
    body: ImageToVideoRequest, request: Request, engine: EngineDep, caller: CallerDep, key: Key = None
) -> Response:
    """Accept a video to be made from pictures."""
    if not body.reference_images and not body.image:
        raise InvalidRequest(
            "There is no start picture.",
            field="reference_images",
            fix="Send at least one in reference_images.",
        )
    submission = await to_thread.run_sync(_build, body, request, engine, caller, key)
    return reply(accepted(await accept(submission, request)), 202)


def _build(
    body: VideoRequestBody, request: Request, engine: Engine, caller: Caller, key: str | None
) -> Submission:
    model = preferred_model(request, "video") or first_model(engine, "video")
    return build_submission(body, kind="video", caller=caller, engine=engine, key=key, default_model=model)


def first_model(engine: Engine, operation: str) -> str:
    """Return the first ready model for an operation, one on this machine before others; empty when there is none."""
    from diorama.catalog.search import ModelFilter

    ready = engine.catalog.models(ModelFilter(operation=operation, availability="ready"))
    return min(ready, key=lambda model: model.data_leaves_machine).id if ready else ""


@router.get("/video/jobs", response_model=JobPage)
def list_video_jobs(
    engine: EngineDep, session_id: Group = None, active_only: bool = False, status: StatusWord | None = None,
    cursor: Cursor = None, limit: Limit = 50,
) -> Response:  # fmt: skip
    """Return video jobs, newest first."""
    return job_page(engine, JobKind.VIDEO, session_id, active_only, status, cursor, limit)


@router.get("/i2v/jobs", response_model=JobPage)
def list_image_to_video_jobs(
    engine: EngineDep, session_id: Group = None, active_only: bool = False, status: StatusWord | None = None,
    cursor: Cursor = None, limit: Limit = 50,
) -> Response:  # fmt: skip
    """Return video jobs that started from pictures, newest first; a page may hold fewer than ``limit``."""
    page = engine.jobs(
        kind="video",
        session_id=session_id,
        active_only=active_only,
        status=status,
        cursor=cursor,
        limit=limit,
    )
    jobs = [job_view(job, engine) for job in page.items if job.request.get("images")]
    return reply({"jobs": jobs, "next_cursor": page.next_cursor})


@router.get("/video/jobs/{job_id}", response_model=JobView)
def get_video_job(job_id: JobId, engine: EngineDep) -> Response:
    """Return a video job."""
    return reply(job_view(job_of_kind(engine, job_id, JobKind.VIDEO), engine))


@router.get("/i2v/jobs/{job_id}", response_model=JobView)
def get_image_to_video_job(job_id: JobId, engine: EngineDep) -> Response:
    """Return a video job that started from pictures."""
    return reply(job_view(job_of_kind(engine, job_id, JobKind.VIDEO), engine))


def job_page(
    engine: Engine, kind: JobKind, session_id: str | None, active_only: bool, status: str | None,
    cursor: str | None, limit: int,
) -> Response:  # fmt: skip
    """Answer with jobs of one kind."""
    page = engine.jobs(
        kind=kind.value,
        session_id=session_id,
        active_only=active_only,
        status=status,
        cursor=cursor,
        limit=limit,
    )
    return reply({"jobs": [job_view(job, engine) for job in page.items], "next_cursor": page.next_cursor})


def job_of_kind(engine: Engine, job_id: str, kind: JobKind) -> Job:
    """Return a job.

    Raises:
        NotFound: there is none with that id and kind.
    """
    job = engine.job(job_id)
    if job.kind is not kind:
        raise NotFound(f"That job is no {kind.value} job.", field="job_id", fix=f"See /api/jobs/{job.id}.")
    return job
