"""Durable no-op jobs per second, from submission to the end on disk, beside a bare SQLite loop with the same commits.

Run it: ``python tests/bench/jobs_rate.py``. Both write with ``synchronous=FULL``; the loop commits each job's acceptance,
start and end by itself, the queue groups what arrives together. The second line is 1,000 jobs in one submission, beside
1,000 submissions of one.
"""

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "core" / "jobs"))

from queue_world import World

ROUNDS, JOBS, BARE_JOBS, BULK = 7, 2000, 200, 1000


def queue_rate(world: World) -> float:
    jobs = [world.job() for _ in range(JOBS)]
    began = time.perf_counter()
    accepted = [world.queue.submit([job]) for job in jobs]
    for future in accepted:
        world.queue.wait(future.result()[0].id)
    return JOBS / (time.perf_counter() - began)


def bare_rate(connection: sqlite3.Connection) -> float:
    began = time.perf_counter()
    for number in range(BARE_JOBS):
        row = connection.execute(
            "INSERT INTO jobs(status, request) VALUES ('queued', ?)", ("x" * 300,)
        ).lastrowid
        connection.execute("UPDATE jobs SET status = 'generating', started = ? WHERE id = ?", (number, row))
        connection.execute("UPDATE jobs SET status = 'completed', ended = ? WHERE id = ?", (number, row))
    return BARE_JOBS / (time.perf_counter() - began)


def bulk_seconds(world: World) -> tuple[float, float]:
    world.queue.pause()
    jobs = [world.job() for _ in range(BULK)]
    began = time.perf_counter()
    world.queue.submit(jobs).result()
    together = time.perf_counter() - began
    jobs = [world.job() for _ in range(BULK)]
    began = time.perf_counter()
    for job in jobs:
        world.queue.submit([job]).result()
    apart = time.perf_counter() - began
    world.queue.resume()
    for job in jobs:
        world.queue.wait(job.id)
    return together, apart


def main() -> int:
    home = Path(tempfile.mkdtemp(prefix="diorama-bench-"))
    world = World(home)
    world.queue.start()
    connection = sqlite3.connect(home / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE jobs(id INTEGER PRIMARY KEY, status, request, started, ended)")
    queue_rate(world)
    ours, bare = [], []
    for _ in range(ROUNDS):
        ours.append(queue_rate(world))
        bare.append(bare_rate(connection))
    together, apart = zip(*(bulk_seconds(world) for _ in range(3)), strict=True)
    world.close()
    shutil.rmtree(home)
    mine, theirs = statistics.median(ours), statistics.median(bare)
    one, many = statistics.median(together), statistics.median(apart)
    print(
        f"jobs_rate  queue {mine:.0f}/s  bare SQLite loop {theirs:.0f}/s  ratio {mine / theirs:.2f}  "
        f"last/first {ours[-1] / ours[0]:.2f}  limit 1500/s"
    )
    print(f"jobs_bulk  1000 in one {one:.3f} s  one by one {many:.3f} s  ratio {many / one:.1f}  limit 0.5 s")
    return 0 if mine >= 1500 and one <= 0.5 else 1


if __name__ == "__main__":
    raise SystemExit(main())
