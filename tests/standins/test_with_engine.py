"""Remote jobs in a real engine in a process of its own: killed in the middle, closed in good order, started again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from diorama.engine import Engine
from diorama.jobs.submission import Submission

from standins import ReplicateStandin, Script

MODEL = "replicate:black-forest-labs/flux-schnell"


class Home:
    """A data directory whose engines talk to the stand-in."""

    def __init__(self, folder: Path, server: ReplicateStandin, **options: Any) -> None:
        self.folder, self.server = folder, server
        self.started: list[subprocess.Popen[str]] = []
        hosts = [f"127.0.0.1:{port}" for port in server.ports.values()]
        table = {
            "api_url": server.url(),
            "allow_hosts": hosts,
            "concurrency": 100,
            "poll_seconds": 0.1,
            "retry_seconds": 0.05,
            **options,
        }
        config = folder / "config" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(
            tomli_w.dumps(
                {"keyring": False, "plugins_allow": ["replicate"], "backends": {"replicate": table}}
            )
        )

    def start(self, count: int, *more: str) -> subprocess.Popen[str]:
        """Start an engine that submits `count` jobs."""
        env = {**os.environ, "DIORAMA_HOME": str(self.folder), "REPLICATE_API_TOKEN": self.server.key,
               "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ["PYTHONPATH"]])}  # fmt: skip
        command = [sys.executable, "-m", "standins.engine_run", MODEL, str(count), *more]
        process = subprocess.Popen(command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.started.append(process)
        return process

    def stop(self) -> None:
        """End the engines that a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()

    def finish(self, process: subprocess.Popen[str]) -> list[dict[str, Any]]:
        """Wait for an engine's end and read what it told about its jobs."""
        out, _ = process.communicate(timeout=120)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with ReplicateStandin() as server:
        made = Home(tmp_path / "home", server)
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Engine, ReplicateStandin]]:
    """An engine in this process whose backend gives up at the first outage."""
    with ReplicateStandin() as server:
        made = Home(tmp_path / "home", server, outage_seconds=0.0, retry_seconds=0.01)
        monkeypatch.setenv("DIORAMA_HOME", str(made.folder))
        monkeypatch.setenv("REPLICATE_API_TOKEN", server.key)
        with Engine() as running:
            yield running, server


def asked_about(server: ReplicateStandin) -> int:
    """How many jobs were bought, and are known to their engine: it has asked for them."""
    return sum(job.requests["poll"] > 0 for job in list(server.jobs.values()))


def release_all(server: ReplicateStandin) -> None:
    server.default = Script(queued=0, running=0)
    for job in list(server.jobs.values()):
        job.release()


@pytest.mark.parametrize("count", [1, 100])
def test_killed_in_the_middle_every_result_comes_once(home: Home, count: int) -> None:
    server = home.server
    server.default = Script(hold="running", queued=0, running=0)
    first = home.start(count)
    server.wait_until(lambda: asked_about(server) == count, "all jobs to be bought and remembered", 60)
    first.kill()
    first.wait()
    bought = set(server.jobs)
    release_all(server)
    rows = home.finish(home.start(0))
    assert [row["status"] for row in rows] == ["completed"] * count
    assert all(len(row["assets"]) == 1 for row in rows)
    assert set(server.jobs) == bought
    assert all(row["cost"]["amount"] == pytest.approx(0.003) for row in rows)
    assert len(list((home.folder / "data" / "assets").rglob("*.png"))) >= count


def test_closing_in_good_order_leaves_the_provider_at_work(home: Home) -> None:
    server = home.server
    server.default = Script(hold="running", queued=0, running=0)
    first = home.start(3, "close")
    server.wait_until(lambda: asked_about(server) == 3, "three jobs to run", 60)
    home_rows = first.communicate("\n", timeout=60)
    assert first.returncode == 0, home_rows
    assert server.counts["cancel"] == 0
    release_all(server)
    rows = home.finish(home.start(0))
    assert [row["status"] for row in rows] == ["completed"] * 3
    assert server.submissions == 3


def test_killed_before_anything_was_sent_it_runs_again_by_itself(home: Home) -> None:
    server = home.server
    server.fault("model", status=None, delay=60)  # the schema is read before the request is sent
    first = home.start(1)
    server.wait_until(lambda: server.counts["model"] == 1, "the question for the schema", 60)
    first.kill()
    first.wait()
    rows = home.finish(home.start(0))
    assert [(row["status"], row["held"]) for row in rows] == [("completed", False)]
    assert server.submissions == 1


