"""Starting the server: listen at once, open the engine behind it, answer what waits."""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diorama import __version__
from diorama.contract import Conflict, DioramaError, NotAllowed
from diorama.contract.plain import dumps
from diorama.lock import DataLock
from diorama.settings import Settings

from diorama_web.security.hosts import is_loopback
from diorama_web.security.middleware import ASGIApp, Gate, Receive, Scope, Send

if TYPE_CHECKING:
    from diorama.engine import Engine

log = logging.getLogger(__name__)
SHUTDOWN_SECONDS = 10
HEALTH = "/api/health"


class Front:
    """Stands before the application while it is being made, so that the address answers from the first moment.

    Health is answered at once (``starting``); everything else waits until the application is there.

    Args:
        settings: For the gate.
        make: Starts the engine and returns the application and the engine; runs in a thread.
    """

    def __init__(self, settings: Settings, make: Callable[[], tuple[ASGIApp, Engine]]) -> None:
        self._make = make
        self._gate = Gate(self._while_starting, settings)
        self._app: ASGIApp | None = None
        self._engine: Engine | None = None
        self._ready = asyncio.Event()
        self._lifespan: tuple[asyncio.Queue[Any], asyncio.Future[None]] | None = None
        self.failed: BaseException | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, wait, or pass on."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        else:
            await self._gate(scope, receive, send)

    def end_streams(self) -> None:
        """End the event streams, which would otherwise never end."""
        followers = getattr(getattr(self._app, "state", None), "followers", None)
        if followers is not None:
            followers.close()

    async def _while_starting(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            await _send_json(send, 200, {"status": "starting", "version": __version__}, scope["method"])
            return
        await self._ready.wait()
        if self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            error = {
                "code": "stopping",
                "message": "The engine could not start.",
                "fix": "See the server's log.",
            }
            await _send_json(send, 503, {"error": error}, scope["method"])
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1011, "reason": ""})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        starting = asyncio.create_task(self._start())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await starting
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        try:
            app, self._engine = await asyncio.to_thread(self._make)
            await self._enter_lifespan(app)
            self._app = app
        except BaseException as error:
            self.failed = error
            self.on_failure()
        finally:
            self._ready.set()

    async def _enter_lifespan(self, app: ASGIApp) -> None:
        inbox: asyncio.Queue[Any] = asyncio.Queue()
        started = asyncio.Event()

        async def answered(message: Any) -> None:
            started.set()

        task = asyncio.ensure_future(
            app({"type": "lifespan", "asgi": {"version": "3.0"}}, inbox.get, answered)
        )
        await inbox.put({"type": "lifespan.startup"})
        await started.wait()
        self._lifespan = (inbox, task)

    async def _stop(self) -> None:
        if self._lifespan is not None:
            inbox, task = self._lifespan
            await inbox.put({"type": "lifespan.shutdown"})
            await task
        if self._engine is not None:
            await asyncio.to_thread(self._engine.close)


async def _send_json(send: Send, status: int, plain: Any, method: str) -> None:
    body = dumps(plain)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})


def check_address(settings: Settings) -> None:
    """Refuse to listen where strangers could come in.

    Raises:
        NotAllowed: the address is not loopback and no key is set.
    """
    if not is_loopback(settings.server.host) and not settings.server.api_keys:
        raise NotAllowed(
            f"Listening on {settings.server.host} lets other machines in, and no key is set.",
            field="server.api_keys",
            fix="Set DIORAMA_SERVER__API_KEYS (or api_keys under [server]), or listen on 127.0.0.1.",
        )


def listen(settings: Settings) -> socket.socket:
    """Return a listening socket.

    Raises:
        Conflict: the port is taken.
        NotAllowed: the address may not be used.
    """
    check_address(settings)
    host, port = settings.server.host.strip("[]"), settings.server.port
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(2048)
    except OSError as error:
        made.close()
        raise Conflict(
            f"Cannot listen on {host}:{port}: {error.strerror}.", field="server.port",
            fix="End what uses it, or choose another port with --port (0 takes a free one).",
        ) from error  # fmt: skip
    made.set_inheritable(False)
    return made


def address_of(listening: socket.socket) -> str:
    """Return the URL under which ``listening`` is reached from this machine."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - translated, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(settings: Settings, *, announce: Callable[[str], None] | None = None) -> int:
    """Serve until the process is told to end; returns an exit code.

    Args:
        settings: Address, limits, everything.
        announce: Called with the URL once the server listens; prints it when left out.

    Raises:
        NotAllowed: another address than loopback without a key.
        Conflict: the port or the data directory is in use.
    """
    listening = listen(settings)
    url = address_of(listening)
    import uvicorn

    lock = DataLock(settings.data_dir)
    try:
        lock.take(url)  # before anyone hears the address: a command that starts now must find the server
    except BaseException:
        listening.close()
        raise
    front = Front(settings, lambda: _make(settings, lock))
    config = uvicorn.Config(
        front, log_level="warning", access_log=False, server_header=False, date_header=True, lifespan="on",
        loop=_loop(), http="auto", ws="websockets-sansio", ws_max_size=64 * 1024, timeout_keep_alive=30,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS, proxy_headers=False, log_config=None,
    )  # fmt: skip

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            front.end_streams()  # else every open page would hold the shutdown up
            await super().shutdown(sockets)

    server = Server(config)
    front.on_failure = lambda: setattr(server, "should_exit", True)
    (announce or _print_address)(url)
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:
        pass
    finally:
        listening.close()
        lock.release()
    if isinstance(front.failed, DioramaError):
        raise front.failed
    if front.failed is not None:
        log.critical("The engine could not start", exc_info=front.failed)
        return 1
    return 0


def _make(settings: Settings, lock: DataLock) -> tuple[ASGIApp, Engine]:
    """Start the engine, import and build the application meanwhile."""
    from diorama.engine import Engine

    engine = Engine(settings, lock=lock)
    engine.start()
    try:
        from diorama_web.app import create_app

        app = create_app(engine)
        engine.warm()  # last: a worker that loads its libraries takes the processor from us
    except BaseException:
        engine.close()
        raise
    return app, engine


def _loop() -> Any:
    from importlib.util import find_spec

    return "uvloop" if find_spec("uvloop") else "asyncio"


def _print_address(url: str) -> None:
    print(f"Diorama {__version__} serves at {url}", file=sys.stderr, flush=True)
