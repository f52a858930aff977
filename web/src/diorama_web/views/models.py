"""Catalog entries as they are answered."""

from __future__ import annotations

from typing import Any

from diorama.contract import Capabilities, ModelInfo, Operation, to_plain

_SUMMARY = (
    "id", "title", "family", "kind", "description", "category", "tags", "author", "price", "license",
    "availability", "data_leaves_machine", "disk_gb", "memory_gb", "downloadable",
)  # fmt: skip


def model_view(model: ModelInfo) -> dict[str, Any]:
    """Return everything about a model."""
    plain: dict[str, Any] = to_plain(model)
    return {**plain, "backend": model.backend, "mode": model.mode}


def model_summary(model: ModelInfo) -> dict[str, Any]:
    """Return what a list of models needs."""
    plain = {name: to_plain(getattr(model, name)) for name in _SUMMARY}
    operations = {operation.value: None for operation in model.operations}
    return {
        **plain,
        "backend": model.backend,
        "mode": model.mode,
        "operations": list(operations),
        "enlarges": _enlarges(model.operations.get(Operation.UPSCALE)),
        "takes_video": _takes_video(model.operations.get(Operation.VIDEO)),
    }


def _enlarges(upscale: Capabilities | None) -> list[str]:
    """Return the kinds of files that an upscaler takes."""
    if upscale is None:
        return []
    return [kind for kind, takes in (("image", upscale.images_in), ("video", upscale.videos_in)) if takes]


def _takes_video(video: Capabilities | None) -> bool:
    """Return whether a model makes videos over."""
    return video is not None and video.videos_in
