"""Catalog entries as they are answered."""

from __future__ import annotations

from typing import Any

from diorama.contract import ModelInfo, to_plain

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
    return {**plain, "backend": model.backend, "mode": model.mode, "operations": list(operations)}