def test_an_unconfirmed_purchase_waits_for_a_person(home: Home) -> None:
    server = home.server
    server.fault("submit", disconnect=True, after=True)
    process = home.start(1, "close")
    server.wait_until(lambda: server.submissions == 1, "the purchase", 60)
    process.communicate("\n", timeout=60)
    rows = home.finish(home.start(0))
    assert [(row["status"], row["held"]) for row in rows] == [("queued", True)]
    assert server.submissions == 1
    rows = home.finish(home.start(0, "release"))
    assert [row["status"] for row in rows] == ["completed"]
    assert server.submissions == 2  # the person has decided to buy it again


@pytest.mark.parametrize("route", ["poll", "download"])
def test_an_outage_after_the_purchase_is_asked_again_and_nothing_is_bought_twice(
    engine: tuple[Engine, ReplicateStandin], route: str
) -> None:
    running, server = engine
    server.fault(route, status=503, times=9)  # the kit asks four times, then the queue lets it ask again
    job = running.wait(running.submit(Submission(kind="generate", model=MODEL, prompt="a kite")).id, 60)
    assert (job.status.value, job.attempt, len(job.asset_ids)) == ("completed", 1, 1)
    assert server.counts["submit"] == server.submissions == 1
    assert server.counts[route] >= 10


def test_a_lasting_outage_after_the_purchase_waits_for_a_person(
    engine: tuple[Engine, ReplicateStandin],
) -> None:
    running, server = engine
    server.fault("download", status=503, times=-1)
    job_id = running.submit(Submission(kind="generate", model=MODEL, prompt="a kite")).id
    server.wait_until(lambda: running.job(job_id).held, "the job to be held", 60)
    assert server.counts["download"] == 16, "four times, and four times at each of three more tries"
    assert "not forgotten" in (running.job(job_id).wait_reason or "")
    server.clear_faults()
    running.queue.release(job_id)
    job = running.wait(job_id, 60)
    assert (job.status.value, len(job.asset_ids), server.counts["submit"]) == ("completed", 1, 1)


def test_a_ticket_that_finds_no_room_is_kept_and_stored_later(
    engine: tuple[Engine, ReplicateStandin], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full just after the purchase: the job goes on, and nothing is bought again."""
    running, server = engine
    server.default = Script(hold="running", queued=0, running=0)
    remember, full = running.queue.ledger.remember, threading.Event()

    def store(job_id: str, memory: dict[str, Any]) -> Future[None]:
        if not full.is_set() and memory.get("ticket"):
            refused: Future[None] = Future()
            refused.set_exception(OSError(28, "No space left on device"))
            return refused
        return remember(job_id, memory)

    monkeypatch.setattr(running.queue.ledger, "remember", store)
    job_id = running.submit(Submission(kind="generate", model=MODEL, prompt="a kite")).id
    server.wait_until(lambda: server.counts["poll"] >= 2, "the job to be asked for", 60)
    assert not running.queue.ledger.get(job_id).memory.get("ticket")
    full.set()
    server.wait_until(lambda: running.queue.ledger.get(job_id).memory.get("ticket"), "the ticket", 60)
    release_all(server)
    job = running.wait(job_id, 60)
    assert (job.status.value, len(job.asset_ids), server.submissions) == ("completed", 1, 1)


def test_what_cannot_be_noted_before_is_not_bought(
    engine: tuple[Engine, ReplicateStandin], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, server = engine

    def full(job_id: str, memory: dict[str, Any]) -> Future[None]:
        refused: Future[None] = Future()
        refused.set_exception(OSError(28, "No space left on device"))
        return refused

    monkeypatch.setattr(running.queue.ledger, "remember", full)
    job = running.wait(running.submit(Submission(kind="generate", model=MODEL, prompt="a kite")).id, 60)
    assert (job.status.value, job.cost, server.counts["submit"]) == ("failed", None, 0)
    assert "could not be stored" in (job.error or {})["message"]


def test_a_paid_result_that_finds_no_room_is_brought_after_a_release(
    engine: tuple[Engine, ReplicateStandin], monkeypatch: pytest.MonkeyPatch
) -> None:
    running, server = engine

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("diorama.assets.staging.stage", full)
        job_id = running.submit(Submission(kind="generate", model=MODEL, prompt="a kite")).id
        server.wait_until(lambda: running.job(job_id).held, "the job to be held", 60)
    running.queue.release(job_id)
    job = running.wait(job_id, 60)
    assert (job.status.value, len(job.asset_ids), server.submissions) == ("completed", 1, 1)
