"""Several files in one archive."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response, StreamingResponse

from diorama_web.access import EngineDep, checked_id, private_router
from diorama_web.schemas.assets import ExportRequest

router = private_router(tag="assets")
_ZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/zip": {}}, "description": "The archive."}
}


@router.post("/assets/export", response_class=StreamingResponse, responses=_ZIP)
def export_assets(body: ExportRequest, engine: EngineDep) -> Response:
    """Return files as a ZIP archive that is made while it is sent, each file with its recipe unless told otherwise."""
    wanted = [checked_id(asset_id, "asset") for asset_id in body.asset_ids]
    archive = engine.assets.export_zip(wanted, body.format, metadata=body.metadata)
    headers = {
        "Content-Disposition": 'attachment; filename="diorama-assets.zip"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(archive, media_type="application/zip", headers=headers)
