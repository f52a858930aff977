"""Alternating between two models that are held in memory, beside ``from_pretrained`` each time.

Run it: ``python tests/bench/local_switch.py``. Both sides end with a pipeline that is ready for a job, tiny SDXL and tiny
FLUX in turn, the file cache of the system warm for the rival. Goal: at least 20 times faster, and no byte read from disk.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _tiny_engine import standins

ROUNDS, GOAL = 5, 20.0


def bytes_read() -> int:
    """Return what this process has read by system calls so far, from the file cache or the disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    import torch
    from diffusers import DiffusionPipeline
    from diorama.contract import BackendSettings
    from diorama.testing.context import RecordingJobContext
    from diorama_local_diffusers import create_backend
    from diorama_local_diffusers.models.info import model_info
    from diorama_local_diffusers.models.shelf import find

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        listed = standins(("sdxl", "flux"), home)
        settings = BackendSettings(
            id="local", options={"models_file": str(listed)}, data_dir=home / "data", cache_dir=home / "cache",
            device="cpu", offline=True,
        )  # fmt: skip
        backend = create_backend(settings)
        entries = [entry for model in ("tiny-sdxl", "tiny-flux") if (entry := find(model, settings))]
        context = RecordingJobContext(model_info(entries[0], settings), home)
        for entry in entries:
            backend.room.open(entry, context)
        held, read, touched = [], [], 0
        for _ in range(ROUNDS):
            for entry in entries:
                own = -bytes_read() + (before := bytes_read())  # what a look at the counter itself reads
                began = time.perf_counter()
                opened = backend.room.open(entry, context)
                held.append(time.perf_counter() - began)
                touched += bytes_read() - before - own
                if opened.entry is not entry:
                    raise SystemExit("The wrong model was opened.")
                began = time.perf_counter()
                DiffusionPipeline.from_pretrained(entry.path, local_files_only=True)
                read.append(time.perf_counter() - began)
    ours, peer = statistics.median(held), statistics.median(read)
    print(
        f"local_switch  held in memory {1e3 * ours:.3f} ms  from_pretrained {1e3 * peer:.0f} ms  ratio {peer / ours:.0f}  "
        f"goal >= {GOAL:g}  bytes read {touched} (goal 0)"
    )
    return int(peer / ours < GOAL or touched > 0)


if __name__ == "__main__":
    sys.exit(main())
