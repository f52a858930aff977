from __future__ import annotations

import threading
import time
from collections import Counter

from diorama.jobs.scheduler import Scheduler
from diorama.jobs.waiting import Entry
from hypothesis import given, settings
from hypothesis import strategies as st

WIDTHS = {"cpu": 1, "fal": 3, "krea": 2}


class Recorder:
    """Runs entries by noting them."""

    def __init__(self, idle_seconds: float = 5.0) -> None:
        self.lock = threading.Lock()
        self.ran: Counter[str] = Counter()
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.changed = threading.Condition(self.lock)
        self.gate = threading.Event()
        self.gate.set()
        self.scheduler = Scheduler(
            self.run, lambda lane: (lane,) * WIDTHS[lane], lambda slot: (), idle_seconds=idle_seconds
        )

    def run(self, job_id: str, slot: str) -> None:
        with self.lock:
            self.now[slot] += 1
            self.most[slot] = max(self.most[slot], self.now[slot])
        self.gate.wait(10)
        with self.lock:
            self.now[slot] -= 1
            self.ran[job_id] += 1
            self.changed.notify_all()

    def until(self, count: int) -> None:
        with self.lock:
            assert self.changed.wait_for(lambda: self.ran.total() >= count, 10)


def entry(job_id: str, lane: str = "cpu", **more) -> Entry:
    return Entry(id=job_id, lane=lane, model="m", **more)


def threads() -> int:
    return sum(thread.name.startswith("diorama-lane") for thread in threading.enumerate())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.sampled_from(list(WIDTHS)), max_size=12), max_size=8))
def test_every_job_runs_once_however_they_arrive(batches):
    recorder = Recorder()
    groups = [[entry(f"{a}-{b}", lane) for b, lane in enumerate(batch)] for a, batch in enumerate(batches)]
    adders = [threading.Thread(target=recorder.scheduler.add, args=(group,)) for group in groups]
    for adder in adders:
        adder.start()
    total = sum(map(len, groups))
    recorder.until(total)
    recorder.scheduler.stop()
    assert recorder.scheduler.join(10)
    assert sorted(recorder.ran) == sorted(item.id for group in groups for item in group)
    assert recorder.ran.total() == total
    assert all(recorder.most[lane] <= width for lane, width in WIDTHS.items())


def test_all_slots_of_a_lane_are_used():
    recorder = Recorder()
    for _ in range(20):
        recorder.gate.clear()
        begun = recorder.ran.total()
        for number in range(3):
            recorder.scheduler.add([entry(f"{begun}-{number}", "fal")])
        deadline = time.monotonic() + 10
        while recorder.now["fal"] < 3:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        recorder.gate.set()
        recorder.until(begun + 3)
    recorder.scheduler.stop()


def test_idle_threads_end_and_come_back():
    before = threads()
    recorder = Recorder(idle_seconds=0.05)
    recorder.scheduler.add([entry(str(number), "fal") for number in range(3)])
    recorder.until(3)
    deadline = time.monotonic() + 10
    while threads() > before:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    recorder.scheduler.add([entry("late", "fal")])
    recorder.until(4)
    recorder.scheduler.stop()


def test_a_runner_that_raises_does_not_stop_its_lane():
    recorder = Recorder()
    scheduler = Scheduler(
        lambda job_id, slot: recorder.run(job_id, slot) if job_id != "bad" else 1 / 0,
        lambda lane: (lane,),
        lambda _: (),
    )
    scheduler.add([entry("bad"), entry("good", position=1)])
    recorder.until(1)
    assert recorder.ran == {"good": 1}
    scheduler.stop()
    assert scheduler.join(10)


def test_a_job_that_goes_back_to_the_queue_from_within_its_run_costs_no_slot():
    """Another thread may take it before the first one has returned."""
    begun, told = threading.Semaphore(0), threading.Semaphore(0)
    runs: Counter[str] = Counter()

    def run(job_id: str, slot: str) -> None:
        runs[job_id] += 1
        if runs[job_id] == 1:
            scheduler.add([entry(job_id, "fal")])
            assert begun.acquire(timeout=10)  # the second run has begun
        else:
            begun.release()
            time.sleep(0.01)  # the first one returns meanwhile
        told.release()

    scheduler = Scheduler(run, lambda lane: (lane,) * 2, lambda slot: ())
    for number in range(10):
        scheduler.add([entry(str(number), "fal")])
        for _ in range(2):
            assert told.acquire(timeout=10)
    assert runs == Counter({str(number): 2 for number in range(10)})
    scheduler.stop()
    assert scheduler.join(10)
    assert scheduler.counts()["fal"] == {"waiting": 0, "held": 0, "running": 0, "slots": 2}


def test_changing_a_job_that_is_gone():
    recorder = Recorder()
    assert recorder.scheduler.change("none", lambda item, waiting: None) is None
    assert recorder.scheduler.remove("none") is None
    assert recorder.scheduler.why("none") is None
    assert recorder.scheduler.ahead("none") is None


def test_jobs_that_rest_hold_their_slots_and_share_few_threads():
    before, lock = threads(), threading.Lock()
    calls: Counter[str] = Counter()
    most = 0

    def run(job_id: str, slot: str) -> float | None:
        nonlocal most
        with lock:
            calls[job_id] += 1
            most = max(most, threads() - before)
        return 0.01 if calls[job_id] < 3 else None

    scheduler = Scheduler(run, lambda lane: (lane,) * 20, lambda slot: (), threads=lambda lane: 2)
    scheduler.add([entry(str(number), "far", position=number) for number in range(60)])
    deadline = time.monotonic() + 20
    while calls.total() < 180:
        assert scheduler.counts()["far"]["running"] <= 20
        assert time.monotonic() < deadline
        time.sleep(0.001)
    scheduler.stop()
    assert scheduler.join(10)
    assert set(calls.values()) == {3}
    assert most <= 2


def test_a_job_that_rests_can_be_hurried_also_before_it_rests():
    calls: list[str] = []
    seen, go = threading.Event(), threading.Event()

    def run(job_id: str, slot: str) -> float | None:
        calls.append(job_id)
        if len(calls) == 1:
            seen.set()
            go.wait(10)
        return 600.0 if len(calls) < 3 else None

    scheduler = Scheduler(run, lambda lane: (lane,), lambda slot: ())
    scheduler.add([entry("a")])
    assert seen.wait(10)
    scheduler.hurry("a")  # it is on its way to rest
    go.set()
    deadline = time.monotonic() + 10
    while len(calls) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    scheduler.hurry("a")
    while len(calls) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    scheduler.stop()
    assert scheduler.join(10)


def test_a_paused_queue_goes_on_with_jobs_that_rest():
    calls: list[str] = []
    scheduler = Scheduler(
        lambda job_id, slot: calls.append(job_id) or (0.05 if len(calls) < 4 else None),
        lambda lane: (lane,),
        lambda slot: (),
        idle_seconds=0.01,
    )
    scheduler.add([entry("a")])
    scheduler.pause()
    deadline = time.monotonic() + 10
    while len(calls) < 4:
        if not calls:
            scheduler.resume()
        assert time.monotonic() < deadline
        time.sleep(0.001)
    scheduler.stop()
