from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.assets.files import inside, write_whole
from diorama.assets.metadata import read_metadata
from diorama.assets.recipe import build_recipe
from diorama.assets.records import Asset
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.contract import InsufficientStorage, InvalidRequest, NotFound
from diorama.database.writer import Database
from diorama.ids import first_id_at, id_time, is_id, new_id
from diorama.settings import Settings
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_an_asset_is_a_file_with_its_recipe_a_thumbnail_and_a_row(
    keep: Keep, store: AssetStore, picture: Make
) -> None:
    asset = keep(picture(), seed=7, session_id="s", batch_id="b", owner="ann", facts={"model_revision": "r1"})
    path = store.file(asset.id)
    year_month = time.strftime("%Y/%m", time.gmtime(id_time(asset.id)))
    assert path == store.root / year_month / f"{asset.id}.png"
    assert np.array_equal(np.asarray(Image.open(path)), picture())
    assert read_metadata(path).recipe == asset.recipe
    assert asset.recipe["model_revision"] == "r1"
    assert (asset.kind, asset.mime, asset.width, asset.height, asset.seed) == (
        "image",
        "image/png",
        96,
        64,
        7,
    )
    assert (asset.session_id, asset.batch_id, asset.owner, asset.operation) == ("s", "b", "ann", "generate")
    assert (asset.model, asset.loras, asset.bytes) == ("local:pocket", ("my lora, v2",), path.stat().st_size)
    assert asset.created_at == pytest.approx(time.time(), abs=30)
    with Image.open(store.thumbnail(asset.id)) as thumbnail:
        assert thumbnail.format == "WEBP"
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, f"{asset.id}.thumb.webp"}


