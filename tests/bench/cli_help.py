"""``diorama --help`` beside an empty Python, interleaved, with an A/A control.

Run it: ``python tests/bench/cli_help.py``. Prints medians in milliseconds and their ratio; goal <= 4.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS, GOAL = 15, 4.0
COMMAND = Path(sys.executable).with_name("diorama")
HEAVY = ("torch", "diffusers", "fastapi", "pydantic", "sqlalchemy")


def timed(command: list[str]) -> float:
    """Return the wall time of a command in milliseconds."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - began) * 1000


def main() -> int:
    """Measure; exit code 1 if the goal is missed or something heavy was imported."""
    ours, peer, control = [], [], []
    for _ in range(ROUNDS):
        ours.append(timed([str(COMMAND), "--help"]))
        peer.append(timed([sys.executable, "-c", "pass"]))
        control.append(timed([sys.executable, "-c", "pass"]))
    code = f"import sys; from diorama.cli.main import main; main(['--help']); sys.exit(any(m in sys.modules for m in {HEAVY!r}))"
    light = (
        subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )
    mine, bare, again = map(statistics.median, (ours, peer, control))
    print(
        f"cli_help  ours {mine:.1f} ms  `python -c pass` {bare:.1f} ms  ratio {mine / bare:.2f}  (A/A {again / bare:.2f})  "
        f"goal <= {GOAL:g}  nothing heavy imported: {light}"
    )
    return int(mine / bare > GOAL or not light)


if __name__ == "__main__":
    sys.exit(main())
