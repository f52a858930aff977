"""One file per noun, each imported when an address of its own is first asked for.

Routes and the types that describe their bodies are most of what the web layer weighs. A server that nobody asks about
Civitai never loads what answers about it, and is ready sooner.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from fastapi import FastAPI

    from diorama_web.security.middleware import ASGIApp, Receive, Scope, Send

NOUNS = {
    "health": ("/api/health",),
    "signin": ("/api/sign-",),
    "system": ("/api/system/", "/api/settings/system"),
    "models": ("/api/models",),
    "loras": ("/api/loras",),
    "library": ("/api/models/",),
    "models.by_id": ("/api/models/",),
    "generate": ("/api/generate", "/api/plan"),
    "edit": ("/api/edit",),
    "jobs": ("/api/jobs",),
    "events": ("/api/jobs/", "/api/events"),
    "queue": ("/api/queue", "/api/jobs/"),
    "video": ("/api/video/", "/api/i2v/"),
    "upscale": ("/api/upscale/",),
    "export": ("/api/assets/export",),
    "assets": ("/api/assets", "/api/video-assets"),
    "files": ("/api/assets/", "/api/images/", "/api/video-assets/"),
    "sessions": ("/api/sessions", "/api/video-sessions", "/api/generate-title"),
    "settings": ("/api/settings",),
    "logs": ("/api/settings/logs",),
    "prompts": ("/api/settings/prompts",),
    "plugins": ("/api/plugins",),
    "civitai": ("/api/civitai/",),
    "comfyui": ("/api/comfyui/",),
    "money": ("/api/estimate", "/api/costs", "/api/settings/spending"),
    "connections": ("/api/providers",),
    "docs": ("/docs", "/openapi.json"),
    "sockets": ("/ws/",),
    "pages": ("/",),
}
"""Routers by file (and by name, where a file has a second one) with the beginnings of their addresses. The order
matters where a model id, which may hold slashes, ends a path."""
AT_ONCE = ("health", "pages")
"""What everybody asks for."""


class Rooms:
    """The routes of an application, as far as they are loaded.

    Args:
        app: Its routes are kept in the order of :data:`NOUNS`.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routers: dict[str, Any] = {}
        self.put(AT_ONCE)

    def missing(self, path: str) -> list[str]:
        """Return the nouns that may answer ``path`` and are not loaded."""
        return [
            name for name, starts in NOUNS.items() if path.startswith(starts) and name not in self._routers
        ]

    def put(self, names: Collection[str]) -> None:
        """Load nouns and let their routes answer. Called where routes are looked up: on the event loop, or before it."""
        self._routers |= {name: load(name) for name in names}
        ready = (route for name in NOUNS if name in self._routers for route in self._routers[name].routes)
        self._app.router.routes[:] = ready  # including the routers would build every route a second time

    def put_all(self) -> None:
        """Load every noun."""
        self.put(NOUNS)


def load(name: str) -> Any:
    """Return a router by its name in :data:`NOUNS`."""
    file, _, attribute = name.partition(".")
    return getattr(import_module(f"diorama_web.routes.{file}"), attribute or "router")


def load_all(names: Iterable[str]) -> None:
    """Import what nouns need, which may take a while."""
    for name in names:
        load(name)


class Opening:
    """Loads the routes that a request may mean before they are looked up.

    Args:
        app: What is asked next.
        rooms: The routes.
    """

    def __init__(self, app: ASGIApp, rooms: Rooms) -> None:
        self._app, self._rooms = app, rooms

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Load what is missing, then pass on."""
        if scope["type"] in ("http", "websocket") and (names := self._rooms.missing(scope["path"])):
            from anyio import to_thread

            await to_thread.run_sync(load_all, names)  # so that nobody else waits for the import
            self._rooms.put(names)
        await self._app(scope, receive, send)
