"""What a listener of one job is told, in order: its present state first, then only what is newer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from anyio import to_thread
from diorama.contract.plain import dumps
from diorama.engine import Engine
from diorama.jobs.events import Event
from diorama.jobs.records import Job

from diorama_web.follow import Followers
from diorama_web.views.jobs import job_view


class Told(NamedTuple):
    """One event as listeners know it.

    Attributes:
        id: Grows along a stream; what a listener names to resume.
        name: ``status``, ``progress``, ``preview``, ``queue`` or ``note``.
        data: JSON that names the job.
    """

    id: int
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener stands.

    Attributes:
        after: Events with higher ids are news.
        revision: Progress of a lower revision is older than what the listener knows.
        snapshot: What to tell first, if anything.
        over: Nothing comes after the snapshot.
    """

    after: int
    revision: int = 0
    snapshot: Told | None = None
    over: bool = False


async def place_of(engine: Engine, job_id: str, last: int | None = None) -> Place:
    """Return where a listener begins.

    Args:
        engine: Started.
        job_id: The job.
        last: Id of the last event that the listener has. One who names an event that is kept gets what it missed; one
            who names anything else, or nothing, gets the present state.

    Raises:
        NotFound: there is no such job.
    """
    kept = engine.events.kept(job_id)
    mark = (
        engine.events.mark()
    )  # before the job is read: what was published until here is older than what is read
    job = await to_thread.run_sync(engine.job, job_id)
    newest = kept[-1].id if kept else 0
    if job.status.final and last == newest:
        return Place(newest, over=True)
    for index, event in enumerate(kept):
        if event.id == last:
            return Place(last, max(seen.revision for seen in kept[: index + 1]))
    at = newest if job.status.final else mark  # a mark is never kept: who resumes from it gets the state anew
    return Place(at, job.revision, Told(at, "status", await job_data(engine, job)), over=job.status.final)


async def tell(
    followers: Followers, engine: Engine, job_id: str, place: Place
) -> AsyncIterator[Sequence[Told]]:
    """Yield what happens to a job from ``place`` to its end; nothing, as a sign of life, every 15 s of silence."""
    if place.snapshot is not None:
        yield [place.snapshot]
    if place.over:
        return
    async for events in followers.follow(job_id, place.after):
        news = [event for event in events if event.name != "progress" or event.revision >= place.revision]
        if news or not events:
            yield [await told(event, engine) for event in news]
        if any(event.final for event in events):
            return


async def told(event: Event, engine: Engine) -> Told:
    """Return an event under its public name; the end of a job is told with the whole job."""
    if event.final:
        job = await to_thread.run_sync(engine.job, event.job_id)
        return Told(event.id, "status", await job_data(engine, job))
    return Told(event.id, "queue" if event.name == "queued" else event.name, _named(event))


async def job_data(engine: Engine, job: Job) -> bytes:
    """Return a job with its results as JSON."""
    return await to_thread.run_sync(lambda: dumps(job_view(job, engine)))


def _named(event: Event) -> bytes:
    data = event.data
    return data if data.startswith(b'{"job_id"') else b'{"job_id":"%s",%s' % (event.job_id.encode(), data[1:])
