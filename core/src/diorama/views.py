"""Plain values that the REST API and the command line give alike."""

from __future__ import annotations

import time
from typing import Any

from diorama.contract import to_plain
from diorama.offers import Family
from diorama.settings import SpendingSettings
from diorama.shelf import OfferedLora, OnDisk
from diorama.spending import BatchEstimate, Costs
from diorama.spending.purse import day_of


def family_view(family: Family) -> dict[str, Any]:
    """Return a family with what matters for a choice among its offers."""
    return {
        "family": family.family,
        "title": family.title,
        "operations": sorted({name.value for offer in family.offers for name in offer.model.operations}),
        "offers": [
            {
                "id": offer.model.id,
                "backend": offer.model.backend,
                "title": offer.model.title,
                "price": to_plain(offer.model.price),
                "median_seconds": offer.median_seconds,
                "license": to_plain(offer.model.license),
                "availability": to_plain(offer.model.availability),
                "data_leaves_machine": offer.model.data_leaves_machine,
            }
            for offer in family.offers
        ],
    }


def lora_view(item: OfferedLora) -> dict[str, Any]:
    """Return a LoRA with the models that it fits."""
    return {**to_plain(item.lora), "backend": item.backend, "models": list(item.models)}


def disk_view(item: OnDisk) -> dict[str, Any]:
    """Return what a model takes on disk."""
    stored = item.stored
    return {
        "id": item.id,
        "path": stored.path,
        "size_bytes": stored.size_bytes,
        "freeable_bytes": stored.freeable_bytes,
        "shared_with": [f"{item.id.partition(':')[0]}:{name}" for name in stored.shared_with],
    }


def estimate_view(estimate: BatchEstimate) -> dict[str, Any]:
    """Return an estimate."""
    plain: dict[str, Any] = to_plain(estimate)
    return plain


def costs_view(costs: Costs, caps: SpendingSettings, **filters: Any) -> dict[str, Any]:
    """Return what was spent, what was spent today, and the caps."""
    today = day_of(time.time())
    return {
        "by": filters.get("by", "day"),
        "costs": to_plain(costs.report(**filters)),
        "today": to_plain(costs.report("day", since=today, until=today)),
        "caps": to_plain(caps),
    }
