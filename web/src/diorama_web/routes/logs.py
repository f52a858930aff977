"""The log of requests: the ledger's jobs of every kind, and what was refused before it became one.

To delete an entry is to forget its job.
"""

from __future__ import annotations

from typing import Annotated, Any

from diorama.contract import NotFound
from diorama.engine import Engine
from diorama.jobs.refusals import Refusals
from fastapi import Depends, Path, Query
from starlette.responses import Response

from diorama_web.access import EngineDep, RefusalsDep, checked_id, private_router
from diorama_web.encoding import reply
from diorama_web.schemas.base import Message
from diorama_web.schemas.jobs import KindWord
from diorama_web.schemas.logs import Cleared, LogDetail, LogPage, LogStatus
from diorama_web.views.logs import log_detail, log_entry, refused_detail, refused_entry

router = private_router(tag="settings")


def _log_id(log_id: Annotated[str, Path()]) -> str:
    return checked_id(log_id, "log")


LogId = Annotated[str, Depends(_log_id)]
TypeWord = Annotated[KindWord | None, Query(alias="type", description="Only requests of this kind.")]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]


@router.get("/settings/logs", response_model=LogPage)
def list_logs(
    engine: EngineDep, refusals: RefusalsDep, kind: TypeWord = None, status: LogStatus | None = None,
    cursor: Cursor = None, limit: Limit = 50,
) -> Response:  # fmt: skip
    """Return requests and what became of them, newest first."""
    entries = _accepted(engine, kind, status, cursor, limit) + _refused(refusals, kind, status, cursor, limit)
    entries.sort(key=lambda entry: str(entry["id"]), reverse=True)
    more = len(entries) > limit
    shown = entries[:limit]
    return reply({"logs": shown, "next_cursor": shown[-1]["id"] if more else None})


def _accepted(
    engine: Engine, kind: KindWord | None, status: LogStatus | None, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    """Return one more than ``limit`` entries before ``cursor``, where there are so many."""
    if status == "refused":
        return []
    page = engine.jobs(kind=kind, status=status, cursor=cursor, limit=limit + 1)
    return [log_entry(job) for job in page.items]


def _refused(
    refusals: Refusals, kind: KindWord | None, status: LogStatus | None, cursor: str | None, limit: int
) -> list[dict[str, Any]]:
    if status not in (None, "refused"):
        return []
    return [refused_entry(item) for item in refusals.list(kind=kind, before=cursor, limit=limit + 1)]


@router.get("/settings/logs/{log_id}", response_model=LogDetail)
def get_log(log_id: LogId, engine: EngineDep, refusals: RefusalsDep) -> Response:
    """Return one request as it was sent, what ran, and what came of it."""
    try:
        return reply(log_detail(engine.job(log_id), engine))
    except NotFound:
        return reply(refused_detail(refusals.get(log_id)))


@router.delete("/settings/logs", response_model=Cleared)
def clear_logs(
    engine: EngineDep, refusals: RefusalsDep, kind: TypeWord = None, status: LogStatus | None = None
) -> Response:
    """Forget all finished and refused requests that fit. Files stay in the library and sums in the costs."""
    removed = 0 if status == "refused" else engine.queue.clear(kind=kind, status=status)
    if status in (None, "refused"):
        removed += refusals.clear(kind=kind)
    return reply({"removed": removed})


@router.delete("/settings/logs/{log_id}", response_model=Message)
def delete_log(log_id: LogId, engine: EngineDep, refusals: RefusalsDep) -> Response:
    """Forget one finished or refused request. Its files stay in the library and its sum in the costs."""
    if refusals.forget(log_id):
        return reply({"message": "The request is forgotten."})
    engine.forget(log_id)
    return reply({"message": "The request is forgotten; what it made stays."})
