from __future__ import annotations

import time

import pytest
from diorama.jobs.records import JobStatus


def test_waiting_jobs_survive_with_order_hold_and_pause(make_world):
    world = make_world()
    world.queue.pause()
    jobs = [world.submit() for _ in range(4)]
    world.queue.move(jobs[3].id, before=jobs[0].id)
    world.queue.hold(jobs[1].id)
    world.close()
    world = make_world()
    assert world.queue.summary()["paused"]
    time.sleep(0.05)
    assert world.executor.started == []
    late = world.submit()
    world.queue.resume()
    world.queue.wait(late.id, 10)
    assert world.executor.started == [jobs[3].id, jobs[0].id, jobs[2].id, late.id]
    assert world.queue.job(jobs[1].id).held


def test_a_running_local_job_goes_back_to_the_queue_when_the_engine_closes(make_world):
    world = make_world()
    job = world.submit("slow_picture")
    world.running(job)
    world.close()
    world = make_world(start=False)
    stored = world.queue.ledger.get(job.id)
    assert (stored.status, stored.attempt) == (JobStatus.QUEUED, 1)
    world.executor.works["slow_picture"] = world.executor.works["picture"]
    world.queue.start()
    done = world.queue.wait(job.id, 10)
    assert (done.status, done.attempt, len(done.asset_ids)) == (JobStatus.COMPLETED, 2, 2)


@pytest.mark.parametrize("name", ["paid:m", "free:m"])
def test_a_remote_job_is_left_to_the_provider_and_resumed(make_world, name):
    world = make_world()
    cancelled = []

    def provider(task, sink):
        sink.remember({"request_id": "r"})
        sink.cancel.add_callback(lambda: cancelled.append(task.job_id))
        return world.executor.works["until_cancelled"](task, sink)

    world.executor.works["provider"] = provider
    job = world.submit("provider", name)
    world.running(job)
    token = world.queue._live[job.id].token
    world.close()
    assert cancelled == []
    assert not token.cancelled

    def collect(task, sink):
        assert task.memory == {"request_id": "r"}
        return world.executor.works["picture"](task, sink)

    world = make_world(start=False)
    world.executor.works["provider"] = collect
    world.queue.start()
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED
    token.cancel()  # let the thread of the first engine end; nobody hears it
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED


def test_a_job_that_nobody_knows_about_waits_for_a_person(make_world):
    world = make_world()
    job = world.submit("until_cancelled", "paid:m")
    world.running(job)
    world.close(drain=0.1)
    world = make_world()
    shown = world.queue.job(job.id)
    assert shown.held
    assert "billed" in shown.wait_reason
    assert world.executor.started == []
    assert world.queue.cancel(job.id).status is JobStatus.CANCELLED


def test_a_free_job_of_a_thread_backend_runs_again(make_world):
    world = make_world()
    job = world.submit("until_cancelled", "free:m")
    world.running(job)
    world.close()
    world = make_world(start=False)
    world.executor.works["until_cancelled"] = world.executor.works["nothing"]
    world.queue.start()
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED


def test_a_job_that_was_running_at_every_death_is_held(make_world):
    world = make_world(start=False)
    job = world.job()
    world.queue.ledger.add([job]).result(10)
    with world.database.engine.connect() as connection:
        connection.exec_driver_sql("UPDATE jobs SET status='generating', attempt=5, lane='cpu', position=1")
        connection.exec_driver_sql("COMMIT")
    world.queue.start()
    assert "5 times" in world.queue.job(job.id).wait_reason
    world.queue.release(job.id)
    assert world.queue.wait(job.id, 10).status is JobStatus.COMPLETED


def test_ten_thousand_waiting_jobs_are_picked_up(make_world):
    world = make_world()
    world.queue.pause()
    world.queue.submit([world.job() for _ in range(10_000)]).result(30)
    world.close()
    world = make_world()
    assert world.queue.summary()["waiting"] == 10_000


def test_waiters_are_told_when_the_engine_closes(make_world):
    from threading import Thread

    world = make_world()
    job = world.submit("until_cancelled")
    world.running(job)
    answers = []
    waiter = Thread(target=lambda: answers.append(world.queue.wait(job.id)))
    waiter.start()
    world.close()
    waiter.join(10)
    assert answers[0].status is JobStatus.QUEUED


def test_what_was_paid_and_made_is_kept_when_the_engine_closes(make_world):
    """The provider has delivered and forgotten; only the files were still on their way to the disk."""
    from threading import Event, Thread

    world = make_world()
    placing, go = Event(), Event()
    place = world.assets.place

    def slowly(*values, **more):
        placing.set()
        assert go.wait(20)
        return place(*values, **more)

    world.assets.place = slowly
    job = world.submit("picture", "paid:m")
    assert placing.wait(10)
    closing = Thread(target=world.queue.close, args=(2.0,))
    closing.start()
    world.until(lambda: world.queue._scheduler._stopping)
    world.until(lambda: world.queue._finisher._pool._shutdown)
    go.set()
    closing.join(20)
    ended = world.queue.ledger.get(job.id)
    assert (ended.status, len(ended.asset_ids)) == (JobStatus.COMPLETED, 2)
