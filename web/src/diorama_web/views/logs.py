"""Jobs as entries of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diorama.contract import to_plain
from diorama.jobs.records import Job
from diorama.jobs.refusals import Refusal

from diorama_web.encoding import iso_time
from diorama_web.views.jobs import assets_of
from diorama_web.views.media import image_ref, sound_ref, video_ref

if TYPE_CHECKING:
    from diorama.engine import Engine

_TOLD_BESIDE = frozenset(
    {"kind", "model", "prompt", "owner", "session_id", "batch_id", "retry_of", "idempotency_key"}
)
_FILES = frozenset({"path", "sha256"})


def log_entry(job: Job) -> dict[str, Any]:
    """Return a job as one line of the log."""
    ran = job.finished_at - job.started_at if job.finished_at and job.started_at else None
    return {
        "id": job.id,
        "type": job.kind.value,
        "status": job.status.value,
        "model": job.model,
        "prompt": job.asked.get("prompt") or "",
        "error": dict(job.error) if job.error else None,
        "cost": dict(job.cost) if job.cost else None,
        "results": len(job.asset_ids),
        "session_id": job.session_id,
        "created_at": iso_time(job.created_at),
        "started_at": iso_time(job.started_at),
        "finished_at": iso_time(job.finished_at),
        "seconds": None if ran is None else round(max(ran, 0.0), 3),
    }


def refused_entry(refusal: Refusal) -> dict[str, Any]:
    """Return a refused request as one line of the log."""
    return {
        "id": refusal.id,
        "type": refusal.kind,
        "status": "refused",
        "model": refusal.model,
        "prompt": refusal.prompt,
        "error": dict(refusal.error),
        "cost": None,
        "results": 0,
        "session_id": refusal.session_id,
        "created_at": iso_time(refusal.created_at),
        "started_at": None,
        "finished_at": None,
        "seconds": None,
    }


def refused_detail(refusal: Refusal) -> dict[str, Any]:
    """Return all that is known about a refused request."""
    nothing_ran: dict[str, Any] = {
        "applied": {}, "adjusted": [], "ignored": [], "timings": {}, "attempt": 0, "retry_of": None, "batch_id": None,
        "images": [], "video": None, "sounds": [],
    }  # fmt: skip
    return {**refused_entry(refusal), "request": dict(refusal.request), **nothing_ran}


def log_detail(job: Job, engine: Engine) -> dict[str, Any]:
    """Return all that is known about a request."""
    assets = assets_of(job, engine)
    videos = [asset for asset in assets if asset.kind == "video"]
    return {
        **log_entry(job),
        "request": {
            name: _shown(value)
            for name, value in job.asked.items()
            if name not in _TOLD_BESIDE and value not in (None, "", [], {}, False, 0)
        },
        "applied": dict(job.applied),
        "adjusted": to_plain(job.adjusted),
        "ignored": to_plain(job.ignored),
        "timings": dict(job.timings),
        "attempt": job.attempt,
        "retry_of": job.retry_of,
        "batch_id": job.batch_id,
        "images": [image_ref(asset) for asset in assets if asset.kind == "image"],
        "video": video_ref(videos[0]) if videos else None,
        "sounds": [sound_ref(asset) for asset in assets if asset.kind == "audio"],
    }


def _shown(value: Any) -> Any:
    """Return a value of a request without paths of this machine: files are told by size, type and asset."""
    if isinstance(value, dict):
        is_file = "path" in value and "mime" in value
        kept = {name: item for name, item in value.items() if not (is_file and name in _FILES)}
        return {name: _shown(item) for name, item in kept.items()}
    return [_shown(item) for item in value] if isinstance(value, list | tuple) else value
