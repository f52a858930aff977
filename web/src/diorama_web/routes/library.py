"""Models on this disk and in memory: what is there, fetching, deleting, unloading."""

from __future__ import annotations

from typing import Annotated, Any

from diorama.contract import ModelInfo, StoredModel
from diorama.jobs.submission import Submission
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import CallerDep, EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.jobs import JobAccepted, JobPage
from diorama_web.schemas.models import CacheDeleted, CacheStatus, ModelRemoved
from diorama_web.submitting import accept
from diorama_web.views.jobs import accepted, job_view

router = private_router(tag="models")


@router.get("/models/cache-status", response_model=CacheStatus)
def cache_status(engine: EngineDep) -> Response:
    """Return which models are on this disk, what they take there, and what could be fetched."""
    on_disk = {item.id: item.stored for item in engine.shelf.on_disk()}
    entries = [
        cache_entry(model, on_disk.get(model.id))
        for model in engine.catalog.models()
        if model.downloadable or model.id in on_disk
    ]
    total = sum({item.path: item.size_bytes for item in on_disk.values()}.values())
    return reply({"models": entries, "cached_gb": round(total / 1e9, 3)})


def cache_entry(model: ModelInfo, stored: StoredModel | None) -> dict[str, Any]:
    """Return a model's presence on this disk; sizes are as measured where it is there, estimates where not."""
    return {
        "id": model.id,
        "title": model.title,
        "cached": stored is not None,
        "availability": model.availability.state.value,
        "disk_gb": round(stored.size_bytes / 1e9, 3) if stored else model.disk_gb,
        "path": stored.path if stored else None,
        "size_bytes": stored.size_bytes if stored else None,
        "freeable_bytes": stored.freeable_bytes if stored else 0,
        "shared_with": [f"{model.backend}:{name}" for name in stored.shared_with] if stored else [],
        "fix": model.availability.fix,
    }


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


@router.delete("/models/{model_id:path}", response_model=ModelRemoved)
def remove_model(model_id: str, engine: EngineDep) -> Response:
    """Take a model that was added out of the list; its files stay where they are."""
    return reply({"model": engine.shelf.remove(model_id)})
