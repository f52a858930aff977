"""Whether the server is there."""

from __future__ import annotations

from diorama import __version__
from starlette.responses import Response

from diorama_web.access import public_router
from diorama_web.encoding import reply
from diorama_web.schemas.system import HealthView

router = public_router(tag="system")


@router.get("/health", response_model=HealthView)
async def health() -> Response:
    """Tell that the server answers; open to anyone who reaches it."""
    return reply({"status": "ok", "version": __version__})
