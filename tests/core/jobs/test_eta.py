"""What a run of a kind that was, or was not quite, seen before is expected to take."""

from __future__ import annotations

from typing import Any

import pytest
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.jobs.eta import KINDS, RunTimes
from diorama.jobs.ledger import Ledger
from diorama.jobs.records import Job, JobKind
from diorama.jobs.work import read, work_of


@pytest.fixture
def database(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'd.sqlite'}")
    migrate(engine)
    database = Database(engine)
    yield database
    database.close()


@pytest.fixture
def times(database):
    return RunTimes(Ledger(database))


def job(kind: str = "generate", lane: str = "cpu", model: str = "local:m", **request: Any) -> Job:
    shape = {"width": 512, "height": 512, "num_inference_steps": 20, "num_images": 1}
    return Job(id="", kind=JobKind(kind), model=model, lane=lane, request={**shape, **request})


def ran(times: RunTimes, seconds: float, **request: Any) -> None:
    times.measured(job(**request), {"loading_model": 50.0, "generating": seconds})


def test_the_same_work_takes_its_mean(times):
    assert times.mean(job()) is None
    ran(times, 8.0)
    ran(times, 10.0)
    assert times.mean(job()) == 9.0


@pytest.mark.parametrize(
    ("request_", "seconds"),
    [
        ({"num_inference_steps": 40}, 20.0),
        ({"width": 1024, "height": 1024}, 40.0),
        ({"num_images": 4}, 40.0),
        ({"width": 256, "height": 256, "num_inference_steps": 10}, 1.25),
    ],
)
def test_another_size_is_scaled(times, request_, seconds):
    ran(times, 10.0)
    assert times.mean(job(**request_)) == pytest.approx(seconds)


def test_the_nearest_size_is_the_one_that_is_scaled(times):
    ran(times, 10.0)
    ran(times, 100.0, width=1024, height=1024)
    assert times.mean(job(width=1024, height=1024, num_inference_steps=22)) == pytest.approx(110.0)


def test_videos_grow_with_their_frames_and_upscales_with_their_output(times):
    ran(times, 10.0, kind="video", num_images=None, num_frames=16)
    assert times.mean(job("video", num_images=None, num_frames=64)) == pytest.approx(40.0)
    media = {"width": 100, "height": 100}
    ran(times, 2.0, kind="upscale", media=media, scale=2.0)
    assert times.mean(job("upscale", media=media, scale=4.0)) == pytest.approx(8.0)


def test_a_change_by_strength_runs_that_part_of_the_steps(times):
    ran(times, 10.0, kind="edit", strength=1.0)
    assert times.mean(job("edit", strength=0.5)) == pytest.approx(5.0)


@pytest.mark.parametrize(
    "other",
    [
        {"parameters": {"delay": 3}},
        {"kind": "edit"},
        {"lane": "cuda:0"},
        {"model": "local:other"},
        {"num_inference_steps": None},
        {"width": 8192, "height": 8192},
    ],
)
def test_what_cannot_be_compared_is_not_guessed(times, other):
    ran(times, 0.1, parameters={"delay": 0})
    assert times.mean(job(**({"parameters": {"delay": 0}} | other))) is None


def test_a_long_text_among_the_parameters_costs_no_time(times):
    ran(times, 4.0, parameters={"note": "x" * 100, "quality": "high"})
    assert times.mean(job(parameters={"note": "y" * 90, "quality": "high"})) == 4.0
    assert times.mean(job(parameters={"note": "y" * 90, "quality": "low"})) is None


def test_before_a_device_is_chosen_any_device_counts(times):
    ran(times, 4.0, lane="cuda:1")
    assert times.mean(job(lane="devices")) == 4.0
    assert times.mean(job(lane="")) == 4.0


def test_what_was_measured_outlives_a_restart(times, database):
    ran(times, 4.0, parameters={"text": "a | b"})
    ledger = Ledger(database)
    ledger.store_run_time("local:m", "generate 512x512 20 1", 1.0, 1).result()  # as another version wrote it
    again = RunTimes(ledger)
    again.load()
    assert again.mean(job(parameters={"text": "a | b"})) == 4.0
    assert again.typical() == {"local:m": 4.0}
    assert read(work_of(job()).key) == work_of(job())


def test_endless_variety_takes_no_endless_room(times, database):
    for number in range(KINDS + 20):
        ran(times, 1.0, parameters={"cfg": number})
    database.write(lambda connection: None).result()
    assert len(Ledger(database).run_times()) == KINDS
