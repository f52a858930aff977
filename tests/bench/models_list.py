"""``diorama models`` with the remote backends and without them, no keys set, in turns, with an A/A control.

Run it: ``python tests/bench/models_list.py``. Prints medians of wall and processor time and the ratio of the walls; goal <= 1.5.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS, GOAL = 9, 1.5
COMMAND = Path(sys.executable).with_name("diorama")
LOCAL = "local"
ALL = "local,replicate,fal,krea,higgsfield,openai"
KEYS = ("DIORAMA_", "REPLICATE_", "FAL_", "KREA_", "HF_", "OPENAI_")


def timed(home: Path, plugins: str) -> tuple[float, float]:
    """Return wall and processor seconds of the command."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(KEYS)}
    environ |= {"DIORAMA_HOME": str(home), "DIORAMA_PLUGINS_ALLOW": plugins, "DIORAMA_KEYRING": "0"}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(COMMAND), "models"], env=environ, stdout=subprocess.DEVNULL, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure; exit code 1 if the goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        homes = {plugins: Path(folder) / str(len(plugins)) for plugins in (LOCAL, ALL)}
        for plugins, home in homes.items():
            timed(home, plugins)  # makes the data directory
        rounds = [
            (timed(homes[ALL], ALL), timed(homes[LOCAL], LOCAL), timed(homes[LOCAL], LOCAL))
            for _ in range(ROUNDS)
        ]
    walls = [statistics.median(row[place][0] for row in rounds) for place in range(3)]
    processor = [statistics.median(row[place][1] for row in rounds) for place in range(2)]
    print(
        f"models_list  five remote backends {walls[0] * 1e3:.0f} ms  none {walls[1] * 1e3:.0f} ms  ratio "
        f"{walls[0] / walls[1]:.2f}  (A/A {walls[2] / walls[1]:.2f}; processor {processor[0] * 1e3:.0f} and "
        f"{processor[1] * 1e3:.0f} ms)  goal <= {GOAL:g}"
    )
    return int(walls[0] / walls[1] > GOAL)


if __name__ == "__main__":
    sys.exit(main())
