"""A program for tests: an engine of its own that submits jobs to one model, and waits for all that are unfinished.

    python -m standins.engine_run MODEL COUNT [close | release]

Prints `submitted` when all are accepted, then one JSON line for each job in the ledger when it is at its end. With `close` it
leaves the engine, in good order, as soon as somebody writes a line to its input; with `release` it lets held jobs go.
"""

from __future__ import annotations

import json
import sys

from diorama.engine import Engine
from diorama.jobs.submission import Submission


def main(model: str, count: int, *, close: bool = False, release: bool = False) -> None:
    """Submit, wait, and tell."""
    with Engine() as engine:
        for number in range(count):
            engine.submit(Submission(kind="generate", model=model, prompt=f"kite {number}"))
        print("submitted", flush=True)
        if close:
            sys.stdin.readline()
            return
        for job in engine.jobs(limit=500).items if release else ():
            while not job.held:
                job = engine.wait(job.id, timeout=0.1)
            engine.queue.release(job.id)
        for job in engine.jobs(limit=500).items:
            while not (job.held or job.status.final):  # a held job waits for a person, and has no end
                job = engine.wait(job.id, timeout=0.1)
        for job in engine.jobs(limit=500).items:
            facts = {
                "status": job.status.value,
                "assets": job.asset_ids,
                "cost": job.cost,
                "held": job.held,
                "error": job.error,
            }
            print(json.dumps({"id": job.id, **facts}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), close="close" in sys.argv, release="release" in sys.argv)
