"""Two writers at once, what a crash leaves among the inputs, and numbers that no column holds."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from diorama.assets.files import write_whole
from diorama.assets.recipe import build_recipe
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.settings import Settings
from PIL import Image


def test_two_who_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    target, half, go = tmp_path / "a.png", threading.Event(), threading.Event()

    def slowly(path: Path) -> None:
        path.write_bytes(b"sa")
        half.set()
        assert go.wait(20)
        path.write_bytes(b"same")

    first = threading.Thread(target=write_whole, args=(target, slowly))
    first.start()
    assert half.wait(10)
    write_whole(target, lambda path: path.write_bytes(b"same"))
    assert target.read_bytes() == b"same"
    go.set()
    first.join(20)
    assert target.read_bytes() == b"same"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_the_sweep_takes_half_written_inputs_and_leaves_whole_ones(
    store: AssetStore, settings: Settings
) -> None:
    folder = settings.inputs_dir
    folder.mkdir(parents=True, exist_ok=True)
    for name in (".x.png.1234.tmp", "x.png"):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (1, 1))
    store.sweep()
    assert [entry.name for entry in folder.iterdir()] == ["x.png"]


@pytest.mark.parametrize("seed", [2**64 - 1, 2**63, -(2**63) - 1])
def test_a_seed_too_large_for_a_column_costs_no_picture(
    store: AssetStore, settings: Settings, database: Database, seed: int
) -> None:
    staged = stage(Image.new("RGB", (8, 8), "red"), index=0, work_dir=settings.work_dir, seed=seed)
    row = store.place(staged, build_recipe({"kind": "generate", "model": "a:b"}, staged, {}), new_id())
    database.write(lambda connection: store.insert(connection, [row])).result()
    asset = store.get(row["id"])
    assert (asset.seed, asset.recipe["seed"]) == (None, seed)
