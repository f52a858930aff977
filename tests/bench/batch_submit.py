"""A thousand jobs in one ``POST /api/jobs/batch`` beside a thousand single POSTs; both durable before the answer.

Run it: ``python tests/bench/batch_submit.py``. The queue is paused, so that only accepting is measured.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

from _http_server import SERVE, Process

JOBS, ROUNDS, GOAL = 1000, 3, 0.5


def main() -> int:
    """Measure; exit code 1 if the goal is missed."""
    whole, single = [], []
    with tempfile.TemporaryDirectory() as home:
        server = Process(SERVE, Path(home))
        server.wire.post("/api/queue/pause", b"")
        body = json.dumps({"jobs": [{"prompt": f"ball {number}"} for number in range(JOBS)]}).encode()
        try:
            for _ in range(ROUNDS):
                status, answer, seconds = server.wire.post("/api/jobs/batch", body)
                assert status == 202, answer[:300]
                assert json.loads(answer)["count"] == JOBS
                whole.append(seconds)
                began = time.perf_counter()
                for number in range(JOBS):
                    status, answer, _ = server.wire.post(
                        "/api/jobs", json.dumps({"prompt": f"one {number}"}).encode()
                    )
                    assert status == 202, answer[:300]
                single.append(time.perf_counter() - began)
        finally:
            server.stop()
    ours, peer = statistics.median(whole), statistics.median(single)
    print(
        f"batch_submit  {JOBS} jobs in one request {ours:.3f} s  {JOBS} requests {peer:.3f} s  "
        f"{peer / ours:.1f}x faster  goal <= {GOAL:g} s"
    )
    return 0 if ours <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
