"""1,000 jobs waiting on a provider that takes 2 s, with the backend's concurrency lifted: wall time, memory, requests per job.

Run it: ``python tests/bench/remote_waiting.py [JOBS]``. The provider is the Replicate stand-in in a process of its own; a first,
smaller round teaches the backend how long the model takes.

Beside it runs a rival against the same stand-in: the official client alone, which submits, sleeps for the time that the job
takes, asks, and downloads, in as many threads as send requests here; it checks, stores and remembers nothing. On a busy
machine the processor seconds of either side say more than the wall: of each second of wall at most one is theirs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import tomli_w

TESTS = Path(__file__).resolve().parents[1]
SECONDS, WARM_UP = 2.0, 8
NAME = "black-forest-labs/flux-schnell"
MODEL = f"replicate:{NAME}"
GOALS = {"wall": 1.5, "memory": 60.0, "requests": 4.0}


class Provider:
    """The stand-in's process."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-m", "standins.serve", "replicate", str(SECONDS)]
        self._process = subprocess.Popen(
            command, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.hosts: dict[str, str] = json.loads(self._line())

    def counts(self) -> dict[str, int]:
        """Return the requests so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return dict(json.loads(self._line()))

    def cpu(self) -> float:
        """Return its processor seconds so far."""
        return cpu(psutil.Process(self._process.pid))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


def cpu(process: psutil.Process) -> float:
    """Return the processor seconds that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


class Meter:
    """Wall and processor seconds of this process and of the provider, from its making to :meth:`read`."""

    def __init__(self, provider: Provider) -> None:
        self._provider, self._requests = provider, provider.counts()["requests"]
        self._cpu, self._theirs, self._began = cpu(psutil.Process()), provider.cpu(), time.perf_counter()

    def read(self, jobs: int) -> dict[str, float]:
        """Return the figures of a round."""
        wall = time.perf_counter() - self._began
        return {
            "wall": wall / SECONDS, "cpu": cpu(psutil.Process()) - self._cpu, "theirs": self._provider.cpu() - self._theirs,
            "requests": (self._provider.counts()["requests"] - self._requests) / jobs,
        }  # fmt: skip


def rival(provider: Provider, jobs: int) -> dict[str, float]:
    """The same work by the official client alone."""
    import httpx
    import replicate

    patience = httpx.Timeout(60.0, pool=300.0)
    client = replicate.Client(
        api_token=provider.hosts["key"], base_url=provider.hosts["api"], timeout=patience
    )
    downloads, gate = httpx.Client(timeout=patience), threading.BoundedSemaphore(32)

    def one(number: int) -> None:
        with gate:
            made = client.models.predictions.create(NAME, input={"prompt": f"kite {number}"})
        time.sleep(SECONDS)
        while True:
            with gate:
                seen = client.predictions.get(made.id)
            if seen.status == "succeeded":
                break
            time.sleep(0.25)
        with gate:
            assert downloads.get(seen.output[0]).content

    one(0)
    meter = Meter(provider)
    threads = [threading.Thread(target=one, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return meter.read(jobs)


def rounds(provider: Provider, jobs: int) -> dict[str, float]:
    """Run the warm-up and the measured round; return the figures."""
    from diorama.engine import Engine
    from diorama.jobs.submission import Submission

    def submit(engine: Engine, count: int) -> list[str]:
        wanted = [
            Submission(kind="generate", model=MODEL, prompt=f"kite {number}") for number in range(count)
        ]
        return [job.id for job in engine.submit_many(wanted)]

    with Engine() as engine:
        for job_id in submit(engine, WARM_UP):
            engine.wait(job_id)
        peak, rest, meter = Peak(), psutil.Process().memory_info().rss, Meter(provider)
        ids = submit(engine, jobs)
        states = [engine.wait(job_id).status.value for job_id in ids]
        found = meter.read(jobs)
        most = peak.stop()
        assert states == ["completed"] * jobs, {state: states.count(state) for state in states}
    return found | {"memory": (most - rest) / 2**20}


class Peak:
    """The largest resident size of this process while it runs."""

    def __init__(self) -> None:
        self._most, self._go = 0, True
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while self._go:
            self._most = max(self._most, psutil.Process().memory_info().rss)
            time.sleep(0.05)

    def stop(self) -> int:
        """Return the largest size in bytes."""
        self._go = False
        self._thread.join()
        return self._most


def main() -> int:
    """Print the figures; 1 when a goal was missed."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    provider = Provider()
    with tempfile.TemporaryDirectory() as folder:
        backend: dict[str, Any] = {
            "api_url": provider.hosts["api"], "media_url": provider.hosts["media"], "concurrency": jobs,
        }  # fmt: skip
        config = Path(folder) / "config" / "config.toml"
        config.parent.mkdir()
        config.write_text(
            tomli_w.dumps(
                {"keyring": False, "plugins_allow": ["replicate"], "backends": {"replicate": backend}}
            )
        )
        os.environ |= {"DIORAMA_HOME": folder, "REPLICATE_API_TOKEN": provider.hosts["key"]}
        found = rounds(provider, jobs)
    bare = rival(provider, jobs)
    provider.close()
    print(
        f"remote_waiting: {jobs} jobs, wall {found['wall']:.2f} x {SECONDS:g} s (goal {GOALS['wall']}), "
        f"memory +{found['memory']:.0f} MB (goal {GOALS['memory']:.0f}), "
        f"{found['requests']:.2f} requests per job (goal {GOALS['requests']:.0f})"
    )
    for who, round_ in (("diorama", found), ("official client alone", bare)):
        print(
            f"  {who}: wall {round_['wall']:.2f} x, processor {round_['cpu']:.2f} s = {round_['cpu'] / jobs * 1e3:.2f} ms "
            f"a job, the stand-in's {round_['theirs']:.2f} s; load {os.getloadavg()[0]:.1f}"
        )
    return int(any(found[name] > goal for name, goal in GOALS.items()))


if __name__ == "__main__":
    sys.exit(main())
