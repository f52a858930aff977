from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from diorama.jobs.crash import POINTS
from diorama.jobs.records import JobStatus
from queue_world import World

CHILD = Path(__file__).with_name("queue_world.py")


def child(home: Path, command: str, crash_at: str = "") -> tuple[int, list[dict]]:
    environ = {**os.environ, "DIORAMA_CRASH_AT": crash_at, "OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, str(CHILD), str(home), command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode in (0, -signal.SIGKILL), run.stderr
    return run.returncode, [json.loads(line) for line in run.stdout.splitlines()]


def check(world: World, accepted: list[str]) -> dict[JobStatus, int]:
    """No accepted job is lost, none has assets twice, no asset lacks its file, no file lacks its asset."""
    jobs = world.queue.jobs(limit=100).items
    assert {job.id for job in jobs} >= set(accepted)
    assets = world.assets.list(limit=500).items
    files = {path.name.split(".")[0] for path in world.settings.assets_dir.rglob("*") if path.is_file()}
    assert files == {asset.id for asset in assets}
    for job in jobs:
        mine = {asset.id for asset in assets if asset.job_id == job.id}
        assert mine == set(job.asset_ids)
        assert len(mine) == (2 if job.status is JobStatus.COMPLETED else 0)
        assert all(world.assets.file(asset_id).stat().st_size for asset_id in mine)
    statuses = [job.status for job in jobs]
    return {status: statuses.count(status) for status in set(statuses)}


@pytest.mark.parametrize("place", [point for point in POINTS if point not in ("remembered", "cancelling")])
def test_nothing_is_lost_or_doubled(tmp_path, place):
    code, lines = child(tmp_path, "picture", place + (":2" if place in ("accepted", "after_commit") else ""))
    assert code == -signal.SIGKILL
    accepted = [line["accepted"] for line in lines]
    _, lines = child(tmp_path, "resume")
    assert lines[0]["ready"] < 2.0
    world = World(tmp_path)
    assert set(check(world, accepted)) == {JobStatus.COMPLETED}
    world.close()


def test_a_paid_job_is_bought_once(tmp_path):
    code, _ = child(tmp_path, "buy", "remembered")
    assert code == -signal.SIGKILL
    child(tmp_path, "resume")
    world = World(tmp_path)
    jobs = world.queue.jobs(limit=100).items
    bought = (world.settings.data_dir / "purchases").read_text().split()
    assert len(bought) == len(set(bought))
    for job in jobs:
        assert job.held or job.status is JobStatus.COMPLETED
        assert bought.count(job.id) == (0 if job.held else 1) or job.held
    assert any(job.status is JobStatus.COMPLETED for job in jobs)
    world.close()


def test_a_paid_job_killed_before_its_note_is_not_bought_again(tmp_path):
    code, lines = child(tmp_path, "buy", "leased")
    assert code == -signal.SIGKILL
    child(tmp_path, "resume")
    world = World(tmp_path)
    first = world.queue.job(lines[0]["accepted"]) if lines else world.queue.jobs(limit=100).items[-1]
    assert first.held
    assert "billed" in first.wait_reason
    world.close()


def test_a_cancelled_job_stays_cancelled(tmp_path):
    code, lines = child(tmp_path, "cancel", "cancelling")
    assert code == -signal.SIGKILL
    child(tmp_path, "resume")
    world = World(tmp_path)
    assert check(world, [lines[0]["accepted"]]) == {JobStatus.CANCELLED: 1}
    world.close()
