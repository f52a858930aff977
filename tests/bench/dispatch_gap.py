"""Time between the end of one job and the first call of the next on the same lane, beside a lane that polls.

Run it: ``python tests/bench/dispatch_gap.py``. Once with jobs that do nothing, once with jobs that take 0.1 s and leave two
pictures each, whose files are written while the next job runs. The peer asks its table every 100 ms, as simple queues do.
"""

import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "core" / "jobs"))

from queue_world import World

JOBS, PICTURES, POLLED, POLL = 1500, 100, 15, 0.1
MODEL_SECONDS = 0.1


def gaps(world: World, do: str, count: int, seconds: float = 0.0) -> list[float]:
    marks: list[tuple[float, float]] = []
    run = world.executor.works[do]

    def timed(task, sink):
        began = time.perf_counter()
        try:
            time.sleep(seconds)
            return run(task, sink)
        finally:
            marks.append((began, time.perf_counter()))

    world.executor.works["timed"] = timed
    jobs = world.queue.submit([world.job("timed") for _ in range(count)]).result()
    for job in jobs:
        world.queue.wait(job.id)
    return sorted((after[0] - before[1]) * 1000 for before, after in pairwise(marks))


def polled(home: Path) -> list[float]:
    table = sqlite3.connect(home / "polled.sqlite", isolation_level=None)
    table.execute("CREATE TABLE jobs(id INTEGER PRIMARY KEY, status)")
    table.executemany("INSERT INTO jobs(status) VALUES (?)", [("queued",)] * POLLED)
    found, ended = [], None
    while True:
        row = table.execute("SELECT id FROM jobs WHERE status = 'queued' ORDER BY id LIMIT 1").fetchone()
        if row is None:
            return sorted(found)
        if ended is not None:
            found.append((time.perf_counter() - ended) * 1000)
        table.execute("UPDATE jobs SET status = 'completed' WHERE id = ?", row)
        ended = time.perf_counter()
        time.sleep(POLL)


def main() -> int:
    home = Path(tempfile.mkdtemp(prefix="diorama-bench-"))
    world = World(home)
    world.queue.start()
    gaps(world, "nothing", 50)
    plain, peer = gaps(world, "nothing", JOBS), polled(home)
    pictures = gaps(world, "picture", PICTURES, MODEL_SECONDS)
    world.close()
    shutil.rmtree(home)
    theirs, worst = statistics.median(peer), 0.0
    for name, found in (("dispatch_gap", plain), ("dispatch_gap_pictures", pictures)):
        middle, p99 = statistics.median(found), found[int(len(found) * 0.99)]
        worst = max(worst, p99)
        print(
            f"{name}  p50 {middle:.3f} ms  p99 {p99:.3f} ms  polling every 100 ms: p50 {theirs:.1f} ms  "
            f"ratio {theirs / middle:.0f}  limit p99 10 ms"
        )
    return 0 if worst <= 10.0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
