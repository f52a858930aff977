"""What the benches of the web server share: a server process with the fake backend, and quick raw requests."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

CONFIG = """
default_model = "fake:image"
plugins_allow = ["none"]
keyring = false
[server]
port = 0
[backends.fake]
plugin = "diorama.testing.fake:create"
"""
SERVE = (
    "from diorama.settings import load_settings\n"
    "from diorama_web.server import serve\n"
    "raise SystemExit(serve(load_settings(), announce=lambda url: print('at', url, flush=True)))"
)
ECHO = """
import asyncio, socket, sys, uvicorn
async def app(scope, receive, send):
    if scope["type"] != "http": return
    body = (await receive())["body"]
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
made = socket.create_server(("127.0.0.1", 0))
print("at http://127.0.0.1:%d" % made.getsockname()[1], flush=True)
config = uvicorn.Config(app, log_level="warning", access_log=False, loop="uvloop", lifespan="off", timeout_keep_alive=300)
uvicorn.Server(config).run([made])
"""


class Process:
    """A server process that printed its address."""

    def __init__(self, code: str, home: Path | None = None) -> None:
        environ = {**os.environ, "OMP_NUM_THREADS": "1"}
        if home is not None:
            (home / "config").mkdir(parents=True, exist_ok=True)
            (home / "config" / "config.toml").write_text(CONFIG)
            environ["DIORAMA_HOME"] = str(home)
        self.process = subprocess.Popen(
            [sys.executable, "-c", code], env=environ, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        found = re.search(r":(\d+)$", self.process.stdout.readline().strip())
        assert found, "the server did not start"
        self.port = int(found[1])
        self.wire = Wire(self.port)

    def stop(self) -> None:
        self.wire.close()
        self.process.terminate()
        self.process.wait(60)


class Wire:
    """One connection that stays open; a client library would cost more than the server."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: bytes) -> tuple[int, bytes, float]:
        """Return status, body and seconds."""
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        began = time.perf_counter()
        self._socket.sendall(head.encode() + body)
        answer = self._read_to(b"\r\n\r\n")
        top, _, rest = answer.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", top, re.IGNORECASE)
        wanted = int(length[1]) if length else 0
        while len(rest) < wanted:
            rest += self._socket.recv(1 << 20)
        return int(top.split(b" ", 2)[1]), rest, time.perf_counter() - began

    def _read_to(self, mark: bytes) -> bytes:
        data = b""
        while mark not in data:
            piece = self._socket.recv(1 << 20)
            if not piece:
                raise ConnectionError("the server hung up")
            data += piece
        return data

    def close(self) -> None:
        self._socket.close()


def quantile(values: list[float], part: float) -> float:
    """Return the value below which ``part`` of the others lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
