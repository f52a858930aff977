"""Save a 1024x1024 picture with thumbnail and row, against Pillow's default PNG reopened for its thumbnail.

Run ``python tests/bench/save_png.py``. Both sides take turns in one run. Ours writes the recipe into the file, waits for
the disk twice (file and row) and searches nothing; the rival does neither.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from diorama.assets.recipe import build_recipe
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.settings import load_settings
from PIL import Image

GOAL = 5.0
ROUNDS = 15


def photo(seed: int, side: int = 1024) -> np.ndarray[Any, Any]:
    """Return smooth colours with the grain of a photograph."""
    y, x = np.mgrid[0:side, 0:side]
    smooth = np.stack(
        [128 + 100 * np.sin(x / 90 + seed + i + y / 200) * np.cos(y / (70 + 20 * i)) for i in range(3)], -1
    )
    grain = np.random.default_rng(seed).normal(0, 4, smooth.shape)
    return np.clip(smooth + grain, 0, 255).astype(np.uint8)


def rival(pixels: np.ndarray[Any, Any], folder: Path, name: str) -> Path:
    """Save as most programs do."""
    path = folder / f"{name}.png"
    Image.fromarray(pixels).save(path)
    with Image.open(path) as opened:
        opened.thumbnail((320, 320))
        opened.save(folder / f"{name}.webp", "WEBP", quality=82)
    return path


def main() -> int:
    """Print the figures; the exit status tells whether the goal was reached."""
    with tempfile.TemporaryDirectory(prefix="diorama-bench-") as home:
        settings = load_settings({"DIORAMA_HOME": home})
        settings.work_dir.mkdir(parents=True)
        engine = open_engine(f"sqlite:///{settings.data_dir / 'diorama.sqlite'}")
        migrate(engine)
        database = Database(engine)
        store = AssetStore(database, settings)
        ours, theirs, parts, equal, sizes = [], [], [], True, [0, 0]
        for index in range(-2, ROUNDS):
            pixels = photo(index + 9)
            job = {
                "id": new_id(),
                "kind": "generate",
                "request": {"model": "local:pocket", "prompt": "a picture", "seed": 1},
            }
            start = time.perf_counter()
            staged = stage(pixels, index=0, work_dir=settings.work_dir)
            encoded = time.perf_counter()
            row = store.place(staged, build_recipe(job, staged, {}), new_id(), job=job)
            placed = time.perf_counter()
            database.write(partial(store.insert, rows=[row])).result()
            done = time.perf_counter()
            path = rival(pixels, settings.work_dir, "rival")
            end = time.perf_counter()
            if index < 0:
                continue  # warming up
            ours.append(done - start)
            parts.append((encoded - start, placed - encoded, done - placed))
            theirs.append(end - done)
            sizes = [sizes[0] + store.file(row["id"]).stat().st_size, sizes[1] + path.stat().st_size]
            with Image.open(store.file(row["id"])) as opened:
                equal = equal and np.array_equal(np.asarray(opened), pixels)
        database.close()
    mine, other = statistics.median(ours) * 1000, statistics.median(theirs) * 1000
    shown = [statistics.median(column) * 1000 for column in zip(*parts, strict=True)]
    ratio = other / mine
    print(
        f"ours   {mine:7.1f} ms  (encode {shown[0]:.1f}, place and sync {shown[1]:.1f}, row {shown[2]:.1f})"
    )
    print(f"rival  {other:7.1f} ms  (Pillow default PNG, reopened for its thumbnail)")
    print(
        f"ratio  {ratio:7.1f} x   goal >= {GOAL}x   file size {sizes[0] / sizes[1]:.2f}x   pixels equal: {equal}"
    )
    return 0 if ratio >= GOAL and equal else 1


if __name__ == "__main__":
    sys.exit(main())
