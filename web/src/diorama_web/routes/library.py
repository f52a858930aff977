"""Models on this disk and in memory: what is there, fetching, deleting, unloading."""

from __future__ import annotations

from typing import Annotated

from diorama.contract import AvailabilityState
from diorama.jobs.submission import Submission
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.jobs import JobAccepted, JobPage
from diorama_web.schemas.models import CacheDeleted, CacheStatus
from diorama_web.submitting import accept
from diorama_web.views.jobs import accepted, job_view

router = private_router(tag="models")


@router.get("/models/cache-status", response_model=CacheStatus)
def cache_status(engine: EngineDep) -> Response:
    """Return which models are on this disk, and what they take."""
    entries, total = [], 0.0
    for model in engine.catalog.models():
        cached = model.availability.state is AvailabilityState.READY and not model.data_leaves_machine
        if not (model.downloadable or (cached and model.disk_gb)):
            continue
        total += (model.disk_gb or 0.0) if cached else 0.0
        entries.append(
            {
                "id": model.id,
                "title": model.title,
                "cached": cached,
                "availability": model.availability.state.value,
                "disk_gb": model.disk_gb,
                "fix": model.availability.fix,
            }
        )
    return reply({"models": entries, "cached_gb": round(total, 3)})


@router.get("/models/downloads", response_model=JobPage)
def list_downloads(
    engine: EngineDep, active_only: bool = False, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> Response:
    """Return downloads, newest first."""
    page = engine.jobs(kind="download", active_only=active_only, limit=limit)
    return reply({"jobs": [job_view(job, engine) for job in page.items], "next_cursor": page.next_cursor})


@router.post("/models/{model_id:path}/download", response_model=JobAccepted, status_code=202)
async def download_model(model_id: str, request: Request, caller: CallerDep) -> Response:
    """Fetch a model to this disk as a job of its own: it can be followed, cancelled and resumed."""
    job = await accept(Submission(kind="download", model=model_id, owner=caller.owner), request)
    return reply(accepted(job), 202)


@router.delete("/models/{model_id:path}/cache", response_model=CacheDeleted)
def delete_model_cache(model_id: str, engine: EngineDep) -> Response:
    """Remove a model from this disk; other models keep what they share with it."""
    model = engine.catalog.get(model_id)
    freed = engine.delete_model(model.id)
    return reply({"model": model.id, "freed_bytes": freed})


@router.post("/models/{model_id:path}/unload", response_model=Message)
def unload_model(model_id: str, engine: EngineDep) -> Response:
    """Free the memory that a model takes."""
    model = engine.catalog.get(model_id)
    engine.executor.unload(model.backend, model.native_id)
    return reply({"message": f"{model.title} is unloaded."})
