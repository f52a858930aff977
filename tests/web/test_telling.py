"""A listener that joins between a change of a job and the event about it."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

from diorama.jobs.events import EventHub
from diorama.jobs.overview import told
from diorama.jobs.records import Job, JobKind, JobStatus
from diorama_web.follow import Followers
from diorama_web.telling import place_of, tell

JOB = "01JOB"


class Stand:
    """What telling needs of an engine: the real hub, and a job whose state the test sets."""

    def __init__(self) -> None:
        self.events, self.assets = EventHub(), SimpleNamespace()
        self.present = self.at(0, 0.0)

    def job(self, job_id: str) -> Job:
        return self.present

    def at(self, revision: int, progress: float, status: JobStatus = JobStatus.GENERATING) -> Job:
        return Job(
            id=JOB, kind=JobKind.GENERATE, model="m", status=status, progress=progress, revision=revision
        )

    def tell(self, revision: int, progress: float) -> None:
        self.events.publish(JOB, "progress", told(self.at(revision, progress)), revision)

    def end(self) -> None:
        self.present = self.at(9, 100.0, JobStatus.COMPLETED)
        self.events.publish(JOB, "completed", told(self.present))


def listen(stand: Stand, last: int | None, then: Any) -> list[tuple[int, str, float]]:
    async def run() -> list[tuple[int, str, float]]:
        engine: Any = stand
        place = await place_of(engine, JOB, last)
        then()
        heard = []
        async for events in tell(Followers(engine), engine, JOB, place):
            heard += [
                (event.id, event.name, json.loads(event.data).get("progress", -1.0)) for event in events
            ]
        return heard

    with ThreadPoolExecutor(1) as thread:  # a browser test before us may have left a loop in this one
        return thread.submit(asyncio.run, run()).result()


def test_an_event_older_than_the_snapshot_is_skipped() -> None:
    stand = Stand()
    stand.tell(1, 10.0)
    stand.present = stand.at(3, 40.0)  # two reports further than what was published

    def go_on() -> None:
        stand.tell(2, 30.0)  # the one on its way when the listener came
        stand.events._channels[JOB].last_progress = 0.0
        stand.tell(4, 50.0)
        stand.end()

    heard = listen(stand, None, go_on)
    assert [(name, progress) for _, name, progress in heard] == [
        ("status", 40),
        ("progress", 50),
        ("status", 100),
    ]
    assert [number for number, _, _ in heard] == sorted({number for number, _, _ in heard})


def test_one_who_left_right_after_the_snapshot_gets_it_anew() -> None:
    stand = Stand()
    stand.tell(1, 10.0)
    stand.present = stand.at(3, 40.0)
    first = listen(stand, None, stand.end)[0]
    again = Stand()
    again.events = stand.events
    again.present = stand.at(4, 60.0)
    assert listen(again, first[0], again.end)[0][1:] == ("status", 60)


def test_one_who_resumes_hears_what_it_missed_and_nothing_older() -> None:
    stand = Stand()
    stand.tell(2, 20.0)
    seen = stand.events.kept(JOB)[-1].id
    stand.present = stand.at(3, 40.0)

    def go_on() -> None:
        stand.events._channels[JOB].last_progress = 0.0
        stand.tell(3, 40.0)
        stand.end()

    heard = listen(stand, seen, go_on)
    assert [(name, progress) for _, name, progress in heard] == [("progress", 40), ("status", 100)]
