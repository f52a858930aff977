"""``POST /api/jobs`` while a torch job keeps a core busy, beside a raw ASGI echo under the same load, interleaved.

Run it: ``python tests/bench/post_latency.py``. The torch job is a process of its own that multiplies matrices without
pause on one thread, as the worker of a local model does. Prints p50 and p99 in milliseconds.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _http_server import ECHO, SERVE, Process, quantile

ROUNDS, REQUESTS, GOAL = 10, 100, 25.0
TORCH = (
    "import torch; torch.set_num_threads(1); a = torch.rand(512, 512); print('busy', flush=True)\n"
    "while True: a = torch.tanh(a @ a)"
)


def main() -> int:
    """Measure; exit code 1 if the goal is missed."""
    ours: list[float] = []
    peer: list[float] = []
    with tempfile.TemporaryDirectory() as home:
        server, echo = Process(SERVE, Path(home)), Process(ECHO)
        busy = subprocess.Popen([sys.executable, "-c", TORCH], stdout=subprocess.PIPE, text=True)
        try:
            server.wire.post("/api/queue/pause", b"")
            assert busy.stdout is not None
            busy.stdout.readline()
            for number in range(ROUNDS):
                for which, times in ((server, ours), (echo, peer)):
                    for index in range(REQUESTS):
                        body = json.dumps({"prompt": f"a red ball {number} {index}", "seed": index}).encode()
                        status, answer, seconds = which.wire.post("/api/jobs", body)
                        assert status == 202, answer[:300]
                        times.append(seconds * 1000)
                        time.sleep(0.002)
        finally:
            busy.kill()
            busy.wait()
            server.stop()
            echo.stop()
    mine, bare = quantile(ours, 0.99), quantile(peer, 0.99)
    print(
        f"post_latency  p50 {quantile(ours, 0.5):.2f} ms  p99 {mine:.2f} ms  echo p50 {quantile(peer, 0.5):.2f} ms  "
        f"p99 {bare:.2f} ms  ratio of p99 {mine / bare:.1f}  goal p99 <= {GOAL:g} ms"
    )
    return 0 if mine <= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
