"""Changing between models on a CUDA device, beside ``from_pretrained`` and ``to`` each time.

Run it: ``python tests/bench/gpu_switch.py`` on a machine with a card and 40 GB of free disk; ``--tiny`` runs the same code
with tiny models on any machine. SDXL- and FLUX-shaped folders at full size with random weights. Two cases: both models
are held, and a budget that holds only one, so that each change brings the other one back from main memory (on the CPU,
where that is the same memory, from disk). Goal for the first: at least 20 times faster.
"""

from __future__ import annotations

import gc
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
for library in ("TRANSFORMERS", "DIFFUSERS"):
    os.environ.setdefault(f"{library}_VERBOSITY", "error")

ROUNDS, GOAL, DISK = 3, 20.0, 40_000_000_000
SHAPES = ("sdxl", "flux")


def main() -> int:
    """Measure; exit code 1 if the goal is missed."""
    import torch

    tiny = "--tiny" in sys.argv
    if not tiny and not torch.cuda.is_available():
        print("gpu_switch  no GPU here")
        return 0
    device, dtype = ("cpu", torch.float32) if tiny else ("cuda:0", torch.bfloat16)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        if not tiny and shutil.disk_usage(home).free < DISK:
            print(f"gpu_switch  not enough disk in {home}")
            return 0
        folders = {shape: write(shape, home / shape, device, dtype, tiny) for shape in SHAPES}
        held = ours(folders, home, device, budget_gb=0)
        loaded = ours(folders, home, device, budget_gb=1e-9)
        peer = statistics.median(rival(folders, device, dtype))
    ratio = peer / held
    print(
        f"gpu_switch  {'tiny, on the CPU: ' if tiny else ''}both held {1e3 * held:.2f} ms  one at a time {loaded:.2f} s  "
        f"from_pretrained {peer:.2f} s  ratio {ratio:.0f}  goal >= {GOAL:g}"
    )
    return int(ratio < GOAL)


def write(shape: str, folder: Path, device: str, dtype: Any, tiny: bool) -> Path:
    """Write a pipeline to disk and free its memory."""
    from _full_size import build

    build(shape, device, dtype, tiny=tiny).save_pretrained(folder, safe_serialization=True)
    release(device)
    return folder


def ours(folders: dict[str, Path], home: Path, device: str, budget_gb: float) -> float:
    """Return the median seconds that the backend takes to change the model."""
    from diorama.contract import BackendSettings
    from diorama.testing.context import RecordingJobContext
    from diorama_local_diffusers import create_backend
    from diorama_local_diffusers.models.entry import ModelEntry
    from diorama_local_diffusers.models.info import model_info

    settings = BackendSettings(
        id="local", options={"memory_budget_gb": budget_gb, "memory_plan": "full"}, data_dir=home / "data",
        cache_dir=home / "cache", device=device, offline=True,
    )  # fmt: skip
    backend = create_backend(settings)
    rows = [ModelEntry(name=shape, path=str(folder), type=shape) for shape, folder in folders.items()]
    context = RecordingJobContext(model_info(rows[0], settings), home)
    for row in rows:
        backend.room.open(row, context)
    taken = [
        timed(lambda row=row: backend.room.open(row, context), device) for _ in range(ROUNDS) for row in rows
    ]
    backend.close()
    release(device)
    return statistics.median(taken)


def rival(folders: dict[str, Path], device: str, dtype: Any) -> list[float]:
    """Return the seconds of opening each model from disk, the old one dropped before."""
    from diffusers import DiffusionPipeline

    taken = []
    for _ in range(ROUNDS):
        for folder in folders.values():
            taken.append(
                timed(
                    lambda folder=folder: DiffusionPipeline.from_pretrained(
                        folder, local_files_only=True, dtype=dtype
                    ).to(device),
                    device,
                )
            )
            release(device)
    return taken


def timed(action: Callable[[], Any], device: str) -> float:
    """Return the seconds of an action, with the device's own work."""
    import torch

    began = time.perf_counter()
    action()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - began


def release(device: str) -> None:
    """Give back memory that nothing uses."""
    import torch

    gc.collect()
    if device != "cpu":
        torch.cuda.empty_cache()


if __name__ == "__main__":
    sys.exit(main())
