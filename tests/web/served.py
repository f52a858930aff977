"""Real server processes on free loopback ports, each with a data directory of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from web.documented import Documented

CONFIG = """
default_model = "fake:image"
plugins_allow = ["none"]
keyring = false
[server]
port = 0
{server}
[limits]
upload_bytes = 2000000
upload_files = 4
image_pixels = 4000000
[backends.fake]
plugin = "diorama.testing.fake:create"
"""
START_SECONDS = 60
DOCUMENTED = Documented()


class Server:
    """One server process."""

    def __init__(self, home: Path, server: str = "", environ: dict[str, str] | None = None) -> None:
        self.home = home
        config = home / "config" / "config.toml"
        if not config.exists():
            config.parent.mkdir(parents=True)
            config.write_text(CONFIG.format(server=server))
        self.log = home / "server.log"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("DIORAMA_")}
        self.environ = {**clean, "DIORAMA_HOME": str(home), "OMP_NUM_THREADS": "1", **(environ or {})}
        self.start()

    def start(self) -> None:
        code = (
            "import logging; logging.basicConfig(level='WARNING')\n"
            "from diorama.settings import load_settings\n"
            "from diorama_web.server import serve\n"
            "raise SystemExit(serve(load_settings(), announce=lambda url: print('at', url, flush=True)))"
        )
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code], env=self.environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.match(r"at (http://\S+)", line)
        assert found, self.log.read_text()
        self.url = found[1]
        self.client = httpx2.Client(base_url=self.url, timeout=60, event_hooks={"response": [DOCUMENTED]})

    def stop(self, how: int = signal.SIGTERM) -> int:
        self.client.close()
        if self.process.poll() is None:
            self.process.send_signal(how)
        code = self.process.wait(START_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    # What tests often do

    def submit(self, **body: Any) -> str:
        answer = self.client.post("/api/jobs", json={"prompt": "a red ball", **body})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["job_id"])

    def finished(self, job_id: str) -> dict[str, Any]:
        for _ in range(600):
            job: dict[str, Any] = self.client.get(f"/api/jobs/{job_id}").json()
            if job["status"] in ("completed", "failed", "cancelled"):
                return job
            time.sleep(0.05)
        raise AssertionError(f"{job_id} does not end: {job}")

    def stored(self) -> tuple[int, int]:
        """How many jobs and assets there are."""
        jobs = self.client.get("/api/jobs", params={"limit": 200}).json()["jobs"]
        assets = self.client.get("/api/assets", params={"limit": 200}).json()["assets"]
        return len(jobs), len(assets)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server open to this machine."""
    made = Server(tmp_path_factory.mktemp("open"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that demands a key."""
    made = Server(tmp_path_factory.mktemp("locked"), 'api_keys = ["first-key", "second-key"]')
    yield made
    made.stop()


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Makes servers that end with the test."""
    made: list[Server] = []

    def make(server: str = "", **environ: str) -> Server:
        made.append(Server(tmp_path / f"home{len(made)}", server, environ))
        return made[-1]

    yield make
    for item in made:
        if item.process.poll() is None:
            item.stop()


def read_events(response: httpx2.Response) -> Iterator[tuple[int, str, Any]]:
    """Yield ``(id, name, data)`` of an event stream."""
    number, name = 0, ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "id":
            number = int(value)
        elif field == "event":
            name = value
        elif field == "data":
            yield number, name, json.loads(value)
