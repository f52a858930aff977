"""Pictures while you wait."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from diorama.contract.errors import error_from_plain
from diorama.engine import Engine
from diorama.jobs.records import Job, JobStatus
from diorama.jobs.submission import Submission
from diorama.views import estimate_view
from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.errors import error_body, error_reply
from diorama_web.schemas.jobs import GenerateReply
from diorama_web.schemas.money import PlanReply
from diorama_web.schemas.submissions import ImageRequest, JobRequest
from diorama_web.submitting import accept, build_submission, preferred_model
from diorama_web.views.jobs import generate_reply

router = private_router(tag="generate")
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]


@router.post("/generate", response_model=GenerateReply)
async def generate(
    body: ImageRequest, request: Request, engine: EngineDep, caller: CallerDep, key: Key = None
) -> Response:
    """Make pictures and answer when they are there. Hanging up does not cancel the job: find it under /api/jobs."""
    kind = "" if body.reference_images else "generate"

    def build() -> Submission:
        return build_submission(
            body, kind=kind, caller=caller, engine=engine, key=key,
            default_model=preferred_model(request, kind or "edit"),
        )  # fmt: skip

    job = await accept(await to_thread.run_sync(build), request)
    return await finished(job, request)


@router.post("/plan", response_model=PlanReply)
def plan(body: JobRequest, request: Request, engine: EngineDep, caller: CallerDep) -> Response:
    """Tell what would run and cost, what would be adjusted and what ignored; nothing is stored as a job."""
    kind = body.kind or ""
    model = preferred_model(request, kind or "generate")
    submission = build_submission(body, kind=kind, caller=caller, engine=engine, default_model=model)
    resolved = engine.plan(submission)
    return reply(
        {
            "kind": resolved.kind.value,
            "model": resolved.model.id,
            "applied": resolved.applied,
            "adjusted": resolved.adjusted,
            "ignored": resolved.ignored,
            "estimate": estimate_view(engine.estimate([submission])),
        }
    )


async def finished(job: Job, request: Request) -> Response:
    """Wait for a job to end and answer with its pictures, or with what went wrong."""
    engine: Engine = request.app.state.engine
    done = await request.app.state.followers.until_final(job)
    if done.status is JobStatus.COMPLETED:
        return reply(await to_thread.run_sync(generate_reply, done, engine))
    if done.error:
        return error_reply(error_from_plain(dict(done.error)), job_id=done.id)
    if done.status is JobStatus.CANCELLED:
        return reply(error_body("cancelled", "The job was cancelled.", job_id=done.id), 409)
    message = "The server is stopping; the job goes on when it is back."
    return reply(error_body("stopping", message, fix=f"See /api/jobs/{done.id} then.", job_id=done.id), 503)
