"""Run every script of this folder, one after the other, and print their lines: the table of figures.

``python tests/bench/run_all.py [NAME ...]`` runs only the named ones. Scripts for a GPU say so and stop where none is.
The exit code counts the goals that were missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Run the scripts; a script's exit code 1 means that a goal was missed."""
    wanted = set(sys.argv[1:])
    missed = []
    for script in sorted(HERE.glob("*.py")):
        if (
            script.name.startswith("_")
            or script.name == "run_all.py"
            or (wanted and script.stem not in wanted)
        ):
            continue
        done = subprocess.run(
            [sys.executable, str(script)],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        print(done.stdout.rstrip() or f"{script.stem}: printed nothing", flush=True)
        if done.returncode:
            missed.append(script.stem)
            if done.returncode != 1:
                print(done.stderr.rstrip().splitlines()[-1:], file=sys.stderr)
    print("all goals met" if not missed else "missed: " + ", ".join(missed))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
