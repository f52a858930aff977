"""Profiles `quality` and `fast` beside the stock diffusers call, on a CUDA device, with peaks of device memory.

Run it: ``python tests/bench/gpu_quality_fast.py`` on a machine with a card; ``--tiny`` runs the same code with tiny models
on any machine, which proves the script and says nothing about speed. FLUX-, SDXL- and Wan-shaped models at full size with
random weights, in bf16. The three sides take turns in one run. Goals: `quality` at most 1.05 of the stock call, `fast`
not slower than it.
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

sys.path.insert(0, str(Path(__file__).resolve().parent))
for library in ("TRANSFORMERS", "DIFFUSERS"):
    os.environ.setdefault(f"{library}_VERBOSITY", "error")

ROUNDS, GOAL_QUALITY, GOAL_FAST = 3, 1.05, 1.0
PROMPT = "a cat"


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    import torch

    tiny = "--tiny" in sys.argv
    if not tiny and not torch.cuda.is_available():
        print("gpu_quality_fast  no GPU here")
        return 0
    device, dtype = ("cpu", torch.float32) if tiny else ("cuda:0", torch.bfloat16)
    from _full_size import SHAPES

    missed = False
    for shape in SHAPES:
        missed |= measure(shape, device, dtype, tiny)
        gc.collect()
        if not tiny:
            torch.cuda.empty_cache()
    return int(missed and not tiny)


def measure(shape: str, device: str, dtype: Any, tiny: bool) -> bool:
    """Run the three sides in turns and print their line; return whether a goal is missed."""
    import torch
    from _full_size import GUIDANCE, build, request_sizes

    sizes = request_sizes(shape, tiny=tiny)
    pipe = build(shape, device, dtype, tiny=tiny)
    with tempfile.TemporaryDirectory() as name:
        ours = Ours(shape, pipe, device, Path(name), sizes)
        generator = torch.Generator(device)
        options = dict(sizes) | {"guidance_scale": GUIDANCE[shape]}
        sides: dict[str, Callable[[], Any]] = {
            "stock": lambda: pipe(PROMPT, generator=generator.manual_seed(1), **options),
            "quality": lambda: ours.run("quality"),
            "fast": lambda: ours.run("fast"),
        }
        for _ in range(2):  # the first round of `fast` measures its rungs, the second compiles
            for action in sides.values():
                action()
        taken: dict[str, list[float]] = {side: [] for side in sides}
        peaks = dict.fromkeys(sides, 0.0)
        for _ in range(ROUNDS):
            for side, action in sides.items():
                seconds, peak = timed(action, device)
                taken[side].append(seconds)
                peaks[side] = max(peaks[side], peak)
    middle = {side: statistics.median(values) for side, values in taken.items()}
    quality, fast = middle["quality"] / middle["stock"], middle["fast"] / middle["stock"]
    print(
        f"gpu_quality_fast  {shape}{' (tiny, on the CPU)' if tiny else ''}: stock {middle['stock']:.3f} s  "
        f"quality {middle['quality']:.3f} s, ratio {quality:.3f}, goal <= {GOAL_QUALITY:g}  "
        f"fast {middle['fast']:.3f} s, ratio {fast:.3f}, goal <= {GOAL_FAST:g}, with {', '.join(ours.rungs) or 'nothing added'}  "
        f"peaks {', '.join(f'{side} {value / 1e9:.1f} GB' for side, value in peaks.items())}",
        flush=True,
    )
    return quality > GOAL_QUALITY or fast > GOAL_FAST


class Ours:
    """The local backend's way over the same pipeline."""

    def __init__(self, shape: str, pipe: Any, device: str, home: Path, sizes: dict[str, int]) -> None:
        from diorama.contract import BackendSettings, Capabilities, ModelInfo, Operation
        from diorama_local_diffusers.families import family_named
        from diorama_local_diffusers.models.entry import ModelEntry
        from diorama_local_diffusers.runtime.residency import Loaded

        settings = BackendSettings(id="local", data_dir=home, cache_dir=home, device=device, offline=True)
        entry = ModelEntry(name=shape, path=str(home), type=shape)
        self._loaded = Loaded(entry, family_named(shape), None, pipe, settings, device)
        self._model = ModelInfo(
            id=f"local:{shape}", title=shape, operations={Operation.GENERATE: Capabilities()}
        )
        self._shape, self._sizes, self._home = shape, sizes, home

    @property
    def rungs(self) -> tuple[str, ...]:
        """What the last profile added."""
        return self._loaded.rungs

    def run(self, profile: str) -> None:
        """Make one picture or video."""
        from _full_size import GUIDANCE
        from diorama.contract import GenerateRequest, VideoRequest
        from diorama.testing.context import RecordingJobContext
        from diorama_local_diffusers.runtime.pictures import generate
        from diorama_local_diffusers.runtime.videos import video

        context = RecordingJobContext(self._model, self._home)
        common: dict[str, Any] = {
            "model": self._model.id, "prompt": PROMPT, "seed": 1, "guidance_scale": GUIDANCE[self._shape],
            "parameters": {"profile": profile}, **self._sizes,
        }  # fmt: skip
        if self._shape == "wan":
            video(self._loaded, VideoRequest(**common, fps=16), context)
        else:
            generate(self._loaded, GenerateRequest(**common), context)


def timed(action: Callable[[], Any], device: str) -> tuple[float, float]:
    """Return seconds and the peak of device memory of an action."""
    import torch

    cuda = device != "cpu"
    if cuda:
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    began = time.perf_counter()
    action()
    if cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began, float(torch.cuda.max_memory_allocated()) if cuda else 0.0


if __name__ == "__main__":
    sys.exit(main())
