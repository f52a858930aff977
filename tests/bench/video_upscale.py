"""Enlarging a video: the whole beside its slowest stage alone, and the memory for a short and a long clip.

Run it: ``python tests/bench/video_upscale.py``. The stages are decoding, enlarging and encoding, each run alone over the
same frames; together they overlap. Clips of 3 s and 60 s are enlarged in processes of their own, and their peaks of
resident memory compared. Goals: wall / slowest stage <= 1.3; the longer clip takes at most 5 % more memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from queue import Queue
from threading import Event
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

RATE, SIZE, SCALE = 24, (96, 64), 4.0
GOAL, GOAL_MEMORY, ROUNDS = 1.3, 1.05, 3
PEAK = """
import resource, sys
sys.path.insert(0, sys.argv[3])
import video_upscale
from pathlib import Path
video_upscale.enlarge(Path(sys.argv[1]), Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> int:
    """Measure; exit code 1 if a goal is missed."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        short, long = write_clip(home / "3.mp4", 3), write_clip(home / "60.mp4", 60)
        whole, stages = (
            float("inf"),
            {"decode": float("inf"), "enlarge": float("inf"), "encode": float("inf")},
        )
        for _ in range(ROUNDS):
            whole = min(whole, seconds(lambda: enlarge(short, home / "out.mp4")))
            for stage, taken in alone(short, home).items():
                stages[stage] = min(stages[stage], taken)
        peaks = [peak(clip, home / f"{clip.stem}-out.mp4") for clip in (short, long)]
    slowest = max(stages, key=lambda stage: stages[stage])
    ratio, growth = whole / stages[slowest], peaks[1] / peaks[0]
    print(
        f"video_upscale  whole {whole:.2f} s  slowest stage ({slowest}) {stages[slowest]:.2f} s  ratio {ratio:.2f}  "
        f"goal <= {GOAL:g}  memory 3 s {peaks[0] / 1024:.0f} MiB, 60 s {peaks[1] / 1024:.0f} MiB, ratio {growth:.3f}  "
        f"goal <= {GOAL_MEMORY:g}  (stages: {', '.join(f'{key} {value:.2f} s' for key, value in stages.items())})"
    )
    return int(ratio > GOAL or growth > GOAL_MEMORY)


def write_clip(place: Path, length: int) -> Path:
    """Write a clip of moving noise with a tone."""
    import av
    import numpy as np

    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    with av.open(str(place), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for number in range(RATE * length):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, number, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for _ in range(length):
            wave = np.sin(np.arange(44100) * 0.06).astype(np.float32)[None]
            chunk = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
            chunk.sample_rate = 44100
            container.mux(sound.encode(chunk))
        container.mux(sound.encode())
    return place


def upscaler() -> Any:
    """Return the bundled network."""
    import diorama_local_diffusers
    import torch
    from diorama_local_diffusers.upscale.pictures import TILE, Upscaler
    from diorama_local_diffusers.upscale.weights import open_network

    torch.set_num_threads(1)
    weights = Path(diorama_local_diffusers.__file__).parent / "pocket_upscale" / "pocket-upscale.safetensors"
    network, shape = open_network(weights, "cpu", torch.float32)
    return Upscaler(network.eval(), shape, "cpu", torch.float32, TILE, False)


def enlarge(source: Path, target: Path) -> None:
    """The whole way."""
    from diorama.contract import Capabilities, ModelInfo, Operation
    from diorama.testing.context import RecordingJobContext
    from diorama_local_diffusers.upscale.videos import upscale_video

    model = ModelInfo(id="local:bench", title="Bench", operations={Operation.UPSCALE: Capabilities()})
    upscale_video(upscaler(), source, target, SCALE, RecordingJobContext(model, target.parent))


def alone(source: Path, home: Path) -> dict[str, float]:
    """Return the seconds of each stage by itself, over the same frames."""
    import numpy as np
    from diorama_local_diffusers.upscale import videos
    from PIL import Image

    frames: Queue[Any] = Queue()
    taken = {"decode": seconds(lambda: videos._decode(source, frames, Event()))}
    pictures = [frames.get() for _ in range(frames.qsize() - 1)]
    network, made = upscaler(), []

    def each() -> None:
        for pixels in pictures:
            made.append(np.asarray(network.picture(Image.fromarray(pixels), SCALE, lambda done, total: None)))

    taken["enlarge"] = seconds(each)
    queue: Queue[Any] = Queue()
    for item in (*made, videos._END):
        queue.put(item)
    taken["encode"] = seconds(
        lambda: videos._encode(source, home / "alone.mp4", Fraction(RATE), queue, Event())
    )
    return taken


def seconds(action: Callable[[], object]) -> float:
    """Return the time of an action."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def peak(source: Path, target: Path) -> int:
    """Return the peak of resident memory of a process that enlarges a clip, in KiB."""
    command = [sys.executable, "-c", PEAK, str(source), str(target), str(Path(__file__).resolve().parent)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
