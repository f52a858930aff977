"""1,000 jobs waiting on a provider that takes 2 s, with the backend's concurrency lifted: wall time, memory, requests per job.

Run it: ``python tests/bench/remote_waiting.py [JOBS]``. The provider is the Replicate stand-in in a process of its own; a first,
smaller round teaches the backend how long the model takes.
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
MODEL = "replicate:black-forest-labs/flux-schnell"
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

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(20)

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


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
        before, peak, rest = provider.counts()["requests"], Peak(), psutil.Process().memory_info().rss
        began = time.perf_counter()
        ids = submit(engine, jobs)
        states = [engine.wait(job_id).status.value for job_id in ids]
        wall = time.perf_counter() - began
        most = peak.stop()
        assert states == ["completed"] * jobs, {state: states.count(state) for state in states}
        requests = provider.counts()["requests"] - before
    return {"wall": wall / SECONDS, "memory": (most - rest) / 2**20, "requests": requests / jobs}


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
    provider.close()
    print(
        f"remote_waiting: {jobs} jobs, wall {found['wall']:.2f} x {SECONDS:g} s (goal {GOALS['wall']}), "
        f"memory +{found['memory']:.0f} MB (goal {GOALS['memory']:.0f}), "
        f"{found['requests']:.2f} requests per job (goal {GOALS['requests']:.0f})"
    )
    return int(any(found[name] > goal for name, goal in GOALS.items()))


if __name__ == "__main__":
    sys.exit(main())
