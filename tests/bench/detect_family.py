"""Telling a model's family from its files, beside reading the tensor names with the safetensors library.

Run it: ``python tests/bench/detect_family.py``. Every stand-in folder, a GGUF file, a checkpoint, and the headers of
full-size FLUX, Wan and Qwen-Image denoisers (sparse files: true names and shapes, no weights). Torch may not be imported
by the side that detects; the files are written by another process. Best of 15 each. Goal: at most 5 ms for the slowest
file.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from diorama_local_diffusers.models.detect import detect

GOAL_MS, ROUNDS = 5.0, 15
WRITE = """
import json, struct, sys
from pathlib import Path
import diffusers, torch
from diorama_local_diffusers.testing.standins import build_standins
root = Path(sys.argv[1])
build_standins(root)
for name in ("FluxTransformer2DModel", "WanTransformer3DModel", "QwenImageTransformer2DModel"):
    with torch.device("meta"):
        tensors = getattr(diffusers, name)().state_dict()
    header, end = {}, 0
    for key, value in tensors.items():
        size = 2 * value.numel()
        header[key] = {"dtype": "BF16", "shape": list(value.shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    with (root / f"full-{name}.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)
"""


def milliseconds(action: Callable[[], object]) -> float:
    """Return the best time of an action: what other programs take away is not its own."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        action()
        taken.append(1e3 * (time.perf_counter() - began))
    return min(taken)


def names(place: Path) -> object:
    """The rival: the names and shapes of one file by the library."""
    from safetensors import safe_open

    with safe_open(place, framework="np") as file:
        return [file.get_slice(key).get_shape() for key in file.keys()]  # noqa: SIM118


def main() -> int:
    """Measure; exit code 1 if the goal is missed or torch was imported."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        subprocess.run([sys.executable, "-c", WRITE, name], check=True, stderr=subprocess.DEVNULL)
        files = [
            *(folder.parent for folder in root.glob("*/model_index.json")),
            *root.glob("tiny-sd.safetensors"),
            *sorted(root.rglob("*.gguf"))[:1],
            *root.glob("full-*.safetensors"),
        ]
        ours = {place: milliseconds(lambda place=place: detect(place)) for place in files}
        slowest = max(ours, key=lambda place: ours[place])
        largest = max(root.glob("full-*.safetensors"), key=lambda place: ours[place])
        peer = milliseconds(lambda: names(largest))
    light = not {"torch", "diffusers", "transformers"} & set(sys.modules)
    print(
        f"detect_family  slowest of {len(files)} ({slowest.name}) {ours[slowest]:.2f} ms, median "
        f"{statistics.median(ours.values()):.2f} ms  safetensors library on {largest.name} {peer:.2f} ms  "
        f"ratio {ours[largest] / peer:.2f}  goal <= {GOAL_MS:g} ms  torch not imported: {light}"
    )
    return int(ours[slowest] > GOAL_MS or not light)


if __name__ == "__main__":
    sys.exit(main())
