"""The gate before all routes, as plain ASGI: it sees the raw headers and stops a request before anything reads it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from diorama.contract.plain import dumps
from diorama.settings import Settings

from diorama_web.security.headers import with_security_headers
from diorama_web.security.hosts import HostPort, allowed_names, parse_host
from diorama_web.security.limits import body_limits, content_kind
from diorama_web.security.origins import SAFE_METHODS, refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_SIZE = re.compile("[0-9]{1,18}")
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Refusal(Exception):
    """A request that goes no further."""

    def __init__(self, status: int, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "fix": fix}}


class Gate:
    """Checks host, origin, kind and size of every request, and adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._names = allowed_names(settings.server)
        self._origins = frozenset(settings.server.allowed_origins)
        self._limits = body_limits(settings.limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            limit = self._check(scope)
        except Refusal as refusal:
            await _refuse(scope, receive, send, refusal)
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
        else:
            await self._pass_on(scope, receive, send, limit)

    def _check(self, scope: Scope) -> int:
        headers = scope["headers"]
        host = self._host(_values(headers, b"host"))
        method = scope.get("method", "WEBSOCKET")
        origins = _values(headers, b"origin")
        origin = origins[0] if len(origins) == 1 else ("null" if origins else None)
        fetch_site = next(iter(_values(headers, b"sec-fetch-site")), None)
        reason = refused(method, host, origin, fetch_site, self._origins)
        if reason:
            raise Refusal(
                403, "not_allowed", reason,
                "Open the page at this server's own address, or add the origin to server.allowed_origins.",
            )  # fmt: skip
        return self._body_limit(method, headers)

    def _host(self, values: list[str]) -> HostPort:
        host = parse_host(values[0]) if len(values) == 1 else None
        if host is None:
            raise Refusal(
                400, "bad_request", "The Host header is not valid.", "Send one Host header, name:port."
            )
        if host.name not in self._names:
            raise Refusal(
                403, "not_allowed", "This server does not answer under that name.",
                "Use http://127.0.0.1, or add the name to server.allowed_hosts.",
            )  # fmt: skip
        return host

    def _body_limit(self, method: str, headers: list[tuple[bytes, bytes]]) -> int:
        lengths = _values(headers, b"content-length")
        has_body = bool(_values(headers, b"transfer-encoding")) or any(value != "0" for value in lengths)
        if method in SAFE_METHODS or not has_body:
            return 0
        kind = content_kind(next(iter(_values(headers, b"content-type")), ""))
        if not kind:
            raise Refusal(
                415, "unsupported_media_type", "The body must be JSON or a multipart form.",
                "Send the header Content-Type: application/json.",
            )  # fmt: skip
        limit = self._limits.json if kind == "json" else self._limits.multipart
        if any(not _SIZE.fullmatch(value) or int(value) > limit for value in lengths):
            raise _too_large(limit)
        return limit

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send, limit: int) -> None:
        seen, started, exceeded = 0, False, False

        async def counted() -> Message:
            nonlocal seen, exceeded
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > limit:
                    exceeded = True
                    raise _too_large(limit)
            return message

        async def headed(message: Message) -> None:
            nonlocal started
            if exceeded and not started:
                return  # whatever the application made of the broken body: our answer follows
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = with_security_headers(list(message.get("headers", [])))
            await send(message)

        try:
            await self.app(scope, counted, headed)
        except Refusal:
            pass
        finally:
            if exceeded and not started:
                await _refuse(scope, receive, send, _too_large(limit))


def _too_large(limit: int) -> Refusal:
    return Refusal(
        413, "too_large", "The request is too large.",
        f"Send at most {limit / 1024**2:.0f} MiB, or raise limits.upload_bytes.",
    )  # fmt: skip


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in headers if key == name]


async def _refuse(scope: Scope, receive: Receive, send: Send, refusal: Refusal) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": ""})  # before accept: a plain 403
        return
    body = dumps(refusal.body)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]
    await send(
        {"type": "http.response.start", "status": refusal.status, "headers": with_security_headers(headers)}
    )
    await send({"type": "http.response.body", "body": body})
