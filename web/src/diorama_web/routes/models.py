"""The catalog. Ids hold colons and slashes, so the routes that end in one come last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from diorama.catalog.search import ModelFilter
from diorama.contract import ModelInfo
from diorama.engine import Engine
from diorama.offers import group as group_offers
from diorama.views import family_view
from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import EngineDep, private_router
from diorama_web.encoding import iso_time, reply
from diorama_web.schemas.models import ModelDetails, ModelList, ModelView
from diorama_web.views.models import model_summary, model_view

router = private_router(tag="models")
Word = Annotated[str | None, Query(max_length=200)]
Group = Annotated[
    Literal["family"] | None, Query(description="`family`: answers with `families`, each with its offers.")
]
Limit = Annotated[int, Query(ge=1, le=20_000)]
Offset = Annotated[int, Query(ge=0)]


@router.get("/models", response_model=ModelList)
def list_models(
    request: Request, engine: EngineDep, operation: Word = None, backend: Word = None, category: Word = None,
    tag: Word = None, availability: Word = None, kind: Word = None, family: Word = None, q: Word = None,
    group: Group = None, limit: Limit = 20_000, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return the models that fit, without their capabilities; or with `group=family` who offers each of them."""
    wanted = ModelFilter(
        operation=operation, backend=backend, category=category, tag=tag, availability=availability,
        kind=kind, family=family, text=q,
    )  # fmt: skip
    if group == "family":
        families = group_offers(engine.catalog.models(wanted), engine.estimator.typical())
        shown = [family_view(item) for item in families[offset : offset + limit]]
        return reply({"models": [], "families": shown, "total": len(families), **catalog_state(engine)})
    return listing(request, engine, wanted, model_summary, limit, offset, families=None)


@router.get("/models/detailed", response_model=ModelDetails)
def list_models_detailed(
    request: Request, engine: EngineDep, operation: Word = None, backend: Word = None, category: Word = None,
    tag: Word = None, availability: Word = None, kind: Word = None, family: Word = None, q: Word = None,
    limit: Limit = 20_000, offset: Offset = 0,
) -> Response:  # fmt: skip
    """Return the models that fit, with everything that is known about them."""
    wanted = ModelFilter(
        operation=operation, backend=backend, category=category, tag=tag, availability=availability,
        kind=kind, family=family, text=q,
    )  # fmt: skip
    return listing(request, engine, wanted, model_view, limit, offset)


@router.post("/models/refresh", response_model=ModelList)
def refresh_models(request: Request, engine: EngineDep, backend: Word = None) -> Response:
    """Ask the backends for their lists now, and return all models."""
    engine.catalog.refresh(backend)
    return listing(request, engine, ModelFilter(), model_summary, 20_000, 0, families=None)


def listing(
    request: Request, engine: Engine, wanted: ModelFilter, view: Callable[[ModelInfo], dict[str, Any]],
    limit: int, offset: int, **more: Any,
) -> Response:  # fmt: skip
    """Answer with the models that fit and with ``more``, or with 304 when the caller has them already."""
    listings = engine.catalog.listings()
    models = engine.catalog.models(wanted)
    times = sum(item.fetched_at for item in listings.values())
    etag = f'"{engine.catalog.revision}-{len(models)}-{times:.3f}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Authorization, X-API-Key, Cookie"}
    if request.method == "GET" and request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    shown = [view(model) for model in models[offset : offset + limit]]
    plain = {"models": shown, "total": len(models), **catalog_state(engine), **more}
    return reply(plain, headers=headers)


def catalog_state(engine: Engine) -> dict[str, Any]:
    """Return what every list of models tells beside the models."""
    backends = [
        {
            "id": backend_id,
            "title": getattr(engine.registry.backends.get(backend_id), "title", "") or backend_id,
            "models": len(item.models),
            "fetched_at": iso_time(item.fetched_at) if item.fetched_at else None,
            "stale": item.stale,
            "error": item.error,
        }
        for backend_id, item in engine.catalog.listings().items()
    ]
    return {"default_model": engine.settings.default_model, "backends": backends}


by_id = private_router(tag="models")
"""Included after every other route under ``/api/models``."""


@by_id.get("/models/{model_id:path}", response_model=ModelView)
def get_model(model_id: str, engine: EngineDep) -> Response:
    """Return one model; aliases and family names work too."""
    return reply(model_view(engine.catalog.get(model_id)))
