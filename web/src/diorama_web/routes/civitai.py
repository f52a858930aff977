"""Civitai: finding models, and fetching them as jobs."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

from diorama.contract import InvalidRequest
from diorama.services import civitai
from diorama.services.civitai_previews import preview
from fastapi import Path, Query
from starlette.responses import FileResponse, Response

from diorama_web.access import AssetId, CallerDep, EngineDep, JobId, private_router
from diorama_web.encoding import reply
from diorama_web.routes.files import media_headers
from diorama_web.schemas.base import Message
from diorama_web.schemas.civitai import (
    CivitaiDownload,
    CivitaiModel,
    CivitaiModels,
    CivitaiOrigins,
    CivitaiVersion,
)
from diorama_web.schemas.jobs import JobAccepted, JobPage
from diorama_web.views.jobs import accepted, job_view

router = private_router(tag="civitai")
Number = Annotated[int, Path(ge=1, lt=10**12)]
Word = Annotated[str | None, Query(max_length=200)]
Words = Annotated[list[str] | None, Query(max_length=20)]
Digest = Annotated[str, Path(min_length=8, max_length=64, pattern=r"^[0-9A-Fa-f]+$")]
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/webp": {}}, "description": "The picture, made small."}
}


@router.get("/civitai/models", response_model=CivitaiModels)
def search_civitai(
    engine: EngineDep, query: Word = None, types: Words = None, sort: Word = None, period: Word = None,
    base_models: Words = None, base_models_camel: Annotated[list[str] | None, Query(alias="baseModels")] = None,
    nsfw: bool = False, tag: Word = None, username: Word = None,
    cursor: Annotated[str | None, Query(max_length=2000)] = None, limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:  # fmt: skip
    """Search. Read on with ``next_cursor`` until it is null, also after a short page."""
    found = civitai.search(
        engine, query=query, types=types, sort=sort, period=period, base_models=base_models or base_models_camel,
        nsfw=nsfw, tag=tag, username=username, cursor=cursor, limit=limit,
    )  # fmt: skip
    return reply(found)


@router.get("/civitai/models/{model_id}", response_model=CivitaiModel)
def get_civitai_model(model_id: Number, engine: EngineDep, nsfw: bool = False) -> Response:
    """Return a model with its versions."""
    return reply(civitai.model(engine, model_id, nsfw))


@router.get("/civitai/model-versions/{version_id}", response_model=CivitaiVersion)
def get_civitai_version(version_id: Number, engine: EngineDep, nsfw: bool = False) -> Response:
    """Return a version with its files, and which of them can be fetched."""
    return reply(civitai.version(engine, version_id, nsfw))


@router.get("/civitai/by-hash/{digest}", response_model=CivitaiVersion)
def find_civitai_hash(digest: Digest, engine: EngineDep, nsfw: bool = False) -> Response:
    """Return the version that holds the file with this hash."""
    return reply(civitai.by_hash(engine, digest, nsfw))


@router.get("/civitai/by-asset/{asset_id}", response_model=CivitaiOrigins)
def find_civitai_origins(asset_id: AssetId, engine: EngineDep) -> Response:
    """Return the versions behind the hashes of an asset's recipe."""
    return reply(civitai.of_asset(engine, asset_id))


@router.get("/civitai/preview", response_class=FileResponse, responses=_PICTURE)
def get_civitai_preview(
    engine: EngineDep,
    url: Annotated[
        str, Query(min_length=8, max_length=2048, description="As a model or a version lists it.")
    ],
    size: Literal["card", "page"] = "card",
) -> Response:
    """Return a preview picture, or a still of a preview video, fetched by this server: pages load nothing from elsewhere."""
    file = preview(engine, url, size)
    name = hashlib.sha256(file.name.encode()).hexdigest()[:16]
    return FileResponse(
        file, media_type="image/webp", headers=media_headers(name, f"{name}.webp", inline=True)
    )


@router.post("/civitai/downloads", response_model=JobAccepted, status_code=202)
def start_civitai_download(body: CivitaiDownload, engine: EngineDep, caller: CallerDep) -> Response:
    """Fetch a file as a job; one that is going on already is shared."""
    if (body.source is None) == (body.version_id is None):
        raise InvalidRequest(
            "Give exactly one of source and version_id.", field="source", fix="Send the number of a version."
        )
    source = body.source or str(body.version_id)
    return reply(accepted(civitai.download(engine, source, body.file_id, caller.owner)), 202)


@router.get("/civitai/downloads", response_model=JobPage)
def list_civitai_downloads(
    engine: EngineDep, active_only: bool = False, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:  # fmt: skip
    """Return downloads, newest first, with bytes, speed and time left in ``numbers`` and ``eta_seconds``."""
    page = civitai.downloads(engine, active_only, limit, cursor)
    return reply({"jobs": [job_view(job, engine) for job in page.items], "next_cursor": page.next_cursor})


@router.delete("/civitai/downloads/{job_id}", response_model=Message)
def end_civitai_download(job_id: JobId, engine: EngineDep) -> Response:
    """Cancel a download (what came so far is kept and continued by the next one), or forget one that has ended."""
    if civitai.end_download(engine, job_id).status.final:
        return reply({"message": "The download is forgotten; the file stays."})
    return reply({"message": "The download is being cancelled."})
