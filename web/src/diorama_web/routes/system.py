"""The machine, and how the server was started."""

from __future__ import annotations

from diorama import __version__
from diorama.assets.usage import usage
from diorama.contract import to_plain
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.system import CanGenerate, StorageView, SystemSettings, SystemStatus

router = private_router(tag="system")


@router.get("/system/status", response_model=SystemStatus)
def system_status(engine: EngineDep) -> Response:
    """Return devices, loaded models, queue, versions, memory and disk."""
    return reply(engine.status())


@router.get("/system/storage", response_model=StorageView)
def system_storage(engine: EngineDep) -> Response:
    """Return what the library, its trash, inputs, database and cache take on disk."""
    return reply(usage(engine.database, engine.settings))


@router.get("/system/can-generate/{model_id:path}", response_model=CanGenerate)
def can_generate(model_id: str, engine: EngineDep) -> Response:
    """Tell whether a model can run now, whole or sparing memory, and if not, why and what would."""
    return reply(engine.can_generate(model_id))


@router.get("/settings/system", response_model=SystemSettings)
def system_settings(engine: EngineDep) -> Response:
    """Return the settings in force; keys are never shown."""
    settings = engine.settings
    server = settings.server
    return reply(
        {
            "version": __version__,
            "host": server.host,
            "port": server.port,
            "needs_key": bool(server.api_keys),
            "offline": settings.offline,
            "default_model": settings.default_model,
            "output_format": settings.output_format,
            "config_file": str(settings.config_file),
            "data_dir": str(settings.data_dir),
            "cache_dir": str(settings.cache_dir),
            "models_dirs": [str(folder) for folder in settings.models_dirs],
            "devices": list(settings.devices),
            "aliases": dict(settings.aliases),
            "limits": to_plain(settings.limits),
            "origins": dict(settings.origins),
        }
    )
