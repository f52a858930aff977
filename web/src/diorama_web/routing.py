"""Our kind of route: HEAD where there is GET, and a description that is made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import Receive, Scope, Send


class Route(APIRoute):
    """A route whose answers are described on demand, and which answers HEAD wherever it answers GET.

    Endpoints encode their answers themselves, so what an answer looks like matters to the OpenAPI document only; keeping
    it ready would cost an idle server megabytes. The server leaves the body of a HEAD out.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        self._answers = {name: options.pop(name, None) for name in ("response_model", "responses")}
        self._options = options
        super().__init__(path, endpoint, response_model=None, **options)

    def described(self) -> APIRoute:
        """Return the same route with its answers described."""
        return APIRoute(self.path, self.endpoint, **self._options, **self._answers)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether this route is meant; a HEAD means the route of the GET."""
        return super().matches({**scope, "method": "GET"} if self._asked_for_head(scope) else scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._asked_for_head(scope):
            await self.app(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    def _asked_for_head(self, scope: Scope) -> bool:
        return scope["type"] == "http" and scope["method"] == "HEAD" and "GET" in (self.methods or ())
