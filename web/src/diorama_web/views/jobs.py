"""Jobs as they are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diorama.assets.records import Asset
from diorama.contract import DioramaError, to_plain
from diorama.jobs.records import Job, JobStatus

from diorama_web.encoding import iso_time
from diorama_web.views.media import image_ref, sound_ref, video_ref

if TYPE_CHECKING:
    from diorama.engine import Engine

_MESSAGES = {
    JobStatus.QUEUED: "Waiting in the queue.",
    JobStatus.COMPLETED: "Done.",
    JobStatus.CANCELLED: "Cancelled.",
    JobStatus.FAILED: "Failed.",
}


def message_of(job: Job) -> str:
    """Return a sentence about where the job is."""
    return job.message or job.wait_reason or _MESSAGES.get(job.status, "")


def assets_of(job: Job, engine: Engine) -> list[Asset]:
    """Return the job's assets that still exist, in order."""
    found = []
    for asset_id in job.asset_ids:
        try:
            found.append(engine.assets.get(asset_id))
        except DioramaError:
            continue  # deleted for good meanwhile
    return found


def job_status(job: Job) -> dict[str, Any]:
    """Return the moving part of a job."""
    return {
        "job_id": job.id,
        "status": job.status.value,
        "progress": round(job.progress, 2),
        "message": message_of(job),
        "numbers": dict(job.numbers),
        "eta_seconds": job.eta_seconds,
        "queue_position": job.queue_position,
        "wait_reason": job.wait_reason,
        "error": dict(job.error) if job.error else None,
    }


def job_view(job: Job, engine: Engine) -> dict[str, Any]:
    """Return a job with its results."""
    assets = assets_of(job, engine)
    videos = [asset for asset in assets if asset.kind == "video"]
    return {
        **job_status(job),
        "kind": job.kind.value,
        "model": job.model,
        "prompt": job.asked.get("prompt") or "",
        "held": job.held,
        "priority": job.priority,
        "attempt": job.attempt,
        "retry_of": job.retry_of,
        "session_id": job.session_id,
        "batch_id": job.batch_id,
        "width": job.request.get("width"),
        "height": job.request.get("height"),
        "images": [image_ref(asset) for asset in assets if asset.kind == "image"],
        "video": video_ref(videos[0]) if videos else None,
        "sounds": [sound_ref(asset) for asset in assets if asset.kind == "audio"],
        "applied": dict(job.applied),
        "adjusted": to_plain(job.adjusted),
        "ignored": to_plain(job.ignored),
        "cost": dict(job.cost) if job.cost else None,
        "timings": dict(job.timings),
        "created_at": iso_time(job.created_at),
        "started_at": iso_time(job.started_at),
        "finished_at": iso_time(job.finished_at),
    }


def accepted(job: Job) -> dict[str, Any]:
    """Return the answer to a submission."""
    return {"job_id": job.id, "status": job.status.value, "message": message_of(job)}


def generate_reply(job: Job, engine: Engine) -> dict[str, Any]:
    """Return a finished job as the answer of a call that waited."""
    assets = assets_of(job, engine)
    images = [image_ref(asset) for asset in assets if asset.kind == "image"]
    first = images[0] if images else {}
    return {
        "job_id": job.id,
        "batch_id": job.batch_id,
        "prompt": job.asked.get("prompt") or "",
        "model": job.model,
        "width": first.get("width") or job.request.get("width"),
        "height": first.get("height") or job.request.get("height"),
        "steps": job.request.get("num_inference_steps"),
        "guidance_scale": job.request.get("guidance_scale"),
        "images": images,
        "sounds": [sound_ref(asset) for asset in assets if asset.kind == "audio"],
        "created_at": iso_time(job.created_at),
        "applied": dict(job.applied),
        "adjusted": to_plain(job.adjusted),
        "ignored": to_plain(job.ignored),
    }
