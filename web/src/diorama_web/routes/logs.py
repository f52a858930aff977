"""The log of requests: the ledger's jobs of every kind. To delete an entry is to forget its job."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query
from starlette.responses import Response

from diorama_web.access import EngineDep, checked_id, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.jobs import KindWord, StatusWord
from diorama_web.schemas.logs import Cleared, LogDetail, LogPage
from diorama_web.views.logs import log_detail, log_entry

router = private_router(tag="settings")


def _log_id(log_id: Annotated[str, Path()]) -> str:
    return checked_id(log_id, "log")


LogId = Annotated[str, Depends(_log_id)]
TypeWord = Annotated[KindWord | None, Query(alias="type", description="Only requests of this kind.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/settings/logs", response_model=LogPage)
def list_logs(
    engine: EngineDep, kind: TypeWord = None, status: StatusWord | None = None, cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:  # fmt: skip
    """Return accepted requests and what became of them, newest first."""
    page = engine.jobs(kind=kind, status=status, cursor=cursor, limit=limit)
    return reply({"logs": [log_entry(job) for job in page.items], "next_cursor": page.next_cursor})


@router.get("/settings/logs/{log_id}", response_model=LogDetail)
def get_log(log_id: LogId, engine: EngineDep) -> Response:
    """Return one request as it was sent, what ran, and what came of it."""
    return reply(log_detail(engine.job(log_id), engine))


@router.delete("/settings/logs", response_model=Cleared)
def clear_logs(engine: EngineDep, kind: TypeWord = None, status: StatusWord | None = None) -> Response:
    """Forget all finished requests that fit. Their files stay in the library and their sums in the costs."""
    return reply({"removed": engine.queue.clear(kind=kind, status=status)})


@router.delete("/settings/logs/{log_id}", response_model=Message)
def delete_log(log_id: LogId, engine: EngineDep) -> Response:
    """Forget one finished request. Its files stay in the library and its sum in the costs."""
    engine.forget(log_id)
    return reply({"message": "The request is forgotten; what it made stays."})
