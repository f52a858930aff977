"""The engine's beginning and end: what was opened is closed, whatever goes wrong on the way."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import FetchedFile, InvalidRequest
from diorama.engine import LISTING_SECONDS, Engine
from diorama.jobs.submission import Submission
from diorama.lock import DataLock
from diorama.settings import load_settings
from diorama.testing import sample_image


@pytest.fixture
def settings(tmp_path: Path) -> Any:
    return load_settings(
        {"DIORAMA_HOME": str(tmp_path), "DIORAMA_PLUGINS_ALLOW": "none", "DIORAMA_KEYRING": "0"}
    )


def writers() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "diorama-writer"}


def test_a_start_that_fails_leaves_nothing_open(settings: Any) -> None:
    before = writers()
    settings.config_dir.mkdir(parents=True)
    settings.prices_file.write_text("this is [ no toml")
    engine = Engine(settings)
    with pytest.raises(InvalidRequest, match="not valid TOML"):
        engine.start()
    assert writers() == before
    settings.prices_file.unlink()
    with engine:  # the data directory is free, and the same object starts
        assert engine.status()["queue"]["running"] == 0
    assert writers() == before


def test_a_part_that_fails_to_end_stops_no_other(settings: Any) -> None:
    before = writers()
    engine = Engine(settings).start()
    close = engine.executor.close

    def broken() -> None:
        close()
        raise OSError("the worker does not answer")

    engine._ending.callback(broken)
    with pytest.raises(OSError, match="does not answer"):
        engine.close()
    assert writers() == before
    other = DataLock(settings.data_dir)
    other.take()
    other.release()
    engine.close()  # a second time does nothing


def test_what_listings_fetch_does_not_pile_up(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from diorama import engine as module

    class Fetching:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def fetch(self, url: str, *, work_dir: Path) -> FetchedFile:
            path = work_dir / f"fetched-{len(list(work_dir.iterdir()))}"
            path.write_bytes(b"x")
            return FetchedFile(path=path, mime="", size=1)

    monkeypatch.setattr(module, "SafeFetch", Fetching)
    engine = Engine(settings)
    first = engine._fetch_for_listing("shop", "https://shop.test/1").path
    second = engine._fetch_for_listing("shop", "https://shop.test/2").path
    assert first.exists(), "one listing may read several"
    os.utime(first, (1, 1))
    engine._fetch_for_listing("shop", "https://shop.test/3")
    assert (first.exists(), second.exists()) == (False, True)
    assert LISTING_SECONDS > 60


def test_looking_runs_no_job_that_was_left_waiting(make_engine: Any, ask: Any) -> None:
    engine = make_engine({"fake": {}})
    engine.queue.pause()
    waiting = engine.submit(ask())
    engine.close()
    engine.start(work=False)
    engine.queue.resume()
    assert [job.id for job in engine.jobs().items] == [waiting.id]
    assert engine.catalog.models()
    assert engine.status()["queue"]["waiting"] == engine.status()["queue"]["running"] == 0
    assert engine.job(waiting.id).status.value == "queued"
    new = engine.submit(ask())
    assert {engine.wait(job.id, 30).status.value for job in (waiting, new)} == {"completed"}


def test_an_input_goes_with_the_last_that_names_it_and_a_retry_without_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"DIORAMA_HOME": str(tmp_path), "DIORAMA_PLUGINS_ALLOW": "none", "DIORAMA_KEYRING": "0"}
    settings = load_settings(environ, backends={"fake": {"plugin": "diorama.testing.fake:create"}})

    def opened() -> Engine:
        return Engine(settings).start()

    with opened() as engine:
        picture = sample_image(tmp_path, size=(64, 64), color="red")
        media = engine.take_in(Path(picture.path))
        edit = Submission(kind="edit", model="fake:edit", prompt="make it blue", images=(media,))
        job = engine.wait(engine.submit(edit).id, 60)
        assert job.status.value == "completed", job.error
        engine.wait(engine.retry(job.id).id, 60)
    file = Path(media.path)
    os.utime(file, (1, 1))
    with opened():
        assert file.is_file()
    with opened() as engine:
        kept = file.rename(file.with_suffix(".away"))
        with pytest.raises(InvalidRequest, match="not here any more"):
            engine.retry(job.id)
        kept.rename(file)
        for row in engine.jobs(limit=10).items:
            engine.forget(row.id)
        for asset in engine.assets.list().items:
            engine.assets.purge(asset.id)
    with opened():
        assert file.is_file(), "it was looked at today"
    monkeypatch.setattr("diorama.tidying.EVERY", 0.0)
    with opened() as engine:
        engine.submit(Submission(kind="generate", model="fake:image", prompt="x"))
        deadline = time.monotonic() + 20
        while file.is_file():
            assert time.monotonic() < deadline, "it was not removed"
            time.sleep(0.01)
