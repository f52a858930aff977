"""The bytes of stored files: ranges, validators, and headers that keep them from being anything but media."""

from __future__ import annotations

from typing import Annotated, Any

from diorama.assets.records import Asset
from diorama.engine import Engine
from fastapi import Query
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from diorama_web.access import AssetId, EngineDep, private_router
from diorama_web.schemas.assets import ExportFormat
from diorama_web.security.headers import MEDIA_CSP
from diorama_web.views.media import EXTENSIONS, filename

router = private_router(tag="assets")
_MEDIA: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/*": {}, "video/*": {}, "audio/*": {}}, "description": "The file."},
    206: {"description": "The range that was asked for."},
    304: {"description": "The caller has it already."},
}
Format = Annotated[
    ExportFormat | None,
    Query(description="Another format: png, jpeg, webp for pictures, the others for sounds."),
]


def media_headers(etag: str, name: str, *, inline: bool) -> dict[str, str]:
    """Return the headers of a stored file; ``name`` is made of our ids and safe in a header."""
    return {
        "ETag": f'"{etag}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": MEDIA_CSP,
        "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }


def serve_asset(asset: Asset, request: Request, engine: Engine, *, download: bool = False) -> Response:
    """Answer with the file of an asset: whole, a range of it, or 304."""
    known = asset.mime in EXTENSIONS
    headers = media_headers(asset.sha256, filename(asset), inline=known and not download)
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    mime = asset.mime if known else "application/octet-stream"
    return FileResponse(engine.assets.file(asset.id), media_type=mime, headers=headers)


def _has_it(request: Request, etag: str) -> bool:
    known = [item.strip().removeprefix("W/") for item in request.headers.get("if-none-match", "").split(",")]
    return etag in known or "*" in known


@router.get("/assets/{asset_id}/file", response_class=FileResponse, responses=_MEDIA)
def get_asset_file(
    asset_id: AssetId, request: Request, engine: EngineDep, format: Format = None, download: bool = False
) -> Response:
    """Return a stored file, or a picture or a sound in another format (its recipe goes with it)."""
    asset = engine.assets.get(asset_id)
    if format is None:
        return serve_asset(asset, request, engine, download=download)
    content, mime = engine.assets.export(asset_id, format)
    name = f"diorama-{asset.id}.{EXTENSIONS[mime]}"
    headers = media_headers(f"{asset.sha256}-{format}", name, inline=not download)
    if isinstance(content, bytes):
        return Response(content, media_type=mime, headers=headers)
    return FileResponse(content, media_type=mime, headers=headers)


@router.get("/assets/{asset_id}/thumbnail", response_class=FileResponse, responses=_MEDIA)
def get_asset_thumbnail(asset_id: AssetId, request: Request, engine: EngineDep) -> Response:
    """Return a small WebP of at most 320 pixels a side; of a sound its waveform."""
    asset = engine.assets.get(asset_id)
    headers = media_headers(f"{asset.sha256}-thumbnail", f"diorama-{asset.id}-small.webp", inline=True)
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(engine.assets.thumbnail(asset_id), media_type="image/webp", headers=headers)


@router.get("/images/{asset_id}", response_class=FileResponse, responses=_MEDIA)
def get_image(asset_id: AssetId, request: Request, engine: EngineDep) -> Response:
    """Return the file of a picture."""
    return serve_asset(engine.assets.get(asset_id), request, engine)


@router.get("/video-assets/{asset_id}/file", response_class=FileResponse, responses=_MEDIA)
def get_video_file(
    asset_id: AssetId, request: Request, engine: EngineDep, download: bool = False
) -> Response:
    """Return the file of a video, whole or in ranges."""
    return serve_asset(engine.assets.get(asset_id), request, engine, download=download)


@router.get("/video-assets/{asset_id}/thumbnail", response_class=FileResponse, responses=_MEDIA)
def get_video_thumbnail(asset_id: AssetId, request: Request, engine: EngineDep) -> Response:
    """Return the poster of a video."""
    return get_asset_thumbnail(asset_id, request, engine)


@router.get("/video-assets/{asset_id}/preview", response_class=FileResponse, responses=_MEDIA)
def get_video_preview(asset_id: AssetId, request: Request, engine: EngineDep) -> Response:
    """Return the first three seconds of a video as a small animated WebP without sound."""
    asset = engine.assets.get(asset_id)
    headers = media_headers(f"{asset.sha256}-moving", f"diorama-{asset.id}-moving.webp", inline=True)
    if _has_it(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(engine.assets.moving_preview(asset_id), media_type="image/webp", headers=headers)
