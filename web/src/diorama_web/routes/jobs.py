"""The ledger: every kind of work, durable from the moment it is accepted."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from diorama.contract import InvalidRequest, NotFound
from diorama.ids import new_id
from diorama.jobs.submission import Submission
from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.routes.files import serve_asset
from diorama_web.routes.generate import Key
from diorama_web.schemas.base import Message
from diorama_web.schemas.jobs import (
    BatchAccepted,
    JobAccepted,
    JobImages,
    JobPage,
    JobStatusView,
    JobView,
    KindWord,
    StatusWord,
)
from diorama_web.schemas.submissions import BatchRequest, JobRequest
from diorama_web.submitting import accept, build_submission, preferred_model, remember_session
from diorama_web.views.jobs import accepted, assets_of, job_status, job_view
from diorama_web.views.media import image_ref

router = private_router(tag="jobs")
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]
Group = Annotated[str | None, Query(max_length=64)]


@router.post("/jobs", response_model=JobAccepted, status_code=202)
async def submit_job(
    body: JobRequest, request: Request, engine: EngineDep, caller: CallerDep, key: Key = None
) -> Response:
    """Accept work; the answer comes when the job is on disk, and the job then reaches a final state whatever happens."""
    model = preferred_model(request, body.kind or "generate")

    def build() -> Submission:
        return build_submission(
            body, kind=body.kind or "", caller=caller, engine=engine, key=key, default_model=model
        )

    needs_thread = bool(
        body.reference_images or body.mask or body.media or body.control_images or body.sounds
    )
    submission = await to_thread.run_sync(build) if needs_thread else build()
    return reply(accepted(await accept(submission, request)), 202)


@router.post("/jobs/batch", response_model=BatchAccepted, status_code=202)
def submit_batch(body: BatchRequest, request: Request, engine: EngineDep, caller: CallerDep) -> Response:
    """Accept many jobs in one transaction, or none of them."""
    batch_id = next((item.batch_id for item in body.jobs if item.batch_id), None) or new_id()
    submissions = []
    for index, item in enumerate(body.jobs):
        if item.batch_id is None:
            item.batch_id = batch_id
        try:
            default = preferred_model(request, item.kind or "generate")
            kind = item.kind or ""
            submissions.append(
                build_submission(item, kind=kind, caller=caller, engine=engine, default_model=default)
            )
        except InvalidRequest as error:
            error.field = f"jobs[{index}].{error.field}"
            raise
    jobs = engine.submit_many(submissions)
    remember_session(request, submissions)
    plain = {"batch_id": batch_id, "count": len(jobs), "jobs": [accepted(job) for job in jobs]}
    return reply(plain, 202)


@router.get("/jobs", response_model=JobPage)
def list_jobs(
    engine: EngineDep,
    session_id: Group = None,
    batch_id: Group = None,
    active_only: bool = False,
    kind: KindWord | None = None,
    status: StatusWord | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Return jobs, newest first."""
    page = engine.jobs(
        status=status, kind=kind, session_id=session_id, batch_id=batch_id, active_only=active_only,
        cursor=cursor, limit=limit,
    )  # fmt: skip
    return reply({"jobs": [job_view(job, engine) for job in page.items], "next_cursor": page.next_cursor})


@router.get("/jobs/{job_id}", response_model=JobView)
def get_job(job_id: JobId, engine: EngineDep) -> Response:
    """Return a job with its live progress and its results."""
    return reply(job_view(engine.job(job_id), engine))


@router.delete("/jobs/{job_id}", response_model=Message)
def delete_job(job_id: JobId, engine: EngineDep) -> Response:
    """Cancel a job that is not final; forget one that is (its pictures stay)."""
    if engine.job(job_id).status.final:
        engine.forget(job_id)
        return reply({"message": "The job is forgotten; what it made stays."})
    engine.cancel(job_id)
    return reply({"message": "The job is being cancelled."})


@router.post("/jobs/{job_id}/retry", response_model=JobAccepted, status_code=202)
def retry_job(job_id: JobId, engine: EngineDep) -> Response:
    """Submit the same request again as a new job."""
    return reply(accepted(engine.retry(job_id)), 202)


@router.get("/jobs/{job_id}/status", response_model=JobStatusView)
def get_job_status(job_id: JobId, engine: EngineDep) -> Response:
    """Return the moving part of a job only."""
    return reply(job_status(engine.job(job_id)))


@router.get("/jobs/{job_id}/images", response_model=JobImages)
def list_job_images(job_id: JobId, engine: EngineDep) -> Response:
    """Return the pictures of a job."""
    job = engine.job(job_id)
    images = [image_ref(asset) for asset in assets_of(job, engine) if asset.kind == "image"]
    return reply({"job_id": job.id, "status": job.status.value, "images": images})


@router.get(
    "/jobs/{job_id}/images/{index}", response_class=Response, responses={200: {"content": {"image/*": {}}}}
)
def get_job_image(
    job_id: JobId, index: Annotated[int, Path(ge=0, le=100_000)], request: Request, engine: EngineDep
) -> Response:
    """Return one picture of a job, counted from 0."""
    images = [asset for asset in assets_of(engine.job(job_id), engine) if asset.kind == "image"]
    if index >= len(images):
        raise NotFound(
            f"The job has {len(images)} picture(s).",
            field="index",
            fix="Count from 0, and wait until it is completed.",
        )
    return serve_asset(images[index], request, engine)
