"""Stored files as they are answered."""

from __future__ import annotations

from typing import Any

from diorama.assets.records import Asset

from diorama_web.encoding import iso_time

EXTENSIONS = {
    "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif",
    "video/mp4": "mp4", "video/webm": "webm", "audio/wav": "wav", "audio/mpeg": "mp3", "audio/flac": "flac",
    "audio/ogg": "ogg", "audio/mp4": "m4a",
}  # fmt: skip
"""Types that are shown in place; anything else is only ever downloaded."""


def filename(asset: Asset) -> str:
    """Return the name that a download gets; made of our id only."""
    return f"diorama-{asset.id}.{EXTENSIONS.get(asset.mime, 'bin')}"


def image_ref(asset: Asset) -> dict[str, Any]:
    """Return the short form of a picture."""
    return {
        "id": asset.id,
        "filename": filename(asset),
        "url": f"/api/assets/{asset.id}/file",
        "thumbnail_url": f"/api/assets/{asset.id}/thumbnail",
        "seed": asset.seed,
        "width": asset.width,
        "height": asset.height,
        "placeholder": asset.placeholder or None,
    }


def video_ref(asset: Asset) -> dict[str, Any]:
    """Return the short form of a video."""
    return {**_timed_ref(asset), "preview_url": f"/api/video-assets/{asset.id}/preview"}


def _timed_ref(asset: Asset) -> dict[str, Any]:
    return {
        **image_ref(asset),
        "duration": asset.duration,
        "fps": asset.fps,
        "has_audio": asset.has_audio,
    }


def sound_ref(asset: Asset) -> dict[str, Any]:
    """Return the short form of a sound."""
    short = {key: value for key, value in image_ref(asset).items() if key not in ("width", "height")}
    return {
        **short,
        "mime": asset.mime,
        "duration": asset.duration,
        "sample_rate": asset.sample_rate,
        "channels": asset.channels,
    }


def asset_view(asset: Asset) -> dict[str, Any]:
    """Return an asset without its recipe."""
    return {
        **_timed_ref(asset),
        "sample_rate": asset.sample_rate,
        "channels": asset.channels,
        "kind": asset.kind,
        "mime": asset.mime,
        "bytes": asset.bytes,
        "frames": asset.frames,
        "prompt": asset.prompt,
        "title": asset.title,
        "model": asset.model,
        "operation": asset.operation,
        "job_id": asset.job_id,
        "session_id": asset.session_id,
        "batch_id": asset.batch_id,
        "parents": list(asset.parents),
        "loras": list(asset.loras),
        "favourite": asset.favourite,
        "cost": asset.cost,
        "created_at": iso_time(asset.created_at),
        "trashed_at": iso_time(asset.trashed_at),
    }


def asset_detail(asset: Asset) -> dict[str, Any]:
    """Return an asset with everything that is known about it."""
    return {**asset_view(asset), "sha256": asset.sha256, "recipe": asset.recipe}
