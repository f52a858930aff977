"""Inputs go when nothing names them any more, and never before."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from diorama.assets import leftovers
from diorama.assets.intake import take_in
from diorama.assets.recipe import build_recipe
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.contract import MediaInput, to_plain
from diorama.database.tables import jobs, sessions
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.jobs.submission import Submission
from diorama.settings import Settings
from PIL import Image

LONG_AGO = 1_000_000.0


@pytest.fixture
def given(settings: Settings, tmp_path: Path) -> Any:
    """Hand in a picture of a colour; it lies there since long ago."""

    def make(colour: str, *, fresh: bool = False) -> MediaInput:
        path = tmp_path / f"{colour}.png"
        Image.new("RGB", (8, 8), colour).save(path)
        media = take_in(path, settings)
        if not fresh:
            os.utime(media.path, (LONG_AGO, LONG_AGO))
        return media

    return make


@pytest.fixture
def clean(database: Database, settings: Settings) -> Any:
    return lambda: leftovers.remove_unneeded(database, settings.inputs_dir, time.time() - 3600)


def add_job(database: Database, request: Any, asked: Any) -> str:
    from diorama.contract.plain import dumps

    row = {"id": new_id(), "kind": "edit", "status": "completed", "model": "a:b", "lane": "a", "created_at": 1.0,
           "request": dumps(request).decode(), "asked": dumps(asked).decode()}  # fmt: skip
    database.write(lambda connection: connection.execute(jobs.insert().values(row))).result()
    return row["id"]


def there(*media: MediaInput) -> list[bool]:
    return [Path(item.path).is_file() for item in media]


def test_what_a_job_a_recipe_or_a_session_names_stays(
    given: Any, clean: Any, database: Database, store: AssetStore, settings: Settings
) -> None:
    names = ("red", "green", "blue", "white", "black")
    by_request, by_asked, by_recipe, by_session, nobody = (given(name) for name in names)
    job_id = add_job(database, {"images": [to_plain(by_request)]}, to_plain(Submission(mask=by_asked)))
    staged = stage(Image.new("RGB", (8, 8)), index=0, work_dir=settings.work_dir)
    recipe = build_recipe({"kind": "edit", "request": {"images": [to_plain(by_recipe)]}}, staged, {})
    row = store.place(staged, recipe, new_id())
    session = {
        "id": "s",
        "state": f'{{"draft": "{by_session.sha256}"}}',
        "created_at": 1.0,
        "updated_at": 1.0,
    }
    database.write(lambda c: (store.insert(c, [row]), c.execute(sessions.insert().values(session)))).result()

    size = Path(nobody.path).stat().st_size
    assert clean() == (1, size)
    assert there(by_request, by_asked, by_recipe, by_session, nobody) == [True, True, True, True, False]
    assert clean() == (0, 0)

    database.write(lambda c: c.execute(jobs.delete().where(jobs.c.id == job_id))).result()
    assert clean()[0] == 2
    store.purge(row["id"])
    assert clean()[0] == 1
    assert there(by_request, by_asked, by_recipe, by_session) == [False, False, False, True]


def test_what_came_or_was_used_shortly_ago_stays(given: Any, clean: Any, settings: Settings) -> None:
    fresh, again = given("red", fresh=True), given("blue")
    assert take_in(Path(again.path), settings).path == again.path  # the same picture once more
    assert clean() == (0, 0)
    assert there(fresh, again) == [True, True]


def test_foreign_names_and_links_are_left_alone(given: Any, clean: Any, settings: Settings) -> None:
    folder, kept = settings.inputs_dir, given("red", fresh=True)
    (folder / "notes.txt").write_text("mine")
    os.utime(folder / "notes.txt", (LONG_AGO, LONG_AGO))
    (folder / f"{'ab' * 32}.png").symlink_to(kept.path)
    os.utime(folder / f"{'ab' * 32}.png", (LONG_AGO, LONG_AGO), follow_symlinks=False)
    assert clean() == (0, 0)
    assert len(list(folder.iterdir())) == 3


def test_many_rows_are_read_in_pages(
    given: Any, clean: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "PAGE", 2)
    media = [given(name) for name in ("red", "green", "blue", "white", "black")]
    for item in media:
        add_job(database, {"media": to_plain(item)}, {})
    assert clean() == (0, 0)
    assert all(there(*media))


def test_one_that_is_handed_in_again_during_the_search_stays(
    given: Any, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    media = given("red")

    def late(*_: Any) -> Any:
        take_in(Path(media.path), settings)
        return iter(())

    monkeypatch.setattr(leftovers, "_naming", late)
    assert leftovers.remove_unneeded(database, settings.inputs_dir, time.time() - 3600) == (0, 0)
    assert there(media) == [True]


def test_a_kill_in_the_middle_leaves_the_rest_for_the_next_time(
    given: Any, clean: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    media, unlink, left = [given("red"), given("blue")], Path.unlink, iter([True])

    def once(path: Path, *values: Any) -> None:
        if not next(left, False):
            raise KeyboardInterrupt
        unlink(path, *values)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", once)
        with pytest.raises(KeyboardInterrupt):
            clean()
    assert sum(there(*media)) == 1
    assert clean()[0] == 1
