"""Providers: keys and addresses go in and take effect at once; keys never come out."""

from __future__ import annotations

from typing import Annotated, Any

from diorama.contract import DioramaError, UnknownModel, to_plain
from diorama.providers import ProviderStatus
from fastapi import Path
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import iso_time, reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.money import ProviderChange
from diorama_web.schemas.system import ConnectionsView, ConnectionView, ProbeReply

router = private_router(tag="settings")
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/providers", response_model=ConnectionsView)
def list_connections(engine: EngineDep) -> Response:
    """Return every provider with its address, switch, models, and which keys are set."""
    return reply({"providers": [_view(item) for item in engine.providers.all()]})


@router.get("/providers/{provider_id}", response_model=ConnectionView)
def get_connection(provider_id: Name, engine: EngineDep) -> Response:
    """Return one provider."""
    return reply(_view(engine.providers.get(provider_id)))


@router.put("/providers/{provider_id}", response_model=ConnectionView)
def change_connection(provider_id: Name, body: ProviderChange, engine: EngineDep) -> Response:
    """Set key, address or switch; it takes effect for the next job. Running jobs go on as they began."""
    given = body.model_fields_set
    secrets: dict[str, str | None] = dict(body.secrets)
    if "api_key" in given:
        secrets["api_key"] = body.api_key
    address = (body.api_url or "") if "api_url" in given else None
    return reply(
        _view(
            engine.providers.change(provider_id, secrets=secrets, api_url=address, is_enabled=body.is_enabled)
        )
    )


@router.delete("/providers/{provider_id}", response_model=Message)
def delete_connection(provider_id: Name, engine: EngineDep) -> Response:
    """Forget the provider's keys, address and switch that were set here."""
    gone = engine.providers.forget(provider_id)
    return reply({"message": "Forgotten." if gone else "Nothing was kept."})


@router.post("/providers/{provider_id}/test", response_model=ProbeReply)
def test_connection(provider_id: Name, engine: EngineDep) -> Response:
    """Prove with a real call that key and address work."""
    try:
        return reply({"ok": True, "message": engine.providers.test(provider_id), "error": None})
    except UnknownModel:
        raise
    except DioramaError as error:
        return reply({"ok": False, "message": error.message, "error": error.describe()})


@router.post("/providers/{provider_id}/discover", response_model=ConnectionView)
def discover_models(provider_id: Name, engine: EngineDep) -> Response:
    """Ask the provider for its models now; the list is kept, and all of them can be named in requests."""
    return reply(_view(engine.providers.discover(provider_id)))


def _view(status: ProviderStatus) -> dict[str, Any]:
    plain: dict[str, Any] = to_plain(status)
    return {**plain, "fetched_at": iso_time(status.fetched_at) if status.fetched_at else None}
