"""What becomes of a job when its state, its notes or its result cannot be stored."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress

import pytest
from diorama.contract import (
    BackendError,
    JobCancelled,
)
from diorama.jobs.records import JobStatus


@pytest.mark.parametrize("model_id", ["local:a", "paid:m"])
def test_a_job_whose_start_cannot_be_stored_fails_and_is_not_run(world, monkeypatch, model_id):
    touch, full = world.queue.ledger.touch, iter([True])

    def refuse(job):
        if next(full, False):
            raise OSError(28, "No space left on device")
        return touch(job)

    monkeypatch.setattr(world.queue.ledger, "touch", refuse)
    job = world.submit("picture", model_id)
    done = world.queue.wait(job.id, 10)
    assert (done.status, done.error["code"]) == (JobStatus.FAILED, "insufficient_storage")
    assert world.executor.started == []
    assert world.queue.wait(world.submit("picture", model_id).id, 10).status is JobStatus.COMPLETED


def test_a_job_that_cannot_go_back_to_the_queue_fails(world, monkeypatch):
    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.queue.ledger, "requeue", refuse)
    job = world.submit("dies")
    done = world.queue.wait(job.id, 10)
    assert (done.status, done.error["code"]) == (JobStatus.FAILED, "insufficient_storage")


@pytest.mark.parametrize("moment", ["first", "second"])
def test_a_disk_that_is_full_while_saving_fails_the_job_and_leaves_nothing(world, moment):
    place, left = world.assets.place, iter([True] * (moment == "second"))

    def full(*values, **more):
        if next(left, False):
            return place(*values, **more)
        raise OSError(28, "No space left on device")

    world.assets.place = full
    done = world.queue.wait(world.submit("picture").id, 10)
    assert (done.status, done.error["code"], done.asset_ids) == (JobStatus.FAILED, "insufficient_storage", ())
    assert world.assets.list().items == ()
    assert [path for path in world.settings.assets_dir.rglob("*") if path.is_file()] == []
    world.assets.place = place
    assert world.queue.wait(world.submit("picture").id, 10).status is JobStatus.COMPLETED


def test_a_paid_result_that_finds_no_room_waits_and_is_not_bought_again(world):
    place, purchases = world.assets.place, world.settings.data_dir / "purchases"

    def full(*values, **more):
        raise OSError(28, "No space left on device")

    world.assets.place = full
    job = world.submit("buy", "paid:m")
    world.until(lambda: world.queue.job(job.id).held)
    assert "free some disk space" in world.queue.job(job.id).wait_reason
    assert world.assets.list().items == ()
    world.assets.place = place
    world.queue.release(job.id)
    done = world.queue.wait(job.id, 10)
    assert (done.status, len(done.asset_ids)) == (JobStatus.COMPLETED, 2)
    assert purchases.read_text().split() == [job.id]


def test_a_job_waits_for_a_person_also_when_that_cannot_be_stored(world, monkeypatch):
    requeue = world.queue.ledger.requeue

    def refuse(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.queue.ledger, "requeue", refuse)
    job = world.submit("unsure", "paid:m")
    world.until(lambda: world.queue.job(job.id).held)
    assert world.queue.ledger.get(job.id).status is JobStatus.GENERATING  # as a restart finds it
    monkeypatch.setattr(world.queue.ledger, "requeue", requeue)
    world.executor.works["unsure"] = world.executor.works["picture"]
    world.queue.release(job.id)
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED


def test_a_note_that_cannot_be_stored_is_written_later(world, monkeypatch):
    """What a provider has taken is not given up for a full disk; the ledger learns of it as soon as there is room."""
    remember, room = world.queue.ledger.remember, threading.Event()

    def refuse(*values):
        if room.is_set():
            return remember(*values)
        full = Future()
        full.set_exception(OSError(28, "No space left on device"))
        return full

    def stubborn(task, sink):
        with suppress(BackendError):
            sink.remember({"request_id": "r-1"})
        while not sink.cancel.wait(0.01):
            sink.progress("generating", 0.5, "", {})
        raise JobCancelled

    monkeypatch.setattr(world.queue.ledger, "remember", refuse)
    world.executor.works["stubborn"] = stubborn
    job = world.submit("stubborn", "paid:m")
    world.running(job)
    assert world.queue.ledger.get(job.id).memory == {}
    room.set()
    world.until(lambda: world.queue.ledger.get(job.id).memory == {"request_id": "r-1"})
    world.queue.cancel(job.id)
    world.queue.wait(job.id, 10)
