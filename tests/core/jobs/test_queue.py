from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from diorama.contract import (
    BackendError,
    BackendNotReady,
    Conflict,
    InsufficientStorage,
    InvalidRequest,
    JobCancelled,
    JobParked,
    NotFound,
    RateLimited,
    Result,
)
from diorama.jobs.records import JobKind, JobStatus
from diorama.jobs.submission import Submission
from queue_world import model


def test_a_job_leaves_its_assets(world):
    job = world.submit("picture", session_id="s", owner="ann")
    done = world.queue.wait(job.id, 20)
    assert done.status is JobStatus.COMPLETED
    assert (done.progress, done.error, done.attempt) == (100.0, None, 1)
    assert replace(done, request={}) == replace(world.queue.ledger.get(job.id), request={})
    assets = world.assets.list().items
    assert [asset.id for asset in reversed(assets)] == sorted(done.asset_ids)
    assert {asset.job_id for asset in assets} == {job.id}
    assert {asset.seed for asset in assets} == {7, 8}
    assert all(asset.session_id == "s" and asset.owner == "ann" for asset in assets)
    assert all(world.assets.file(asset.id).is_file() for asset in assets)
    assert set(done.timings) >= {"loading_model", "generating", "saving"}
    assert list(world.settings.work_dir.rglob("*.png")) == []


def test_an_accepted_job_is_on_disk_before_anyone_hears_of_it(make_world):
    world = make_world()
    world.queue.pause()
    jobs = world.queue.submit([world.job(priority=2, batch_id="b") for _ in range(3)]).result(10)
    with world.database.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT id FROM jobs ORDER BY position").scalars().all()
    assert stored == [job.id for job in jobs]
    assert [world.queue.job(job.id).queue_position for job in jobs] == [1, 2, 3]
    page = world.queue.jobs(batch_id="b", limit=2)
    assert [job.id for job in page.items] == [jobs[2].id, jobs[1].id]
    rest = world.queue.jobs(batch_id="b", limit=2, cursor=page.next_cursor)
    assert [job.id for job in rest.items] == [jobs[0].id]
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    ("do", "code", "words"),
    [
        ("fail", "out_of_memory", "full"),
        ("bug", "backend_error", "KeyError"),
        ("unknown", "unknown_model", "no"),
    ],
)
def test_a_failure_is_told_in_the_job(world, do, code, words):
    job = world.submit("nothing", "gone:m") if do == "unknown" else world.submit(do)
    done = world.queue.wait(job.id, 10)
    assert done.status is JobStatus.FAILED
    assert done.error["code"] == code
    assert words in done.error["message"]
    assert world.queue.wait(world.submit("nothing").id, 10).status is JobStatus.COMPLETED


def test_the_same_key_gives_the_same_job_also_at_once(world):
    world.queue.pause()

    def submit(_):
        return world.submit(owner="ann", idempotency_key="k").id

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(submit, range(24)))
    assert len(ids) == 1
    assert world.submit(owner="bob", idempotency_key="k").id not in ids
    twice = [world.job(idempotency_key="x"), world.job(idempotency_key="x"), world.job()]
    first, second, other = world.queue.submit(twice).result(10)
    assert first.id == second.id != other.id
    world.queue.resume()
    assert world.queue.wait(next(iter(ids)), 10).status is JobStatus.COMPLETED
    assert world.submit(owner="ann", idempotency_key="k").status is JobStatus.COMPLETED
    assert len(world.executor.started) == 4


def test_cancelling_a_waiting_job_is_durable_at_once(world):
    world.queue.pause()
    job, other = world.submit("picture"), world.submit("picture")
    assert world.queue.cancel(job.id).status is JobStatus.CANCELLED
    assert world.queue.ledger.get(job.id).status is JobStatus.CANCELLED
    assert world.queue.cancel(job.id).status is JobStatus.CANCELLED
    world.queue.resume()
    assert world.queue.wait(other.id, 10).status is JobStatus.COMPLETED
    assert world.executor.started == [other.id]


def test_nothing_appears_after_a_running_job_was_cancelled(world):
    job, other = world.submit("slow_picture"), world.submit("picture")
    world.running(job)
    assert world.queue.cancel(job.id).status is not JobStatus.COMPLETED
    done = world.queue.wait(job.id, 10)
    assert (done.status, done.asset_ids) == (JobStatus.CANCELLED, ())
    assert world.queue.wait(other.id, 10).status is JobStatus.COMPLETED
    assert {asset.job_id for asset in world.assets.list().items} == {other.id}


