"""Many jobs over six families in one worker: does its memory stay flat?

Run it: ``python tests/bench/local_endurance.py [JOBS]`` (default 200). Tiny models, one step each, one after the other
through the engine. The slope is that of a straight line through the worker's resident memory after each job of the last
three quarters, times the number of those jobs, over their mean. Goal: within 2 %.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _tiny_engine import run, tiny_engine, worker_bytes

FAMILIES = ("sd", "sdxl", "sd3", "flux", "qwen-image", "wan")
GOAL = 0.02


def main() -> int:
    """Measure; exit code 1 if the goal is missed."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    used, began = [], time.perf_counter()
    with tiny_engine(FAMILIES) as (engine, _):
        for number in range(jobs):
            family = FAMILIES[number % len(FAMILIES)]
            video = {"num_frames": 5} if family == "wan" else {}
            run(engine, "video" if video else "generate", f"tiny-{family}", prompt="a cat", width=64, height=64,
                num_inference_steps=2, **video)  # fmt: skip
            used.append(worker_bytes(engine))
    later = used[jobs // 4 :]
    slope = statistics.linear_regression(range(len(later)), later).slope
    growth = slope * len(later) / statistics.mean(later)
    print(
        f"local_endurance  {jobs} jobs, {len(FAMILIES)} families: worker {used[len(FAMILIES)] / 2**20:.0f} MiB after the first "
        f"round, {used[-1] / 2**20:.0f} MiB at the end  slope {growth:+.2%}  goal within {GOAL:.0%}  "
        f"({(time.perf_counter() - began) / jobs:.2f} s a job)"
    )
    return int(abs(growth) > GOAL)


if __name__ == "__main__":
    sys.exit(main())
