"""The base of every stand-in: Starlette on loopback in a thread, strict, scriptable and counting."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .media import Media, size_of
from .schema import Schema, complaints
from .script import Fault, Job, Script

CANARY = "standin-canary"
"""Part of every stand-in's key: at the end of the suite it is looked for in all that was written."""
Handler = Callable[[Any, Request], Awaitable[Response]]
Marked = TypeVar("Marked", bound=Handler)


@dataclass(frozen=True)
class Place:
    """Where a handler answers: method, path, the name under which requests are counted and faults are set."""

    method: str
    path: str
    name: str
    host: str
    auth: bool


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    name: str
    method: str
    path: str
    query: str
    headers: dict[str, str]


class Refused(Exception):
    """A handler's refusal: answered in the provider's error shape."""

    def __init__(self, status: int, detail: Any, **headers: str) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers


def on(
    method: str, path: str, name: str, *, host: str = "api", auth: bool = True
) -> Callable[[Marked], Marked]:
    """Mark a method as the handler of a route; the order in the class is the order of matching."""

    def mark(handler: Marked) -> Marked:
        handler.__place__ = Place(method, path, name, host, auth)  # type: ignore[attr-defined]
        return handler

    return mark


class Standin:
    """A provider on loopback. Use as a context manager; leaving it fails when a request broke its rules.

    `counts` counts requests by route name, `seen` keeps them, `jobs` holds every accepted submission,
    `violations` every broken rule.
    """

    scheme: ClassVar[str] = "Bearer"
    hosts: ClassVar[tuple[str, ...]] = ("api",)

    def __init__(self, key: str = f"{CANARY}-id:{CANARY}-secret") -> None:
        self.key = key
        self.default = Script()
        self.counts: Counter[str] = Counter()
        self.seen: list[Seen] = []
        self.jobs: dict[str, Job] = {}
        self.violations: list[str] = []
        self.files: dict[str, Media] = {}
        self._scripts: deque[Script] = deque()
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        self._open()

    # --- what tests say --------------------------------------------------

    def next(self, *scripts: Script) -> None:
        """Script the next submissions, one each; later ones follow `default`."""
        self._scripts.extend(scripts)

    def fault(
        self, route: str, fault: Fault | None = None, *, retry_after: float | None = None, **values: Any
    ) -> Fault:
        """Let a route fail; the fields of `Fault` may be given by name, `retry_after` adds that header."""
        chosen = fault or Fault(**values)
        if retry_after is not None:
            chosen.headers = {**chosen.headers, "Retry-After": f"{retry_after:g}"}
        known = {place.name for place, _ in self._places()}
        if route not in known:
            raise ValueError(f"{route!r} is no route of this stand-in; there are {sorted(known)}")
        self._faults[route].append(chosen)
        return chosen

    def clear_faults(self) -> None:
        """Let everything work again."""
        self._faults.clear()

    @property
    def submissions(self) -> int:
        """How many jobs were accepted, that is: bought."""
        return len(self.jobs)

    @property
    def job(self) -> Job:
        """The newest job."""
        return next(reversed(self.jobs.values()))

    def wait_until(
        self, condition: Callable[[], Any], what: str = "the condition", seconds: float = 20.0
    ) -> None:
        """Wait in the test's thread until `condition()` holds; raises AssertionError after `seconds`."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.005)

    def url(self, host: str = "api", path: str = "") -> str:
        """The address of one of this provider's hosts."""
        return f"http://127.0.0.1:{self.ports[host]}{path}"

    # --- what providers use --------------------------------------------------

    def error_body(self, status: int, detail: Any) -> Any:
        """The provider's error shape."""
        return {"detail": detail}

    def error_headers(self, status: int) -> dict[str, str]:
        """Headers that come with every error of this provider."""
        return {}

    def complain(self, sentence: str) -> None:
        """Record a broken rule; the test fails at the end."""
        self.violations.append(sentence)

    async def json(self, request: Request) -> dict[str, Any]:
        """The JSON object of a request's body; anything else is a violation and refused."""
        kind = request.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            self.complain(f"{request.url.path}: content type {kind!r} instead of application/json")
        try:
            body = json.loads(await request.body() or b"null")
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self.complain(f"{request.url.path}: the body is not a JSON object")
            raise Refused(400, "the body must be a JSON object")
        return body

    def check(self, schema: Schema, value: Any, where: str, status: int = 422) -> None:
        """Refuse a value that does not fit its schema; that is a violation."""
        faults = complaints(schema, value)
        if faults:
            self.violations.extend(f"{where}: {fault}" for fault in faults)
            raise Refused(status, "; ".join(faults))

    def accept(self, model: str, arguments: dict[str, Any], job_id: str | None = None) -> Job:
        """Make a job of a submission."""
        script = self._scripts.popleft() if self._scripts else self.default
        job = Job(job_id or str(uuid.uuid4()), model, arguments, script)
        self.jobs[job.id] = job
        return job

    def find(self, job_id: str, what: str = "job") -> Job:
        """The job of an id; refuses with 404."""
        job = self.jobs.get(job_id)
        if job is None:
            raise Refused(404, f"{what} not found")
        return job

    def publish(self, media: Media) -> str:
        """Put a file on the media host; returns its public address."""
        name = f"{uuid.uuid4().hex}.{media.extension}"
        self.files[name] = media
        return self.url("media", f"/out/{name}")

    def receive(self, content: bytes, mime: str) -> str:
        """Keep an uploaded file; returns its public address. Bytes that are no picture or film are a violation."""
        size = size_of(content)
        if size is None:
            self.complain(f"an upload of {len(content)} bytes as {mime} is neither a picture nor a film")
        return self.publish(Media(content, mime, *(size or (0, 0))))

    def given(self, address: str) -> Media:
        """The file behind an input's address: one we published, or a data URI. Anything else is a violation."""
        if address.startswith("data:"):
            return self._inline(address)
        media = self.files.get(address.rsplit("/", 1)[-1])
        if media is None:
            self.complain(f"an input's address {address[:120]!r} does not lead to an upload")
            raise Refused(422, "could not load the input file")
        return media

    def _inline(self, address: str) -> Media:
        import base64

        head, _, text = address.partition(",")
        content = base64.b64decode(text, validate=True)
        size = size_of(content)
        if size is None:
            self.complain("a data URI is neither a picture nor a film")
        return Media(content, head[5:].split(";")[0], *(size or (0, 0)))

    @on("GET", "/out/{name}", "download", host="media", auth=False)
    async def download(self, request: Request) -> Response:
        """The media host: public files, never a key."""
        for header in ("authorization", "x-api-key"):
            if header in request.headers:
                self.complain(f"the media host received the header {header}")
        media = self.files.get(request.path_params["name"])
        if media is None:
            raise Refused(404, "no such file")
        return Response(media.content, media_type=media.mime)

    # --- the machine --------------------------------------------------

    def _open(self) -> None:
        names = (*self.hosts, "media")
        self._sockets = {name: socket.create_server(("127.0.0.1", 0), backlog=512) for name in names}
        self.ports = {name: sock.getsockname()[1] for name, sock in self._sockets.items()}

    def _places(self) -> list[tuple[Place, Handler]]:
        found: dict[str, tuple[Place, Handler]] = {}
        for kind in (*reversed(type(self).__mro__[:-1]),):
            for name, value in vars(kind).items():
                if hasattr(value, "__place__"):
                    found[name] = (value.__place__, value)
        return list(found.values())

    def _application(self) -> Any:
        rooms = {}
        for host, port in self.ports.items():
            routes = [
                Route(place.path, self._endpoint(place, handler), methods=[place.method])
                for place, handler in self._places()
                if place.host == host
            ]
            rooms[port] = Starlette(
                routes=[*routes, Route("/{rest:path}", self._unknown, methods=list(METHODS))]
            )

        async def by_port(scope: Any, receive: Any, send: Any) -> None:
            await rooms[scope["server"][1]](scope, receive, send)

        return by_port

    async def _unknown(self, request: Request) -> Response:
        self.complain(f"nobody answers {request.method} {request.url}")
        return self._error(404, "no such path")

    def _endpoint(self, place: Place, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.counts[place.name] += 1
            self.seen.append(
                Seen(place.name, request.method, request.url.path, request.url.query, dict(request.headers))
            )
            await request.body()
            fault = self._take_fault(place.name)
            if fault is None:
                return await self._handle(place, handler, request)
            await asyncio.sleep(fault.delay)
            normal = (
                await self._handle(place, handler, request) if fault.after or fault.status is None else None
            )
            if normal is not None and fault.status is None and not fault.disconnect:
                return normal
            return self._spoilt(fault)

        return endpoint

    def _take_fault(self, name: str) -> Fault | None:
        waiting = self._faults.get(name)
        if not waiting:
            return None
        fault = waiting[0]
        fault.times -= 1
        if fault.times == 0:
            waiting.pop(0)
        return fault

    async def _handle(self, place: Place, handler: Handler, request: Request) -> Response:
        try:
            if place.auth:
                self._authenticate(request)
            return await handler(self, request)
        except Refused as refusal:
            return self._error(refusal.status, refusal.detail, refusal.headers)

    def _authenticate(self, request: Request) -> None:
        sent = request.headers.get("authorization")
        if sent is None or not sent.startswith(f"{self.scheme} "):
            self.complain(
                f"{request.method} {request.url.path}: Authorization is {(sent or 'missing').split(' ')[0]!r}, not {self.scheme}"
            )
        if sent != f"{self.scheme} {self.key}":
            raise Refused(401, "invalid credentials")

    def _error(self, status: int, detail: Any, headers: dict[str, str] | None = None) -> Response:
        return JSONResponse(
            self.error_body(status, detail), status, {**self.error_headers(status), **(headers or {})}
        )

    def _spoilt(self, fault: Fault) -> Response:
        if fault.disconnect:  # fewer bytes than announced: the server has to drop the connection
            return StreamingResponse(iter([b"{"]), headers={"content-length": "4096"})
        status = fault.status or 503
        if fault.body is None:
            return self._error(status, fault.detail, fault.headers)
        if isinstance(fault.body, str):
            return Response(fault.body, status, fault.headers, media_type="text/html")
        return JSONResponse(fault.body, status, fault.headers)

    def __enter__(self) -> Self:
        config = uvicorn.Config(
            self._application(), log_config=None, lifespan="off", access_log=False, timeout_keep_alive=60
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            args=(list(self._sockets.values()),),
            daemon=True,
            name=f"standin-{type(self).__name__}",
        )
        self._thread.start()
        self.wait_until(lambda: self._server.started, "the stand-in to start")
        return self

    def stop(self) -> None:
        """Go offline: from now on connections are refused (the provider is down)."""
        self._server.should_exit = True
        self._server.force_exit = True
        self._thread.join(10)

    def __exit__(self, kind: Any, *_: Any) -> None:
        self.stop()
        if kind is None:
            assert not self.violations, "rules broken at the stand-in: " + "; ".join(self.violations)


METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS")
