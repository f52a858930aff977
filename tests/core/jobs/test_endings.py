"""Endings and other batched writes: what cannot be stored takes nothing else with it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from diorama.contract import Conflict
from diorama.jobs.records import JobStatus
from sqlalchemy import text


def stopped_writer(world):
    """Let the writer thread wait inside a write, so that what follows meets in one commit."""
    go = threading.Event()
    blocked = world.queue.ledger._database.write(lambda connection: go.wait(10))
    return go, blocked


def held_jobs(world, count):
    world.queue.pause()
    return [world.queue.job(world.submit("nothing", "paid:m").id) for _ in range(count)]


def test_endings_of_one_commit_are_told_apart(world):
    ledger, jobs = world.queue.ledger, held_jobs(world, 3)
    over = [replace(job, status=JobStatus.FAILED, finished_at=1.0) for job in jobs]
    ledger.finish(over[1]).result(10)
    go, _ = stopped_writer(world)
    ends = [ledger.finish(job) for job in over]
    go.set()
    ends[0].result(10)
    ends[2].result(10)
    with pytest.raises(Conflict):
        ends[1].result(10)
    assert {ledger.get(job.id).status for job in jobs} == {JobStatus.FAILED}


def test_a_wrong_row_of_an_asset_spoils_only_its_own_job(world):
    ledger, jobs = world.queue.ledger, held_jobs(world, 3)

    def insert(connection, rows):
        if any(row["bad"] for row in rows):
            raise ValueError("no such row")

    go, _ = stopped_writer(world)
    ends = [
        ledger.finish(
            replace(job, status=JobStatus.COMPLETED, finished_at=1.0), [{"bad": number == 1}], insert
        )
        for number, job in enumerate(jobs)
    ]
    go.set()
    assert ends[0].result(10) is ends[2].result(10) is None
    with pytest.raises(ValueError, match="no such row"):
        ends[1].result(10)
    statuses = [ledger.get(job.id).status for job in jobs]
    assert statuses == [JobStatus.COMPLETED, JobStatus.QUEUED, JobStatus.COMPLETED]


def test_writes_work_again_after_a_transaction_was_lost(world):
    ledger, (job, other) = world.queue.ledger, held_jobs(world, 2)

    def lose(connection):
        connection.connection.dbapi_connection.execute("ROLLBACK")
        raise OSError("disk full")

    go, _ = stopped_writer(world)
    lost = [
        ledger._database.write(lose),
        ledger.remember(job.id, {"a": 1}),
        ledger.finish(replace(other, status=JobStatus.FAILED, finished_at=1.0)),
    ]
    go.set()
    for future in lost:
        with pytest.raises(OSError, match="disk full"):
            future.result(10)
    ledger.remember(job.id, {"a": 2}).result(10)
    ledger.finish(replace(other, status=JobStatus.FAILED, finished_at=1.0)).result(10)
    assert (ledger.get(job.id).memory, ledger.get(other.id).status) == ({"a": 2}, JobStatus.FAILED)
    with ledger._database.read() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1
