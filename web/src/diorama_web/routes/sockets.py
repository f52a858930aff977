"""The same events over a WebSocket, for those who want it."""

from __future__ import annotations

import asyncio

from anyio import to_thread
from diorama.contract import DioramaError, RateLimited
from diorama.engine import Engine
from fastapi import WebSocket
from starlette.websockets import WebSocketDisconnect

from diorama_web.access import public_router, require_caller
from diorama_web.follow import MAX_LISTENERS, Followers
from diorama_web.telling import Told, place_of, tell

router = public_router(tag="events", prefix="")


@router.websocket("/ws/{job_id}")
async def job_socket(socket: WebSocket, job_id: str) -> None:
    """Send ``{"type", "id", "job_id", "data"}`` for each event of a job, a ``status`` first; closes when it is final."""
    engine: Engine = socket.app.state.engine
    try:
        await require_caller(socket)
        if socket.app.state.followers.count >= MAX_LISTENERS:
            raise RateLimited("Too many open event streams.")
        job = await to_thread.run_sync(engine.job, job_id)
    except DioramaError:
        await socket.close(code=1008)  # before accept: the handshake is answered with 403
        return
    await socket.accept()
    sender = asyncio.create_task(_send(socket, engine, job.id))
    try:
        while True:
            await socket.receive_text()  # nothing is expected; this notices the end of the connection
    except (WebSocketDisconnect, KeyError, RuntimeError):
        pass
    finally:
        sender.cancel()
        await asyncio.gather(sender, return_exceptions=True)


async def _send(socket: WebSocket, engine: Engine, job_id: str) -> None:
    followers: Followers = socket.app.state.followers
    place = await place_of(engine, job_id)
    async for events in tell(followers, engine, job_id, place):
        for event in events:
            await socket.send_text(_message(event, job_id))
    await socket.close()


def _message(event: Told, job_id: str) -> str:
    return f'{{"type":"{event.name}","id":{event.id},"job_id":"{job_id}","data":{event.data.decode()}}}'