def test_a_cancel_while_files_are_written_leaves_no_file(world):
    placed, go = threading.Event(), threading.Event()
    place = world.assets.place

    def slowly(*values, **more):
        row = place(*values, **more)
        placed.set()
        assert go.wait(10)
        return row

    world.assets.place = slowly
    job = world.submit("picture")
    assert placed.wait(10)
    assert world.queue.job(job.id).status is JobStatus.SAVING
    world.queue.cancel(job.id)
    go.set()
    assert world.queue.wait(job.id, 10).status is JobStatus.CANCELLED
    assert [path for path in world.settings.assets_dir.rglob("*") if path.is_file()] == []


def test_a_cancel_that_comes_too_late_is_refused(world):
    job = world.submit("picture")
    world.queue.wait(job.id, 10)
    with pytest.raises(Conflict, match="completed"):
        world.queue.cancel(job.id)
    with pytest.raises(NotFound):
        world.queue.cancel("0" * 26)


def test_cancels_at_any_moment_end_in_one_of_two_ways(world):
    for _ in range(60):
        job = world.submit("picture")
        try:
            world.queue.cancel(job.id)
        except Conflict:
            assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED
        done = world.queue.wait(job.id, 10)
        assert len(done.asset_ids) == (2 if done.status is JobStatus.COMPLETED else 0)
        assert done.status in (JobStatus.COMPLETED, JobStatus.CANCELLED)
    shown = {asset.job_id for asset in world.assets.list(limit=500).items}
    completed = world.queue.jobs(status="completed", limit=100).items
    assert shown == {job.id for job in completed}


def test_the_lane_does_not_wait_for_the_disk(world):
    go, place = threading.Event(), world.assets.place

    def slowly(*values, **more):
        assert go.wait(10)
        return place(*values, **more)

    world.assets.place = slowly
    first, second = world.submit("picture"), world.submit("nothing")
    assert world.queue.wait(second.id, 10).status is JobStatus.COMPLETED
    assert world.queue.job(first.id).status is JobStatus.SAVING
    go.set()
    assert world.queue.wait(first.id, 10).status is JobStatus.COMPLETED


def test_completion_and_assets_are_one_transaction(world):
    insert = world.assets.insert

    def broken(connection, rows):
        insert(connection, rows)
        raise OSError(28, "No space left on device")

    world.assets.insert = broken
    done = world.queue.wait(world.submit("picture").id, 10)
    assert done.status is JobStatus.FAILED
    assert done.error["code"] == "insufficient_storage"
    assert world.assets.list().items == ()
    assert [path for path in world.settings.assets_dir.rglob("*") if path.is_file()] == []


def test_a_worker_that_dies_costs_one_more_attempt(world):
    job = world.submit("dies")
    done = world.queue.wait(job.id, 10)
    assert (done.status, done.attempt) == (JobStatus.FAILED, 2)
    assert world.executor.started == [job.id, job.id]


def test_a_remote_job_that_remembered_is_asked_for_again_three_times(world):
    memories = []

    def buys_and_is_down(task, sink):
        memories.append(dict(task.memory))
        sink.remember({"request_id": "r"})
        raise BackendError("It does not answer.", retryable=True, retry_after=0.0)

    world.executor.works["down"] = buys_and_is_down
    done = world.queue.wait(world.submit("down", "paid:m").id, 10)
    assert (done.status, done.attempt) == (JobStatus.FAILED, 1)
    assert memories == [{}] + [{"request_id": "r"}] * 3
    assert world.queue.ledger.get(done.id).memory == {"request_id": "r"}


def test_a_remote_job_that_comes_back_ends_once(world):
    tries = []

    def down_twice(task, sink):
        tries.append(task.work_dir)
        sink.remember({"request_id": "r"})
        result = world.executor.works["picture"](task, sink)
        if len(tries) < 3:
            raise RateLimited("Slowly.", retry_after=0.0)
        return result

    world.executor.works["down"] = down_twice
    done = world.queue.wait(world.submit("down", "paid:m").id, 10)
    assert (done.status, len(tries), len(set(tries))) == (JobStatus.COMPLETED, 3, 3)
    assert (
        len(world.assets.list().items) == len(done.asset_ids) == 2
    )  # what the first tries had saved is not kept


def test_a_job_that_rests_keeps_no_thread_and_is_cancelled_at_once(world):
    def rests(task, sink):
        sink.remember({"request_id": "r"})
        if sink.cancel.cancelled:
            raise JobCancelled
        raise JobParked(600.0)

    world.executor.works["rests"] = rests
    job = world.submit("rests", "paid:m")
    world.until(lambda: world.queue._runner._resting)
    assert world.queue.job(job.id).status is JobStatus.GENERATING
    world.queue.cancel(job.id)
    assert world.queue.wait(job.id, 10).status is JobStatus.CANCELLED
    assert world.executor.started == [job.id, job.id]


