"""LoRA: what is here, what is worth getting, and what each fits."""

from __future__ import annotations

from typing import Annotated

from diorama.engine import Engine
from diorama.views import lora_view
from fastapi import Query
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.models import LoraList

router = private_router(tag="models")
ModelType = Annotated[
    str | None, Query(max_length=64, description="Family, such as `sdxl`: only LoRA that fit it.")
]


@router.get("/loras", response_model=LoraList)
def list_loras(engine: EngineDep, model_type: ModelType = None) -> Response:
    """Return the LoRA, those on this machine first."""
    return _listing(engine, model_type)


@router.post("/loras/scan", response_model=LoraList)
def scan_loras(engine: EngineDep, model_type: ModelType = None) -> Response:
    """Look through the folders again, and return the LoRA that lie there now."""
    return _listing(engine, model_type, here=True)


def _listing(engine: Engine, kind: str | None, *, here: bool = False) -> Response:
    found = [lora_view(item) for item in engine.shelf.loras(kind or "")]
    shown = [item for item in found if item["availability"]["state"] == "ready"] if here else found
    return reply({"loras": shown, "total": len(shown)})
