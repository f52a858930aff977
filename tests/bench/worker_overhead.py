"""What the way to a worker and back costs: a job that does nothing, beside a bare round trip over two pipes.

Run it: ``python tests/bench/worker_overhead.py``. Prints medians in milliseconds and their ratio.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "core" / "workers"
ECHO = "import os\nwhile d := os.read(0, 65536): os.write(1, d)"
ROUNDS, JOBS = 7, 200


def main() -> int:
    sys.path[:0] = [str(FOLDER), str(FOLDER / "backends")]
    os.environ["PYTHONPATH"] = str(FOLDER / "backends")
    from worker_bench import Bench, Sink

    bench = Bench(Path(tempfile.mkdtemp(prefix="diorama-bench-")))
    echo = subprocess.Popen([sys.executable, "-c", ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    bench.run("noop")
    body = b"x" * 600

    def job() -> None:
        bench.executor.run(tasks.pop(), Sink())

    def pipe() -> None:
        os.write(echo.stdin.fileno(), body)
        if os.read(echo.stdout.fileno(), 65536) != body:
            raise SystemExit("The bare pipe did not answer.")

    ours, bare, worst = [], [], 0.0
    for _ in range(ROUNDS):
        tasks = [bench.task("noop") for _ in range(JOBS)]
        for action, into in ((job, ours), (pipe, bare)):
            times = []
            for _ in range(JOBS):
                began = time.perf_counter()
                action()
                times.append(time.perf_counter() - began)
            into.append(statistics.median(times) * 1000)
            if action is job:
                worst = max(worst, sorted(times)[int(JOBS * 0.99)] * 1000)
    bench.close()
    echo.stdin.close()
    echo.wait()
    mine, theirs = statistics.median(ours), statistics.median(bare)
    print(
        f"worker_overhead  job {mine:.3f} ms (p99 {worst:.2f})  pipe {theirs:.3f} ms  ratio {mine / theirs:.1f}  limit 3 ms"
    )
    return 0 if mine <= 3.0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
