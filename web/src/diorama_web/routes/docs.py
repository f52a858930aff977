"""The OpenAPI document and a page that shows it, from this server alone."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.requests import Request
from starlette.responses import Response

from diorama_web.access import private_router
from diorama_web.encoding import reply
from diorama_web.routes.pages import page_file
from diorama_web.routing import Route
from diorama_web.schemas.submissions import EditRequestBody

router = private_router(tag="docs", prefix="")


@router.get("/openapi.json", include_in_schema=False)
def openapi_document(request: Request) -> Response:
    """Return the description of all routes."""
    app = request.app
    if app.openapi_schema is None:
        app.openapi_schema = describe(app)
    return reply(app.openapi_schema)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document."""
    app.state.rooms.put_all()
    routes = [route.described() if isinstance(route, Route) else route for route in app.routes]
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
    edit = EditRequestBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = document["components"]["schemas"]
    schemas.update(edit.pop("$defs", {}))
    schemas["EditRequestBody"] = edit  # its route reads forms as well, so the framework does not know of it
    return document


@router.get("/docs", include_in_schema=False)
def docs_page(request: Request) -> Response:
    """Return a page that shows the description."""
    return page_file("docs.html", request)