def test_a_lost_thumbnail_is_made_again(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    for asset in (keep(picture()), keep(clip, kind="video", fps=8)):
        path = store.thumbnail(asset.id)
        path.unlink()
        with Image.open(store.thumbnail(asset.id)) as again:
            assert again.size == (96, 64)
        path.write_bytes(b"")
        assert store.thumbnail(asset.id).stat().st_size > 0


def test_pages_are_newest_first_and_meet_every_asset_once(
    keep: Keep, store: AssetStore, picture: Make
) -> None:
    made = [keep(picture(8, 8, seed=i)).id for i in range(11)]
    for narrowed in ({}, {"q": "red"}, {"kind": "image"}, {"lora": "my lora, v2"}):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = store.list(limit=4, cursor=cursor, **narrowed)
            seen += ids(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == made[::-1]


def test_a_page_stays_true_while_others_come_and_go(keep: Keep, store: AssetStore, picture: Make) -> None:
    made = [keep(picture(8, 8)).id for _ in range(6)]
    first = store.list(limit=3)
    keep(picture(8, 8))
    store.purge(made[3])
    assert ids(store.list(limit=3, cursor=first.next_cursor)) == made[2::-1]


def test_filters(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    plain = keep(picture(), session_id="one", batch_id="b1", seed=1)
    other = keep(
        picture(40, 40), request={"model": "fal:flux", "prompt": "a whale", "loras": []}, seed=2, owner="bob"
    )
    film = keep(clip, kind="video", fps=8, seed=1)
    store.favourite(other.id)
    cases: list[tuple[dict[str, Any], list[Asset]]] = [
        ({"kind": "video"}, [film]),
        ({"model": "fal:flux"}, [other]),
        ({"lora": "my lora, v2"}, [film, plain]),
        ({"lora": "my lora"}, []),
        ({"lora": "%"}, []),
        ({"seed": 1}, [film, plain]),
        ({"seed": 1, "kind": "image"}, [plain]),
        ({"session_id": "one"}, [plain]),
        ({"batch_id": "b1"}, [plain]),
        ({"job_id": film.job_id}, [film]),
        ({"favourite": True}, [other]),
        ({"favourite": False}, [film, plain]),
        ({"width": 40, "height": 40}, [other]),
        ({"operation": "generate"}, [film, other, plain]),
        ({"operation": "edit"}, []),
        ({"owner": "bob"}, [other]),
        ({"q": "ball", "seed": 1, "kind": "video"}, [film]),
        ({"q": "whale", "favourite": True}, [other]),
        ({"after": plain.created_at}, [film, other, plain]),
        ({"before": plain.created_at}, []),
        ({"after": time.time() + 9}, []),
    ]
    for filters, expected in cases:
        assert ids(store.list(**filters)) == [asset.id for asset in expected], filters
        assert store.count(**filters).number == len(expected), filters
    with pytest.raises(InvalidRequest, match="colour"):
        store.list(colour="red")


def test_search_words(keep: Keep, store: AssetStore, picture: Make) -> None:
    def made(prompt: str) -> str:
        return keep(picture(8, 8), request={"prompt": prompt}).id

    ball, house, both = made("a red ball"), made("Ein rotes Häuschen am Fluß"), made("red house, ball-room")
    every = {ball, house, both}
    found = {
        "red": {ball, both}, "RED ball": {ball, both}, '"red ball"': {ball}, "hauschen": {house}, "häu": {house},
        "ba": {ball, both}, "red -house": {ball}, "-house": set(), "ball-room": {both}, "nothing": set(), "pocket": every,
        "lora": every, "!!!": set(), '"': set(), "* OR NEAR(": set(), "prompt:red": set(), "red AND": set(),
        "' OR 1=1 --": set(), "": every, "\0": set(), "red\0": {ball, both}, "\ud800": set(), "x" * 5000: set(),
    }  # fmt: skip
    for words, expected in found.items():
        assert set(ids(store.list(q=words))) == expected, words
    store.rename(ball, "Sunset \x1b[31m 夕日")
    assert ids(store.list(q="sunset")) == [ball]
    store.rename(ball, None)
    assert ids(store.list(q="sunset")) == []
    store.purge(both)
    assert ids(store.list(q="house")) == []


@hypothesis_settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(max_size=60) | st.text(alphabet='"-*():^+ ANDORNTabc', max_size=40))
def test_no_search_text_breaks_the_query(store: AssetStore, words: str) -> None:
    store.list(q=words, lora=words)
    store.count(q=words)


def test_the_text_index_survives_vacuum(
    keep: Keep, store: AssetStore, database: Database, picture: Make
) -> None:
    first, second = (
        keep(picture(8, 8), request={"prompt": "first"}),
        keep(picture(8, 8), request={"prompt": "second"}),
    )
    store.purge(first.id)
    raw = database.engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
    finally:
        raw.close()
    assert ids(store.list(q="second")) == [second.id]


@pytest.mark.parametrize("cursor", ["", "x", "0", "9" * 30, "' OR 1", "../", "\0"])
def test_foreign_cursors_are_refused(store: AssetStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        store.list(cursor=cursor)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize("limit", [0, -1, 501, 10**9])
def test_limits_of_a_page(store: AssetStore, limit: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        store.list(limit=limit)
    assert caught.value.field == "limit"


def test_counting_is_bounded(
    keep: Keep, store: AssetStore, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        keep(picture(8, 8))
    assert (store.count().number, store.count().exact) == (4, True)
    monkeypatch.setattr("diorama.assets.query.COUNT_LIMIT", 3)
    assert (store.count().number, store.count().exact) == (3, False)


def test_trash_restore_purge(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset, kept = keep(picture()), keep(picture())
    path, thumbnail = store.file(asset.id), store.thumbnail(asset.id)
    assert store.trash(asset.id).trashed_at is not None
    assert ids(store.list()) == [kept.id]
    assert ids(store.list(trashed=True)) == [asset.id]
    assert path.exists()
    assert store.restore(asset.id).trashed_at is None
    assert ids(store.list()) == [kept.id, asset.id]
    store.trash(asset.id)
    assert store.empty_trash(before=time.time() - 60) == 0
    assert store.empty_trash() == 1
    assert not path.exists()
    assert not thumbnail.exists()
    for action in (
        store.get,
        store.file,
        store.thumbnail,
        store.trash,
        store.restore,
        store.favourite,
        store.purge,
        store.as_input,
        store.export,
    ):
        with pytest.raises(NotFound):
            action(asset.id)
    assert store.file(kept.id).exists()


def test_titles(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset = keep(picture())
    assert store.rename(asset.id, "Home").title == "Home"
    assert store.rename(asset.id, "").title is None
    with pytest.raises(InvalidRequest) as caught:
        store.rename(asset.id, "x" * 201)
    assert caught.value.field == "title"


@hypothesis_settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.text(max_size=40)
    | st.sampled_from(
        [
            "../../etc/passwd",
            "..%2f..",
            "a\0b",
            "C:\\x",
            "\\\\host\\x",
            "x:stream",
            "‮gnp.exe",
            "." * 300,
            "0" * 26 + "\n",
        ]
    )
)
def test_no_text_but_an_id_reaches_a_file(store: AssetStore, text: str) -> None:
    if is_id(text):
        return
    for action in (
        store.get,
        store.file,
        store.thumbnail,
        store.export,
        store.trash,
        store.restore,
        store.purge,
        store.as_input,
    ):
        with pytest.raises(NotFound) as caught:
            action(text)
        assert not text.strip() or len(text) < 3 or text not in caught.value.message


@pytest.mark.parametrize(
    "relative",
    [
        "../outside.png",
        "/etc/passwd",
        "2026/../../outside.png",
        "link/inner.png",
        "link.png",
        "2026/11/\0",
        "missing.png",
        ".",
        "",
    ],
)
def test_nothing_outside_is_opened_and_no_link_followed(tmp_path: Path, relative: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "elsewhere"
    (root / "2026").mkdir(parents=True)
    outside.mkdir()
    for path in (outside / "inner.png", tmp_path / "outside.png"):
        path.write_bytes(b"secret")
    (root / "link").symlink_to(outside)
    (root / "link.png").symlink_to(outside / "inner.png")
    with pytest.raises(NotFound):
        inside(root, relative)


def test_a_data_folder_behind_a_link_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(b"x")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "root", "a.png").read_bytes() == b"x"


def test_a_path_in_a_row_that_was_tampered_with_opens_nothing(
    keep: Keep, store: AssetStore, database: Database, picture: Make
) -> None:
    from diorama.database.tables import assets

    asset = keep(picture())
    database.write(
        lambda c: c.execute(assets.update().values(path="../diorama.sqlite", thumbnail="../diorama.sqlite"))
    ).result()
    for action in (store.file, store.export, store.as_input, store.thumbnail):
        with pytest.raises(NotFound):
            action(asset.id)


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


def test_exports(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    asset = keep(picture())
    same, mime = store.export(asset.id)
    assert (same, mime) == (store.file(asset.id), "image/png")
    for name, kind in (
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("webp", "image/webp"),
    ):
        for metadata in (True, False):
            content, mime = store.export(asset.id, name, metadata=metadata)
            data = content if isinstance(content, bytes) else content.read_bytes()
            assert mime == kind
            assert (read_metadata(data).recipe == asset.recipe) is metadata
            assert (b"red ball" in data) is metadata
            with Image.open(io.BytesIO(data)) as opened:
                assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - picture()).mean() < (
                    1 if name == "png" else 6
                )
    film = keep(clip, kind="video", fps=8)
    bare, mime = store.export(film.id, metadata=False)
    assert mime == "video/mp4"
    assert isinstance(bare, bytes)
    assert read_metadata(bare).recipe is None
    for bad in ("gif", "exe", "../png"):
        with pytest.raises(InvalidRequest) as caught:
            store.export(asset.id, bad)
        assert caught.value.field == "format"
    with pytest.raises(InvalidRequest):
        store.export(film.id, "png")


def test_a_zip_is_streamed(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    made = [keep(picture(seed=1)), keep(clip, kind="video", fps=8), keep(picture(seed=2))]
    pieces = list(store.export_zip([asset.id for asset in made] + [made[0].id]))
    assert len(pieces) >= 3
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [store.file(asset.id).name for asset in made]
        assert archive.read(archive.namelist()[1]) == store.file(made[1].id).read_bytes()
    store.file(made[0].id).unlink()
    with zipfile.ZipFile(
        io.BytesIO(b"".join(store.export_zip([asset.id for asset in made], "jpeg", metadata=False)))
    ) as archive:
        assert archive.namelist() == [f"{made[1].id}.mp4", f"{made[2].id}.jpg", "MISSING.txt"]
        assert made[0].id.encode() in archive.read("MISSING.txt")
    with pytest.raises(NotFound):
        store.export_zip([new_id()])


def test_an_asset_becomes_an_input(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset = keep(picture())
    given_back = store.as_input(asset.id)
    assert (given_back.asset_id, given_back.sha256, given_back.width) == (asset.id, asset.sha256, 96)
    assert np.array_equal(np.asarray(given_back.load_image()), picture())
    child = keep(
        picture(),
        request={"images": [{"path": given_back.path, "sha256": asset.sha256, "asset_id": asset.id}]},
    )
    assert child.parents == (asset.id,)


def test_many_threads_at_once(keep: Keep, store: AssetStore, picture: Make) -> None:
    made: list[str] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(5):
                asset = keep(picture(8, 8), position=number * 5 + i)
                made.append(store.favourite(asset.id).id)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert set(ids(store.list(favourite=True))) == set(made)


def test_ids_tell_their_time() -> None:
    fresh = new_id()
    assert id_time(fresh) == pytest.approx(time.time(), abs=5)
    assert first_id_at(id_time(fresh)) <= fresh < first_id_at(id_time(fresh) + 0.002)
    assert is_id(first_id_at(0))


def test_rows_mirror_the_table() -> None:
    from dataclasses import fields

    from diorama.database.tables import assets

    assert {item.name for item in fields(Asset)} == set(assets.c.keys()) - {"number"}
    assert replace(Asset(id="x", kind="image", mime="", path="", bytes=0, sha256=""), seed=1).seed == 1


def test_queries_are_valid_for_postgresql_too() -> None:
    from diorama.assets.query import _narrowed, _search
    from diorama.assets.records import Filters
    from diorama.database.tables import assets
    from sqlalchemy import select
    from sqlalchemy.dialects import postgresql

    filters = Filters(q="red -ball", lora="x", favourite=True)
    statement = _narrowed(select(assets.c.id), filters, _search(filters), "postgresql")
    dialect: Any = postgresql.dialect  # its constructor is not typed
    shown = str(statement.compile(dialect=dialect()))
    assert "websearch_to_tsquery" in shown
    assert "assets_text" not in shown
