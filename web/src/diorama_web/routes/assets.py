"""The library: what jobs made, listed, searched, put away and brought back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from anyio import to_thread
from diorama.assets.records import Asset, Page
from diorama.contract import DioramaError, InvalidRequest, NotFound, to_plain
from diorama.engine import Engine
from fastapi import Query
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import AssetId, EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.assets import (
    AssetChange,
    AssetCount,
    AssetDetail,
    AssetKind,
    AssetPage,
    AssetView,
    ImageFacts,
)
from diorama_web.schemas.base import Message
from diorama_web.views.media import asset_detail, asset_view

router = private_router(tag="assets")
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]
Text = Annotated[str | None, Query(max_length=500)]
Moment = Annotated[float | None, Query(ge=0, description="Unix seconds.")]
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {"image": {"type": "string", "format": "binary"}},
            }
        }
    },
}


@router.get("/assets", response_model=AssetPage)
def list_assets(
    engine: EngineDep,
    limit: Limit = 50,
    cursor: Cursor = None,
    model: Text = None,
    kind: AssetKind | None = None,
    q: Text = None,
    session_id: Text = None,
    job_id: Text = None,
    batch_id: Text = None,
    favourite: bool | None = None,
    lora: Text = None,
    seed: Annotated[int | None, Query(ge=0, le=2**32 - 1)] = None,
    operation: Text = None,
    width: Annotated[int | None, Query(ge=1)] = None,
    height: Annotated[int | None, Query(ge=1)] = None,
    after: Moment = None,
    before: Moment = None,
    trashed: bool = False,
) -> Response:
    """Return assets, newest first; ``q`` searches prompts."""
    page = engine.assets.list(
        limit=limit, cursor=cursor, model=model, kind=kind, q=q, session_id=session_id, job_id=job_id,
        batch_id=batch_id, favourite=favourite, lora=lora, seed=seed, operation=operation,
        width=width, height=height, after=after, before=before, trashed=trashed,
    )  # fmt: skip
    return _page(page)


@router.get("/video-assets", response_model=AssetPage)
def list_video_assets(
    engine: EngineDep, limit: Limit = 50, cursor: Cursor = None, model: Text = None, q: Text = None,
    session_id: Text = None, favourite: bool | None = None,
) -> Response:  # fmt: skip
    """Return videos, newest first."""
    return _page(
        engine.assets.list(
            limit=limit,
            cursor=cursor,
            model=model,
            kind="video",
            q=q,
            session_id=session_id,
            favourite=favourite,
        )
    )


def _page(page: Page) -> Response:
    return reply({"assets": [asset_view(asset) for asset in page.items], "next_cursor": page.next_cursor})


@router.get("/assets/count", response_model=AssetCount)
def count_assets(
    engine: EngineDep, model: Text = None, kind: AssetKind | None = None, q: Text = None, session_id: Text = None,
    favourite: bool | None = None, trashed: bool = False,
) -> Response:  # fmt: skip
    """Count assets, up to ten thousand."""
    count = engine.assets.count(
        model=model, kind=kind, q=q, session_id=session_id, favourite=favourite, trashed=trashed
    )
    return reply(count)


@router.post("/assets/inspect", response_model=ImageFacts, openapi_extra={"requestBody": _FORM})
async def inspect_image(request: Request, engine: EngineDep) -> Response:
    """Read how a picture was made, from the texts in its file: ours, A1111, ComfyUI, InvokeAI, SwarmUI. Nothing is stored."""
    async with request.form(max_files=1, max_fields=1) as form:
        part = form.get("image")
        if not isinstance(part, UploadFile):
            raise InvalidRequest("There is no picture.", field="image", fix="Send a file named image.")
        if (part.size or 0) > engine.settings.limits.upload_bytes:
            raise InvalidRequest("The file is too large.", field="image", fix="Send a smaller one.")
        data = await part.read()
    return reply(await to_thread.run_sync(_facts, data, engine))


def _facts(data: bytes, engine: Engine) -> dict[str, Any]:
    from diorama.assets.metadata import read_metadata

    info = read_metadata(data)
    missing = []
    if info.model:
        try:
            engine.catalog.get(info.model)
        except DioramaError:
            missing.append(f"model {info.model[:200]}")
    missing += [f"LoRA {lora.name[:200]}" for lora in info.loras if info.source != "diorama"]
    plain: dict[str, Any] = to_plain(info)
    return {**plain, "missing": missing}


def _add_routes(prefix: str, kind: Literal["image", "video"] | None) -> None:
    """Add the routes of one asset, for ``/assets`` and for ``/video-assets``."""

    def find(engine: Engine, asset_id: str) -> Asset:
        asset = engine.assets.get(asset_id)
        if kind is not None and asset.kind != kind:
            raise NotFound("There is no such video.", field="asset_id", fix=f"See /api/assets/{asset_id}.")
        return asset

    def get_asset(asset_id: AssetId, engine: EngineDep) -> Response:
        """Return an asset with its recipe."""
        return reply(asset_detail(find(engine, asset_id)))

    def change_asset(asset_id: AssetId, body: AssetChange, engine: EngineDep) -> Response:
        """Give an asset a title, or take it away."""
        find(engine, asset_id)
        return reply(asset_view(engine.assets.rename(asset_id, body.title)))

    def delete_asset(asset_id: AssetId, engine: EngineDep, purge: bool = False) -> Response:
        """Put an asset into the trash, or with ``purge`` remove its file for good."""
        find(engine, asset_id)
        if purge:
            engine.assets.purge(asset_id)
            return reply({"message": "Removed for good."})
        engine.assets.trash(asset_id)
        return reply({"message": "In the trash; it can be restored."})

    def restore_asset(asset_id: AssetId, engine: EngineDep) -> Response:
        """Bring an asset back from the trash."""
        find(engine, asset_id)
        return reply(asset_view(engine.assets.restore(asset_id)))

    def mark_favourite(asset_id: AssetId, engine: EngineDep) -> Response:
        """Mark an asset as a favourite."""
        find(engine, asset_id)
        return reply(asset_view(engine.assets.favourite(asset_id, True)))

    def unmark_favourite(asset_id: AssetId, engine: EngineDep) -> Response:
        """Take the mark away."""
        find(engine, asset_id)
        return reply(asset_view(engine.assets.favourite(asset_id, False)))

    word = "video_" if kind == "video" else ""
    for method, end, call, answer in (
        ("GET", "/{asset_id}", get_asset, AssetDetail),
        ("PATCH", "/{asset_id}", change_asset, AssetView),
        ("DELETE", "/{asset_id}", delete_asset, Message),
        ("POST", "/{asset_id}/restore", restore_asset, AssetView),
        ("PUT", "/{asset_id}/favourite", mark_favourite, AssetView),
        ("DELETE", "/{asset_id}/favourite", unmark_favourite, AssetView),
    ):
        router.add_api_route(
            prefix + end, call, methods=[method], response_model=answer, name=word + call.__name__
        )


_add_routes("/assets", None)
_add_routes("/video-assets", "video")
