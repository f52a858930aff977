"""Server-sent events: what happens to jobs, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from anyio import to_thread
from diorama.contract import RateLimited
from diorama.contract.plain import dumps
from diorama.engine import Engine
from diorama.jobs.events import Event
from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from diorama_web.access import EngineDep, JobId, private_router
from diorama_web.follow import MAX_LISTENERS, Followers
from diorama_web.views.jobs import job_view

router = private_router(tag="events")
LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=32)]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": (
            "Events with ids: `status` (data is a JobView; the first event, and the last), `progress` "
            "(data is a JobStatusView's moving part), `preview` (a small picture), `queue`, `note`."
        ),
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    204: {"description": "The job is final and nothing is left to tell: do not reconnect."},
}
_HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


@router.get("/jobs/{job_id}/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_job(job_id: JobId, request: Request, engine: EngineDep, last_id: LastId = None) -> Response:
    """Follow one job to its end. A reconnecting browser names the last event it has and gets what it missed."""
    followers = _followers(request)
    kept = engine.events.kept(job_id)
    job = await to_thread.run_sync(engine.job, job_id)
    newest = kept[-1].id if kept else 0
    last = int(last_id) if last_id is not None and last_id.isdigit() else None
    if job.status.final and last == newest:
        return Response(status_code=204)
    resumable = last is not None and any(event.id == last for event in kept)
    after = last if resumable and last is not None else newest
    snapshot = None if resumable else await status_data(engine, job_id)
    if snapshot is not None and job.status.final:
        return Response(frame(newest, "status", snapshot), media_type="text/event-stream", headers=_HEADERS)
    stream = _job_stream(followers, engine, job_id, after, snapshot)
    return StreamingResponse(stream, media_type="text/event-stream", headers=_HEADERS)


@router.get("/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_all(request: Request, engine: EngineDep, last_id: LastId = None) -> Response:
    """Follow all jobs for as long as the connection lasts; every payload names its ``job_id``."""
    followers = _followers(request)
    recent = followers.since(None, 0)
    after = int(last_id) if last_id is not None and last_id.isdigit() else (recent[-1].id if recent else 0)
    return StreamingResponse(
        _all_stream(followers, engine, after), media_type="text/event-stream", headers=_HEADERS
    )


async def _job_stream(
    followers: Followers, engine: Engine, job_id: str, after: int, snapshot: bytes | None
) -> AsyncIterator[bytes]:
    if snapshot is not None:
        yield frame(after, "status", snapshot)
    async for events in followers.follow(job_id, after):
        yield b"".join([await _framed(event, engine) for event in events]) or b": still here\n\n"
        if any(event.final for event in events):
            return


async def _all_stream(followers: Followers, engine: Engine, after: int) -> AsyncIterator[bytes]:
    yield b": following\n\n"
    async for events in followers.follow(None, after):
        yield b"".join([await _framed(event, engine) for event in events]) or b": still here\n\n"


async def _framed(event: Event, engine: Engine) -> bytes:
    name, data = await told(event, engine)
    return frame(event.id, name, data)


async def told(event: Event, engine: Engine) -> tuple[str, bytes]:
    """Return an event's public name and data; the end of a job is told with the whole job."""
    if event.final:
        return "status", await status_data(engine, event.job_id)
    return ("queue" if event.name == "queued" else event.name), named(event)


def named(event: Event) -> bytes:
    """Return an event's data with ``job_id`` in front."""
    data = event.data
    return data if data.startswith(b'{"job_id"') else b'{"job_id":"%s",%s' % (event.job_id.encode(), data[1:])


async def status_data(engine: Engine, job_id: str) -> bytes:
    """Return a job as JSON."""

    def view() -> bytes:
        return dumps(job_view(engine.job(job_id), engine))

    return await to_thread.run_sync(view)


def frame(event_id: int, name: str, data: bytes) -> bytes:
    """Return one event as it is sent; ``data`` is JSON and so holds no line break."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event_id, name.encode(), data)


def _followers(request: Request) -> Followers:
    followers: Followers = request.app.state.followers
    if followers.count >= MAX_LISTENERS:
        raise RateLimited("Too many open event streams.", retry_after=5, fix="Close some pages.")
    return followers
