"""The application: a gate, the routes, one shape of errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from diorama import __version__

if TYPE_CHECKING:
    from diorama.engine import Engine
    from fastapi import FastAPI

DESCRIPTION = "Image and video generation: one catalog of models, one durable queue, one library of results."

PACKED_FROM = 4096
"""Bytes from which an answer is compressed. A long list shrinks to a seventh in a fifth of a millisecond."""


def create_app(engine: Engine) -> FastAPI:
    """Return the web application of a started engine. The caller closes the engine after the application has ended."""
    from diorama.jobs.refusals import Refusals
    from diorama.sessions.preferences import Preferences
    from diorama.sessions.prompts import PromptHistory
    from diorama.sessions.store import SessionStore
    from fastapi import FastAPI
    from starlette.middleware.gzip import GZipMiddleware

    from diorama_web.errors import install_handlers
    from diorama_web.follow import Followers
    from diorama_web.retention import Retention
    from diorama_web.routes import Opening, Rooms
    from diorama_web.security.middleware import Gate

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.followers = Followers(engine)
        app.state.retention = Retention(engine, app.state.preferences, app.state.refusals)
        yield
        app.state.retention.close()
        app.state.followers.close()

    app = FastAPI(
        title="Diorama",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.state.engine = engine
    app.state.sessions = SessionStore(engine.database)
    app.state.preferences = Preferences(engine.database)
    app.state.prompts = PromptHistory(engine.database)
    app.state.refusals = Refusals(engine.database)
    install_handlers(app)
    app.state.rooms = Rooms(app)
    app.add_middleware(Opening, rooms=app.state.rooms)
    app.add_middleware(GZipMiddleware, minimum_size=PACKED_FROM, compresslevel=1)
    origins = list(engine.settings.server.allowed_origins)
    if origins:
        from starlette.middleware.cors import CORSMiddleware

        app.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"])
    app.add_middleware(Gate, settings=engine.settings)
    return app
