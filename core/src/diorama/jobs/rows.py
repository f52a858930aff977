"""A job as a row of the table ``jobs`` and back."""

from __future__ import annotations

from typing import Any

from diorama.contract.plain import dumps, from_plain, loads
from diorama.jobs.records import Job, JobKind, JobStatus, Note

_PLAIN = (
    "id", "model", "lane", "priority", "position", "owner", "session_id", "batch_id", "idempotency_key", "strict",
    "held", "wait_reason", "attempt", "retry_of", "progress", "created_at", "started_at", "finished_at",
)  # fmt: skip
_JSON = (
    "request",
    "asked",
    "applied",
    "memory",
    "error",
    "cost",
    "timings",
    "adjusted",
    "ignored",
    "asset_ids",
)
_REQUIRED = ("request", "asked")
_EMPTY: dict[str, Any] = {"error": None, "cost": None, "adjusted": (), "ignored": (), "asset_ids": ()}


def text(value: Any) -> str | None:
    """Return ``value`` as JSON; ``None`` for what is empty."""
    return dumps(value).decode() if value else None


def to_row(job: Job) -> dict[str, Any]:
    """Return the columns of ``job``."""
    row: dict[str, Any] = {name: getattr(job, name) for name in _PLAIN}
    for name in _JSON:
        row[name] = text(getattr(job, name))
    for name in _REQUIRED:
        row[name] = row[name] or "{}"
    row["kind"] = job.kind.value
    row["status"] = job.status.value
    row["message"] = job.message or None
    return row


def from_row(row: Any) -> Job:
    """Rebuild a job from its columns, a mapping by name."""
    values: dict[str, Any] = {name: row[name] for name in _PLAIN}
    for name in _JSON:
        values[name] = loads(row[name]) if row[name] else _EMPTY.get(name, {})
    for name in ("adjusted", "ignored"):
        if values[name]:
            values[name] = tuple(from_plain(Note, note) for note in values[name])
    values["asset_ids"] = tuple(values["asset_ids"])
    return Job(
        kind=JobKind(row["kind"]), status=JobStatus(row["status"]), message=row["message"] or "", **values
    )
