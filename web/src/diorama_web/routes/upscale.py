"""Pictures and videos made larger."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from diorama.catalog.search import ModelFilter
from diorama.engine import Engine
from diorama.jobs.records import JobKind
from diorama.jobs.submission import Submission
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.routes.generate import Key
from diorama_web.routes.models import listing
from diorama_web.routes.video import first_model, job_of_kind, job_page
from diorama_web.schemas.jobs import JobAccepted, JobPage, JobView, StatusWord
from diorama_web.schemas.models import ModelDetails
from diorama_web.schemas.submissions import UpscaleRequestBody
from diorama_web.security.keys import Caller
from diorama_web.submitting import accept, build_submission, preferred_model, upscale_source
from diorama_web.views.jobs import accepted, job_view
from diorama_web.views.models import model_view

router = private_router(tag="upscale")


@router.get("/upscale/models", response_model=ModelDetails)
def list_upscale_models(request: Request, engine: EngineDep) -> Response:
    """Return the models that enlarge."""
    return listing(request, engine, ModelFilter(operation="upscale"), model_view, 20_000, 0)


@router.post("/upscale/jobs", response_model=JobAccepted, status_code=202)
async def submit_upscale(
    body: UpscaleRequestBody, request: Request, engine: EngineDep, caller: CallerDep, key: Key = None
) -> Response:
    """Accept a picture or a video to be enlarged."""
    submission = await to_thread.run_sync(_build, body, request, engine, caller, key)
    return reply(accepted(await accept(submission, request)), 202)


def _build(
    body: UpscaleRequestBody, request: Request, engine: Engine, caller: Caller, key: str | None
) -> Submission:
    from dataclasses import replace

    source = upscale_source(body, engine)
    model = preferred_model(request, "upscale") or first_model(engine, "upscale")
    submission = build_submission(
        body, kind="upscale", caller=caller, engine=engine, key=key, default_model=model
    )
    return replace(submission, media=source)


@router.get("/upscale/jobs", response_model=JobPage)
def list_upscale_jobs(
    engine: EngineDep,
    session_id: Annotated[str | None, Query(max_length=64)] = None,
    active_only: bool = False,
    status: StatusWord | None = None,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return upscale jobs, newest first."""
    return job_page(engine, JobKind.UPSCALE, session_id, active_only, status, cursor, limit)


@router.get("/upscale/jobs/{job_id}", response_model=JobView)
def get_upscale_job(job_id: JobId, engine: EngineDep) -> Response:
    """Return an upscale job."""
    return reply(job_view(job_of_kind(engine, job_id, JobKind.UPSCALE), engine))
