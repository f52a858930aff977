"""Start and idle memory of the server beside uvicorn with an empty FastAPI application, interleaved.

Run it: ``python tests/bench/server_start.py``. *First 200* is process start to the first 200 of ``/api/health`` (for the
peer: of its one route), on a data directory that has been used before; *ready* is the first 200 of ``/api/models``, when
the engine and all routes are there. Memory is the resident set after two quiet seconds.
"""

from __future__ import annotations

import http.client
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS, START_GOAL, MEMORY_GOAL, QUIET = 5, 1.5, 1.6, 2.0
PEER = """
from fastapi import FastAPI
import uvicorn, sys
app = FastAPI()
@app.get("/api/health")
def health(): return {"ok": True}
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def first_200(port: int, path: str, began: float) -> float:
    """Return milliseconds from ``began`` to the first 200."""
    while time.perf_counter() - began < 60:
        try:
            wire = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            wire.request("GET", path)
            if wire.getresponse().status == 200:
                return (time.perf_counter() - began) * 1000
        except OSError:
            time.sleep(0.002)
    raise SystemExit(f"{path} on port {port} never answered")


def rss(pid: int) -> float:
    """Return the resident set in MB."""
    line = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024


def run(
    command: list[str], port: int, environ: dict[str, str], ready: str | None
) -> tuple[float, float, float]:
    """Start a server and return first 200 and ready in milliseconds, and idle memory in MB."""
    began = time.perf_counter()
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        first = first_200(port, "/api/health", began)
        whole = first_200(port, ready, began) if ready else first
        time.sleep(QUIET)
        return first, whole, rss(process.pid)
    finally:
        process.terminate()
        process.wait(30)


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    ours: list[tuple[float, float, float]] = []
    peer: list[tuple[float, float, float]] = []
    again: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "DIORAMA_HOME": home, "DIORAMA_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
        for number in range(ROUNDS + 1):
            port = free_port()
            command = [sys.executable, "-m", "diorama.cli.main", "serve", "--port", str(port)]
            measured = run(command, port, environ, "/api/models?limit=1")
            ports = free_port(), free_port()
            empty = [run([sys.executable, "-c", PEER, str(one)], one, environ, None) for one in ports]
            if number:  # the first round makes the database
                ours.append(measured)
                peer.append(empty[0])
                again.append(empty[1][0])
    first, ready, memory = (statistics.median(values) for values in zip(*ours, strict=True))
    bare, _, bare_memory = (statistics.median(values) for values in zip(*peer, strict=True))
    print(
        f"server_start  first 200 {first:.0f} ms  empty FastAPI {bare:.0f} ms  ratio {first / bare:.2f}  "
        f"(A/A {statistics.median(again) / bare:.2f})  goal <= {START_GOAL:g}\n"
        f"server_start  ready {ready:.0f} ms  ratio {ready / bare:.2f}\n"
        f"server_start  idle {memory:.1f} MB  empty FastAPI {bare_memory:.1f} MB  ratio {memory / bare_memory:.2f}  "
        f"goal <= {MEMORY_GOAL:g}"
    )
    return 0 if first / bare <= START_GOAL and memory / bare_memory <= MEMORY_GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
