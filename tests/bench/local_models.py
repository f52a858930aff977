"""The local backend with tiny models: switching, its own cost, detection, memory over many jobs of six families.

Run it: ``python tests/bench/local_models.py``. Weights are random and small, so times of the networks say nothing; the
ratios are about what the backend adds, with the stock pipeline call as the rival in the same run.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

from diorama.contract import BackendSettings, GenerateRequest, ModelInfo, VideoRequest
from diorama.testing.context import RecordingJobContext
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries

FAMILIES = ("sd", "sdxl", "sd3", "flux", "qwen-image", "wan")
JOBS = 200


class Bench:
    """Tiny models of six families in a backend of their own."""

    def __init__(self, home: Path) -> None:
        import torch
        from diorama_local_diffusers.testing.tiny import build

        torch.set_num_threads(1)
        self.home = home
        self.folders = {name: build(name, home) for name in FAMILIES}
        settings = BackendSettings(
            id="local", config_dir=home / "config", data_dir=home / "data", cache_dir=home / "cache", device="cpu", offline=True
        )
        rows = [
            ModelEntry(name=name, path=str(folder), type=name, default_width=64, default_height=64)
            for name, folder in self.folders.items()
        ]
        write_entries(settings, rows)
        self.rows = {row.name: row for row in rows}
        self.models: dict[str, ModelInfo] = {row.name: model_info(row, settings) for row in rows}
        self.backend = create_backend(settings)

    def job(self, name: str, steps: int) -> RecordingJobContext:
        """Run one job through the backend's hook."""
        context = RecordingJobContext(self.models[name], self.home)
        common: dict[str, Any] = {
            "model": f"local:{name}",
            "prompt": "a cat",
            "seed": 1,
            "width": 64,
            "height": 64,
            "num_inference_steps": steps,
        }
        if name == "wan":
            self.backend.video(VideoRequest(**common, num_frames=5), context)
        else:
            self.backend.generate(GenerateRequest(**common), context)
        return context

    def direct(self, name: str, steps: int) -> None:
        """Call the stock pipeline with the same arguments."""
        import torch

        context = RecordingJobContext(self.models[name], self.home)
        pipe = self.backend.room.open(self.rows[name], context).pipe
        options: dict[str, Any] = {"guidance_scale": 5.0 if name == "wan" else 3.5}
        if name == "wan":
            options |= {"num_frames": 5, "output_type": "np"}
        generator = torch.Generator("cpu").manual_seed(1)
        pipe("a cat", width=64, height=64, num_inference_steps=steps, generator=generator, **options)


def seconds(action: Callable[[], object], rounds: int) -> list[float]:
    """Return the time of each round."""
    taken = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return taken


def switching(bench: Bench) -> float:
    """Opening a model that is held in memory against opening it from disk each time, as a ratio."""
    from diffusers import DiffusionPipeline

    names = ("sdxl", "flux")
    context = RecordingJobContext(bench.models["sdxl"], bench.home)
    held = seconds(lambda: [bench.backend.room.open(bench.rows[name], context) for name in names], 50)
    read = seconds(
        lambda: [
            DiffusionPipeline.from_pretrained(bench.folders[name], local_files_only=True) for name in names
        ],
        3,
    )
    return statistics.median(read) / statistics.median(held)


def own_cost(bench: Bench, name: str) -> float:
    """The hook's time over the stock call's, 20 steps each, in turns."""
    bench.job(name, 20)
    hook, stock = [], []
    for _ in range(7):
        stock += seconds(lambda: bench.direct(name, 20), 1)
        hook += seconds(lambda: bench.job(name, 20), 1)
    return statistics.median(hook) / statistics.median(stock)


def growth(bench: Bench) -> float:
    """Resident memory after the last tenth of many jobs over that after the second tenth."""
    import psutil

    process = psutil.Process()
    used = []
    for number in range(JOBS):
        bench.job(FAMILIES[number % len(FAMILIES)], 1)
        if number % 20 == 19:
            gc.collect()
            used.append(process.memory_info().rss)
    return used[-1] / used[1]


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        bench.job("sdxl", 1), bench.job("flux", 1)
        found = [
            ("switching between two held models, times faster than from_pretrained", switching(bench), 20.0, True),
            ("tiny FLUX, 20 steps, over the stock call", own_cost(bench, "flux"), 1.05, False),
            ("tiny Wan, 20 steps, over the stock call", own_cost(bench, "wan"), 1.05, False),
            ("detection of a family, ms", 1e3 * statistics.median(seconds(lambda: detect(bench.folders["sd"]), 200)), 5.0, False),
            (f"resident memory, end over start of {JOBS} jobs in six families", growth(bench), 1.02, False),
        ]  # fmt: skip
    missed = 0
    for what, value, goal, at_least in found:
        good = value >= goal if at_least else value <= goal
        missed += not good
        print(
            f"local_models: {what}: {value:.3f} (goal {'>=' if at_least else '<='} {goal:g}) {'ok' if good else 'MISSED'}"
        )
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
