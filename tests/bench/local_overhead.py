"""A job from submission to the file on disk, beside a direct diffusers call that saves its result, 20 steps each.

Run it: ``python tests/bench/local_overhead.py``. Tiny FLUX and tiny Wan, same size, seed and steps, in turns, each in one
thread; ours goes through queue, ledger, worker process and recipe. Sizes are chosen so that a job takes about a second
or more, as real ones take longer still. Goal: at most 1.05 of the direct call.

Beside the time on the clock stands the time on the processor, of server and worker together: it says what the work is
on a machine where other programs run too.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _tiny_engine import run, tiny_engine

ROUNDS, STEPS, GOAL = 5, 20, 1.05
SIZE = {"flux": 768, "wan": 192}
FRAMES, FPS = 9, 8
PROMPT = "a cat"


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    missed = 0
    with tiny_engine(("flux", "wan"), 768) as (engine, root):
        for family, kind, options in (
            ("flux", "generate", {}),
            ("wan", "video", {"num_frames": FRAMES, "fps": FPS}),
        ):
            direct = Direct(family, root / f"tiny-{family}-0")
            size = SIZE[family]

            def job(kind: str = kind, family: str = family, size: int = size, options: Any = options) -> None:
                run(engine, kind, f"tiny-{family}", prompt=PROMPT, width=size, height=size,
                    num_inference_steps=STEPS, guidance_scale=3.5, **options)  # fmt: skip

            missed += compare(
                family, job, lambda direct=direct, root=root: direct.run(root), lambda: processor(engine)
            )
    return int(bool(missed))


def processor(engine: Any) -> float:
    """Return the seconds that this process and the worker have computed so far."""
    import psutil

    pids = [os.getpid(), *(worker.pid for worker in engine.executor.workers() if worker.pid)]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def compare(
    family: str, job: Callable[[], None], direct: Callable[[], None], computed: Callable[[], float]
) -> bool:
    """Run both in turns and print the line; return whether the goal is missed."""
    job()
    direct()
    clock: dict[str, list[float]] = {"engine": [], "direct": [], "again": []}
    busy = dict.fromkeys(clock, 0.0)
    for _ in range(ROUNDS):
        for name, action in (("engine", job), ("direct", direct), ("again", direct)):
            began, before = time.perf_counter(), computed()
            action()
            clock[name].append(time.perf_counter() - began)
            busy[name] += computed() - before
    mine, theirs, again = (statistics.median(clock[name]) for name in ("engine", "direct", "again"))
    print(
        f"local_overhead  tiny {family}, {STEPS} steps: engine {mine:.3f} s  direct {theirs:.3f} s  ratio {mine / theirs:.3f}  "
        f"(A/A {again / theirs:.3f})  goal <= {GOAL:g}  processor {busy['engine'] / busy['direct']:.3f} "
        f"(A/A {busy['again'] / busy['direct']:.3f})",
        flush=True,
    )
    return mine / theirs > GOAL


class Direct:
    """The rival: the stock pipeline in this process, and a plain file."""

    def __init__(self, family: str, folder: Path) -> None:
        import torch
        from diffusers import DiffusionPipeline

        torch.set_num_threads(1)
        self._family = family
        self._pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
        self._pipe.set_progress_bar_config(disable=True)

    def run(self, folder: Path) -> None:
        """Make one picture or video and write it."""
        import torch

        size = SIZE[self._family]
        common = {"width": size, "height": size, "num_inference_steps": STEPS, "guidance_scale": 3.5}
        generator = torch.Generator("cpu").manual_seed(1)
        if self._family == "flux":
            self._pipe(PROMPT, generator=generator, **common).images[0].save(folder / "direct.png")
            return
        frames = self._pipe(
            PROMPT, generator=generator, num_frames=FRAMES, output_type="np", **common
        ).frames[0]
        write_video(folder / "direct.mp4", (frames * 255).round().astype("uint8"))


def write_video(place: Path, frames: Any) -> None:
    """Write H.264 as a script of a user would."""
    import av

    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.height, stream.width, stream.pix_fmt = frames.shape[1], frames.shape[2], "yuv420p"
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())


if __name__ == "__main__":
    sys.exit(main())
