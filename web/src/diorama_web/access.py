"""What routes ask for: the engine, the caller, ids that are really ids.

Every router is made with :func:`public_router` or :func:`private_router`; a test compares the whole list of routes with a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from diorama.contract import NotFound
from diorama.engine import Engine
from diorama.ids import is_id
from fastapi import APIRouter, Depends, Path
from starlette.requests import HTTPConnection

from diorama_web.errors import Unauthenticated
from diorama_web.routing import Route
from diorama_web.schemas.base import ErrorReply
from diorama_web.security.keys import Caller, identify

if TYPE_CHECKING:
    from diorama.jobs.refusals import Refusals
    from diorama.sessions.preferences import Preferences
    from diorama.sessions.prompts import PromptHistory
    from diorama.sessions.store import SessionStore


async def the_engine(connection: HTTPConnection) -> Engine:
    """Return the engine of this application."""
    return cast("Engine", connection.app.state.engine)


async def require_caller(connection: HTTPConnection) -> Caller:
    """Return who sends the request.

    Raises:
        Unauthenticated: a key is needed and none that is known was presented.
    """
    server = connection.app.state.engine.settings.server
    caller = identify(server, connection.headers, connection.cookies)
    if caller is None:
        raise Unauthenticated("A key is needed.", fix="Send it as Authorization: Bearer <key> or X-API-Key.")
    return caller


async def the_sessions(connection: HTTPConnection) -> SessionStore:
    """Return the store of sessions."""
    return cast("SessionStore", connection.app.state.sessions)


async def the_preferences(connection: HTTPConnection) -> Preferences:
    """Return what the page keeps on the server."""
    return cast("Preferences", connection.app.state.preferences)


async def the_prompts(connection: HTTPConnection) -> PromptHistory:
    """Return the prompts that were used last."""
    return cast("PromptHistory", connection.app.state.prompts)


async def the_refusals(connection: HTTPConnection) -> Refusals:
    """Return the requests that never became a job."""
    return cast("Refusals", connection.app.state.refusals)


EngineDep = Annotated[Engine, Depends(the_engine)]
CallerDep = Annotated[Caller, Depends(require_caller)]
SessionsDep = Annotated[Any, Depends(the_sessions)]
PreferencesDep = Annotated[Any, Depends(the_preferences)]
PromptsDep = Annotated[Any, Depends(the_prompts)]
RefusalsDep = Annotated[Any, Depends(the_refusals)]


def public_router(*, tag: str, prefix: str = "/api", **options: Any) -> APIRouter:
    """Return a router whose routes anyone may call who reaches the server."""
    return APIRouter(
        prefix=prefix,
        route_class=Route,
        tags=[tag],
        responses={
            "default": {"model": ErrorReply, "description": "What went wrong, and what to do about it"}
        },
        generate_unique_id_function=lambda route: route.name,
        **options,
    )


def private_router(*, tag: str, prefix: str = "/api") -> APIRouter:
    """Return a router whose every route demands a caller."""
    return public_router(tag=tag, prefix=prefix, dependencies=[Depends(require_caller)])


def _job_id(job_id: Annotated[str, Path()]) -> str:
    return checked_id(job_id, "job")


def _asset_id(asset_id: Annotated[str, Path()]) -> str:
    return checked_id(asset_id, "asset")


JobId = Annotated[str, Depends(_job_id)]
AssetId = Annotated[str, Depends(_asset_id)]


def checked_id(text: str, what: str) -> str:
    """Return ``text`` when it has the form of an id of ours.

    Raises:
        NotFound: it has not; nothing is looked up.
    """
    if not is_id(text):
        raise NotFound(f"There is no such {what}.", field=f"{what}_id", fix="Check the id.")
    return text
