"""What a failed write, a rollback or a crash between file and row leaves, and who clears it away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.assets.files import write_whole
from diorama.assets.recipe import build_recipe
from diorama.assets.records import Asset
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.contract import InsufficientStorage
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.settings import Settings

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.png"
    target.write_bytes(b"old")

    def half(path: Path) -> None:
        path.write_bytes(b"ne")
        raise OSError(28, "No space left on device")

    with pytest.raises(InsufficientStorage):
        write_whole(target, half)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    assert target.read_bytes() == b"old"


def test_a_failed_transaction_leaves_no_row_and_the_sweep_takes_the_file(
    store: AssetStore, database: Database, settings: Settings, picture: Make, job: dict[str, Any]
) -> None:
    staged = stage(picture(), index=0, work_dir=settings.work_dir)
    row = store.place(staged, build_recipe(job, staged, {}), new_id(), job=job)

    def fail(connection: Any) -> None:
        store.insert(connection, [row])
        raise RuntimeError("the job was cancelled")

    with pytest.raises(RuntimeError):
        database.write(fail).result()
    assert ids(store.list()) == []
    assert store.sweep(before=time.time() + 5).removed_files == 2
    assert not (store.root / row["path"]).exists()


def test_discarded_files_go(
    store: AssetStore, settings: Settings, picture: Make, job: dict[str, Any]
) -> None:
    staged = stage(picture(), index=0, work_dir=settings.work_dir)
    row = store.place(staged, build_recipe(job, staged, {}), new_id(), job=job)
    store.discard([row])
    assert not [path for path in store.root.rglob("*") if path.is_file()]


CRASH = """
import os, signal, sys
import numpy
from pathlib import Path
from diorama.assets.recipe import build_recipe
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.assets import files
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.settings import load_settings
settings = load_settings({"DIORAMA_HOME": sys.argv[1]})
folder = settings.work_dir / "job"
folder.mkdir(parents=True, exist_ok=True)
engine = open_engine(f"sqlite:///{settings.data_dir / 'diorama.sqlite'}")
migrate(engine)
store = AssetStore(Database(engine), settings)
if sys.argv[2] == "half":
    os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
staged = stage(numpy.zeros((9, 9, 3), "u1"), index=0, work_dir=folder)
store.place(staged, build_recipe({"kind": "generate", "model": "a:b"}, staged, {}), new_id())
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("moment", "left"), [("half", 1), ("placed", 2)])
def test_after_a_kill_between_file_and_row_the_sweep_tidies_up(
    tmp_path: Path, settings: Settings, store: AssetStore, keep: Keep, picture: Make, moment: str, left: int
) -> None:
    mine = keep(picture())
    home = settings.data_dir.parent
    done = subprocess.run(
        [sys.executable, "-c", CRASH, str(home), moment], timeout=60, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    report = store.sweep(before=time.time() + 5)
    assert (report.removed_files, report.removed_folders, report.missing) == (left, 1, ())
    assert report.freed_bytes > 0
    assert {path.stem.partition(".")[0] for path in store.root.rglob("*") if path.is_file()} == {mine.id}
    assert store.sweep(before=time.time() + 5).removed_files == 0


def test_the_sweep_leaves_running_jobs_alone_and_tells_of_missing_files(
    store: AssetStore, settings: Settings, keep: Keep, picture: Make, job: dict[str, Any]
) -> None:
    kept, gone = keep(picture()), keep(picture())
    store.file(gone.id).unlink()
    (settings.work_dir / "running").mkdir()
    staged = stage(picture(), index=0, work_dir=settings.work_dir)
    row = store.place(staged, build_recipe(job, staged, {}), new_id(), job=job)
    stray = store.root / "2019" / "01"
    stray.mkdir(parents=True)
    (stray / "old.png").write_bytes(b"x")
    os.utime(stray / "old.png", (1, 1))
    (settings.work_dir / "dead").mkdir()
    os.utime(settings.work_dir / "dead", (1, 1))
    report = store.sweep()
    assert (report.removed_files, report.removed_folders, report.missing) == (1, 1, (gone.id,))
    assert (store.root / row["path"]).exists()
    assert (settings.work_dir / "running").is_dir()
    assert store.file(kept.id).exists()