def test_an_unsure_job_waits_for_a_person(world):
    job = world.submit("unsure", "paid:m")
    world.until(lambda: world.queue.job(job.id).held)
    shown = world.queue.job(job.id)
    assert (shown.status, shown.wait_reason) == (JobStatus.QUEUED, "The provider may have taken it.")
    assert world.queue.ledger.get(job.id).held
    world.executor.works["unsure"] = world.executor.works["nothing"]
    world.queue.release(job.id)
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED


def test_pause_hold_move_and_reasons(world):
    running = world.submit("until_cancelled")
    world.running(running)
    jobs = [world.submit() for _ in range(4)]
    reasons = [world.queue.job(job.id).wait_reason for job in jobs]
    assert reasons[0] == "cpu is busy with another job."
    assert reasons[2] == "2 jobs are before it on cpu."
    assert world.queue.hold(jobs[0].id).wait_reason == "It is held until somebody releases it."
    assert world.queue.move(jobs[3].id, before=jobs[1].id).queue_position == 1
    assert world.queue.move(jobs[2].id, priority=5).queue_position == 1
    world.queue.pause()
    assert world.queue.job(jobs[1].id).wait_reason == "The queue is paused."
    assert world.queue.summary()["lanes"]["cpu"] == {"waiting": 3, "held": 1, "running": 1, "slots": 1}
    world.queue.cancel(running.id)
    world.queue.wait(running.id, 10)
    world.queue.resume()
    for job in jobs[1:]:
        world.queue.wait(job.id, 10)
    world.queue.release(jobs[0].id)
    world.queue.wait(jobs[0].id, 10)
    order = [running.id, jobs[2].id, jobs[3].id, jobs[1].id, jobs[0].id]
    assert world.executor.started == order
    for change in (world.queue.hold, world.queue.release, world.queue.move):
        with pytest.raises(Conflict):
            change(jobs[0].id)
    with pytest.raises(InvalidRequest):
        world.queue.move(jobs[0].id, before=jobs[0].id)


def lane_threads() -> int:
    return sum(thread.name.startswith("diorama-lane") for thread in threading.enumerate())


def test_a_backend_runs_as_many_as_it_may_and_no_more(make_world):
    world = make_world(concurrency=3)
    jobs = world.queue.submit([world.job("until_cancelled", "paid:m") for _ in range(100)]).result(10)
    world.until(lambda: sum(world.queue.job(job.id).progress > 0 for job in jobs) == 3)
    world.until(lambda: lane_threads() <= 3)  # threads of the test before may be ending still
    assert lane_threads() == 3
    waiting = [job.id for job in jobs if world.queue.job(job.id).status is JobStatus.QUEUED]
    assert world.queue.job(waiting[0]).wait_reason == "paid runs 3 jobs, as many as it may."
    world.executor.works["until_cancelled"] = world.executor.works["nothing"]
    for job in jobs:
        if job.id not in waiting:
            world.queue.cancel(job.id)
    for job_id in waiting:
        assert world.queue.wait(job_id, 10).status is JobStatus.COMPLETED
    assert world.executor.most_at_once == 3


def test_several_devices_share_one_queue(make_world):
    world = make_world(devices=("cuda:0", "cuda:1"))
    jobs = [world.submit("until_cancelled", name) for name in ("local:a", "local:b")]
    world.until(lambda: world.queue.summary()["running"] == 2)
    assert {world.queue.job(job.id).lane for job in jobs} == {"cuda:0", "cuda:1"}
    for job in jobs:
        world.running(job)
        world.queue.cancel(job.id)


def test_a_repeated_job_goes_back_to_the_pool_of_devices(make_world):
    world = make_world(devices=("cuda:0", "cuda:1"))
    jobs = [world.submit("dies") for _ in range(6)]
    assert {world.queue.wait(job.id, 10).attempt for job in jobs} == {2}
    assert list(world.queue.summary()["lanes"]) == ["devices"]
    assert world.executor.most_at_once <= 2


def test_downloads_run_beside_the_device(world):
    busy = world.submit("until_cancelled")
    download = world.queue.new_job(
        kind=JobKind.DOWNLOAD, model=model("local:b"), request={}, asked={}, submission=Submission()
    )
    world.queue.submit([download]).result(10)
    assert world.queue.wait(download.id, 10).status is JobStatus.COMPLETED
    assert world.catalog.arrivals == ["local:b"], (
        "the catalog learns of it before anyone sees the job completed"
    )
    world.running(busy)
    world.queue.cancel(busy.id)


def test_edit_models_must_return_the_size_of_the_input(world):
    from diorama.contract import Capabilities, EditRequest, MediaInput, Operation, Sizes, to_plain

    edits = {Operation.EDIT: Capabilities(sizes=Sizes(match_input=True))}
    world.catalog.models["local:a"] = replace(model("local:a"), operations=edits)
    for size, status in (((32, 24), JobStatus.COMPLETED), ((33, 24), JobStatus.FAILED)):
        source = MediaInput(path="/none", width=size[0], height=size[1])
        request = EditRequest(model="local:a", images=(source,), parameters={"do": "picture"})
        job = replace(world.job(), kind=JobKind.EDIT, request=to_plain(request))
        world.queue.submit([job]).result(10)
        assert world.queue.wait(job.id, 10).status is status
    assert len(world.assets.list().items) == 2


