"""Keys of providers: they go in and never come out."""

from __future__ import annotations

from typing import Annotated

from diorama.contract import DioramaError, UnknownModel, to_plain
from fastapi import Path
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.system import CheckReply, ProvidersView, SecretValue

router = private_router(tag="settings")
Name = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


@router.get("/settings/providers", response_model=ProvidersView)
def list_providers(engine: EngineDep) -> Response:
    """Return which keys are set, where they come from and their last characters."""
    providers = [
        {
            "id": backend_id,
            "title": backend.title or backend_id,
            "secrets": to_plain(engine.secrets.status(backend_id)),
        }
        for backend_id, backend in engine.registry.backends.items()
        if backend.secrets
    ]
    return reply({"providers": providers})


@router.put("/settings/providers/{backend_id}/{name}", response_model=Message)
def set_secret(backend_id: Name, name: Name, body: SecretValue, engine: EngineDep) -> Response:
    """Keep a key: in the system's keyring where there is one, else in a file that only the user can read."""
    engine.providers.change(backend_id, secrets={name: body.value})
    return reply({"message": "Kept. It holds from the next job on."})


@router.delete("/settings/providers/{backend_id}/{name}", response_model=Message)
def delete_secret(backend_id: Name, name: Name, engine: EngineDep) -> Response:
    """Forget a key."""
    engine.providers.change(backend_id, secrets={name: None})
    return reply({"message": "Forgotten."})


@router.post("/settings/providers/{backend_id}/test", response_model=CheckReply)
def test_provider(backend_id: Name, engine: EngineDep) -> Response:
    """Prove with a real call that key and address work."""
    try:
        return reply({"ok": True, "message": engine.check_backend(backend_id)})
    except UnknownModel:
        raise
    except DioramaError as error:
        return reply({"ok": False, "message": " ".join(filter(None, (error.message, error.fix)))})
