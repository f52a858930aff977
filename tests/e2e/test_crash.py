"""``kill -9`` of a whole server and of its worker, at every named point: nothing is lost, nothing appears twice."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

POINTS = (
    "accepted", "leased", "loading", "mid_step", "staged", "file_placed", "before_commit", "after_commit",
)  # fmt: skip
BODY = {"prompt": "a ball", "idempotency_key": "k", "num_images": 2, "parameters": {"delay": 0.5}}


class Server:
    """A server process whose home outlives it."""

    def __init__(self, home: Path, **changes: str) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("DIORAMA_")}
        environ |= {
            "DIORAMA_HOME": str(home),
            "DIORAMA_PLUGINS_ALLOW": "none",
            "DIORAMA_BACKENDS__FAKE__PLUGIN": "diorama.testing.fake:create",
            "DIORAMA_BACKENDS__FAKE__PLACEMENT": "worker",
            "DIORAMA_DEFAULT_MODEL": "fake:image",
            "DIORAMA_KEYRING": "0",
            **changes,
        }
        command = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
        self.process = subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        found = re.search(r"http://\S+", self.process.stderr.readline())
        assert found is not None
        self.url = found[0]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.url + path, data, {"content-type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def finished(self, job_id: str, seconds: float = 40) -> dict[str, Any]:
        """Wait for a job's end."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = dict(self.ask("GET", f"/api/jobs/{job_id}"))
            if job["status"] in ("completed", "failed", "cancelled"):
                return job | {"asset_ids": [image["id"] for image in job["images"]]}
            time.sleep(0.05)
        raise AssertionError(f"job {job_id} did not end: {job}")

    def kill(self) -> None:
        """End it without a word."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """End it politely."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def assets_with_files(server: Server) -> list[dict[str, Any]]:
    """Return all assets, each proven to have its file."""
    assets = server.ask("GET", "/api/assets?limit=100")["assets"]
    for asset in assets:
        with urllib.request.urlopen(f"{server.url}/api/assets/{asset['id']}/file", timeout=10) as found:
            assert found.read(8) == b"\x89PNG\r\n\x1a\n"
    return list(assets)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_server_finishes_its_job_exactly_once(home: Path, point: str) -> None:
    doomed = Server(home, DIORAMA_CRASH_AT=point)
    job_id = None
    with contextlib.suppress(
        urllib.error.URLError, ConnectionError, TimeoutError
    ):  # then the client sends again
        job_id = doomed.ask("POST", "/api/jobs", BODY)["job_id"]
    assert doomed.process.wait(30) == -signal.SIGKILL
    again = Server(home)
    try:
        accepted = again.ask("POST", "/api/jobs", BODY)["job_id"]
        assert job_id in (None, accepted)
        job = again.finished(accepted)
        assert job["status"] == "completed", job
        assert {asset["id"] for asset in assets_with_files(again)} == set(job["asset_ids"])
        assert len(job["asset_ids"]) == 2
        assert len(again.ask("GET", "/api/jobs")["jobs"]) == 1
        assert sum(path.suffix == ".png" for path in (home / "data" / "assets").rglob("*")) == 2
    finally:
        again.stop()


def test_a_server_killed_after_an_order_was_noted_places_no_second_one(home: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders"
    remote = {
        "DIORAMA_BACKENDS__FAKE__PLACEMENT": "thread",
        "DIORAMA_BACKENDS__FAKE__REMOTE": "true",
        "DIORAMA_BACKENDS__FAKE__ORDERS": str(orders),
    }
    doomed = Server(home, DIORAMA_CRASH_AT="remembered", **remote)
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        doomed.ask("POST", "/api/jobs", BODY)
    assert doomed.process.wait(30) == -signal.SIGKILL
    again = Server(home, **remote)
    try:
        accepted = again.ask("POST", "/api/jobs", BODY)["job_id"]
        assert again.finished(accepted)["status"] == "completed"
        assert len(assets_with_files(again)) == 2
        assert orders.read_text() == "one\n"
    finally:
        again.stop()


def test_a_server_killed_while_it_cancels_has_cancelled(home: Path) -> None:
    doomed = Server(home, DIORAMA_CRASH_AT="cancelling")
    job_id = doomed.ask("POST", "/api/jobs", {"prompt": "slow", "parameters": {"delay": 20}})["job_id"]
    while doomed.ask("GET", f"/api/jobs/{job_id}")["status"] != "generating":
        time.sleep(0.05)
    with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
        doomed.ask("DELETE", f"/api/jobs/{job_id}")
    assert doomed.process.wait(30) == -signal.SIGKILL
    again = Server(home)
    try:
        assert again.finished(job_id)["status"] == "cancelled"
        assert assets_with_files(again) == []
    finally:
        again.stop()


def worker_pids(server: Server) -> list[int]:
    """Return the process ids of the server's workers."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(server.process.pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line.split()[0]) for line in listed.stdout.splitlines() if "diorama.workers.main" in line]


def test_a_killed_worker_costs_its_job_one_attempt_and_the_server_lives(home: Path) -> None:
    server = Server(home)
    try:
        job_id = server.ask("POST", "/api/jobs", {"prompt": "slow", "parameters": {"delay": 3}})["job_id"]
        while (
            server.ask("GET", f"/api/jobs/{job_id}")["progress"] == 0
        ):  # before that it may not have been begun
            time.sleep(0.05)
        (pid,) = worker_pids(server)
        os.kill(pid, signal.SIGKILL)
        job = server.finished(job_id)
        assert (job["status"], job["attempt"]) == ("completed", 2), job["error"]
        assert server.ask("GET", "/api/health")["status"] == "ok"
        assert len(assets_with_files(server)) == 1
    finally:
        server.stop()


def test_a_job_that_kills_every_worker_fails_with_a_sentence(home: Path) -> None:
    server = Server(home)
    try:
        job_id = server.ask("POST", "/api/jobs", {"prompt": "x", "parameters": {"trouble": "crash"}})[
            "job_id"
        ]
        job = server.finished(job_id)
        assert job["status"] == "failed"
        assert job["error"]["message"]
        healthy = server.ask("POST", "/api/jobs", {"prompt": "a ball"})["job_id"]
        assert server.finished(healthy)["status"] == "completed"
    finally:
        server.stop()


def test_waiting_jobs_survive_a_kill_in_order(home: Path) -> None:
    doomed = Server(home)
    jobs = [
        {"prompt": f"ball {number}", "seed": number, "parameters": {"delay": 0.3}} for number in range(20)
    ]
    accepted = doomed.ask("POST", "/api/jobs/batch", {"jobs": jobs})
    ids = [job["job_id"] for job in accepted["jobs"]]
    time.sleep(0.6)
    doomed.kill()
    began = time.monotonic()
    again = Server(home)
    try:
        active = again.ask("GET", "/api/jobs?active_only=true&limit=100")["jobs"]
        resumed = time.monotonic() - began
        assert active
        done = [again.finished(job_id) for job_id in ids]
        assert {job["status"] for job in done} == {"completed"}
        assert len(assets_with_files(again)) == 20
        print(f"resumed {resumed:.2f} s after the restart")
    finally:
        again.stop()