def test_retry_and_forget(world):
    job = world.queue.wait(world.submit("picture", owner="ann", idempotency_key="k").id, 10)
    again = world.queue.retry(job).result(10)[0]
    assert (again.retry_of, again.owner, again.request) == (job.id, "ann", job.request)
    assert world.queue.wait(again.id, 10).status is JobStatus.COMPLETED
    world.queue.forget(job.id)
    with pytest.raises(NotFound):
        world.queue.job(job.id)
    assert len(world.assets.list().items) == 4
    running = world.submit("until_cancelled")
    world.running(running)
    with pytest.raises(Conflict):
        world.queue.forget(running.id)
    with pytest.raises(Conflict):
        world.queue.retry(world.queue.job(running.id))
    world.queue.cancel(running.id)


def test_a_full_queue_and_a_full_disk_are_refused(world):
    limits = world.settings.limits
    world.queue.pause()
    world.queue._admission.limits = replace(limits, queued_jobs=2)
    world.queue.submit([world.job(), world.job()]).result(10)
    with pytest.raises(RateLimited):
        world.submit()
    world.queue._admission.limits = replace(limits, min_free_bytes=2**62)
    with pytest.raises(InsufficientStorage):
        world.submit()


def test_progress_never_falls_and_notes_are_kept(world):
    def report(task, sink):
        sink.note("ignored", "strength", 0.5, None, "It has none.")
        sink.note("adjusted", "width", 65, 64, "Multiples of 8.")
        for stage, fraction in (("downloading", 1.0), ("downloading", 0.2), ("loading_model", 0.5), ("generating", 0.5),
                                ("generating", float("nan")), ("saving", 1.0), ("generating", 0.1)):  # fmt: skip
            sink.progress(stage, fraction, "", {"step": 1})
            seen.append(world.queue.job(task.job_id).progress)
        return world.executor.works["nothing"](task, sink)

    seen: list[float] = []
    world.executor.works["report"] = report
    done = world.queue.wait(world.submit("report").id, 10)
    assert seen == sorted(seen)
    assert seen[0] == 30.0
    assert seen[-1] < 99
    assert [note.field for note in done.ignored + done.adjusted] == ["strength", "width"]
    assert replace(world.queue.ledger.get(done.id), request={}) == replace(done, request={})


def test_an_estimate_comes_from_measured_runs(world):
    first = world.queue.wait(world.submit("picture").id, 10)
    assert world.queue.job(first.id).eta_seconds is None
    running = world.submit("until_cancelled")
    world.running(running)
    assert world.queue.job(running.id).eta_seconds is not None
    waiting = [world.submit("picture") for _ in range(3)]
    etas = [world.queue.job(job.id).eta_seconds for job in waiting]
    assert None not in etas
    assert etas == sorted(etas)
    world.until(lambda: len(world.queue.ledger.run_times()) == 1)
    world.queue.cancel(running.id)


def test_events_of_a_job(world):
    job = world.submit("picture")
    names = [event.name for event in world.queue.stream(job.id)]
    assert (names[0], names[-1]) == ("queued", "completed")
    assert "progress" in names
    world.queue.events.drop(job.id)
    assert [event.name for event in world.queue.stream(job.id, last_id=5)] == ["completed"]


def test_a_closed_queue_refuses(make_world):
    world = make_world()
    world.queue.close()
    with pytest.raises(BackendNotReady):
        world.queue.submit([world.job()])


@pytest.mark.parametrize("stage", ["completed", "queued", "cancelled", "", "dancing", None])
def test_a_backend_cannot_end_its_job_by_a_word(world, stage):
    def lies(task, sink):
        sink.progress(stage, 0.5, "x", {})
        return Result()

    world.executor.works["lies"] = lies
    done = world.queue.wait(world.submit("lies").id, 10)
    assert done.status is JobStatus.FAILED
    assert "no stage" in done.error["message"]
    assert world.queue.ledger.get(done.id).finished_at


def test_a_message_without_end_is_cut(world):
    def chatters(task, sink):
        sink.progress("generating", 0.5, "x" * 10**6, {})
        sink.cancel.wait(20)
        raise JobCancelled

    world.executor.works["chatters"] = chatters
    job = world.submit("chatters")
    world.running(job)
    assert len(world.queue.job(job.id).message) == 1000
    world.queue.cancel(job.id)
    assert world.queue.wait(job.id, 10).status is JobStatus.CANCELLED
