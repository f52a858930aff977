"""Backends and extensions, the broken ones too."""

from __future__ import annotations

from diorama.contract import to_plain
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.system import PluginsView

router = private_router(tag="system")


@router.get("/plugins", response_model=PluginsView)
def list_plugins(engine: EngineDep) -> Response:
    """Return what is in use and what could not be loaded, with the reason. Installing is done on the command line only."""
    return reply({"loaded": to_plain(engine.registry.loaded), "broken": to_plain(engine.registry.broken)})
