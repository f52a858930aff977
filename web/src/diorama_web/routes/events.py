"""Server-sent events: what happens to jobs, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from diorama.contract import RateLimited
from diorama.engine import Engine
from fastapi import Header
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from diorama_web.access import EngineDep, JobId, private_router
from diorama_web.follow import MAX_LISTENERS, Followers
from diorama_web.telling import Told, place_of, tell, told

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
    place = await place_of(engine, job_id, _number(last_id))
    if place.over and place.snapshot is None:
        return Response(status_code=204)
    return _streamed(request, _frames(tell(followers, engine, job_id, place)))


@router.get("/events", response_class=StreamingResponse, responses=_STREAM)
async def follow_all(request: Request, engine: EngineDep, last_id: LastId = None) -> Response:
    """Follow all jobs for as long as the connection lasts; every payload names its ``job_id``."""
    followers = _followers(request)
    recent = followers.since(None, 0)
    last = _number(last_id)
    after = last if last is not None else (recent[-1].id if recent else 0)
    return _streamed(request, _all_stream(followers, engine, after))


async def _frames(news: AsyncIterator[Sequence[Told]]) -> AsyncIterator[bytes]:
    async for events in news:
        yield b"".join(map(_frame, events)) or b": still here\n\n"


async def _all_stream(followers: Followers, engine: Engine, after: int) -> AsyncIterator[bytes]:
    yield b": following\n\n"
    async for events in followers.follow(None, after):
        yield b"".join([_frame(await told(event, engine)) for event in events]) or b": still here\n\n"


def _streamed(request: Request, frames: AsyncIterator[bytes]) -> Response:
    if request.method == "HEAD":  # or the stream would run on with nobody to read it
        return Response(media_type="text/event-stream", headers=_HEADERS)
    return StreamingResponse(frames, media_type="text/event-stream", headers=_HEADERS)


def _frame(event: Told) -> bytes:
    """Return one event as it is sent; its data is JSON and so holds no line break."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.name.encode(), event.data)


def _number(last_id: str | None) -> int | None:
    return int(last_id) if last_id is not None and last_id.isdecimal() else None


def _followers(request: Request) -> Followers:
    followers: Followers = request.app.state.followers
    if followers.count >= MAX_LISTENERS:
        raise RateLimited("Too many open event streams.", retry_after=5, fix="Close some pages.")
    return followers
