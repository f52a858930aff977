"""The catalog by family: who offers the same model, at what price, how fast, and where it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from diorama.contract import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way to run a model.

    Attributes:
        model: Catalog entry: id, price, licence, availability, whether data leaves the machine.
        median_seconds: Usual seconds of a run here; ``None`` when none was measured.
    """

    model: ModelInfo
    median_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A model with all its offers.

    Attributes:
        family: Name that can be given as ``model``; the model's own id where it belongs to no family.
        title: Name for people.
        offers: In catalog order: what runs here and now first.
    """

    family: str
    title: str
    offers: tuple[Offer, ...]


def group(models: Iterable[ModelInfo], seconds: Mapping[str, float]) -> list[Family]:
    """Return the families of ``models``, in the order of their first members.

    Args:
        models: Catalog entries.
        seconds: Usual seconds of a run by model id.
    """
    members: dict[str, list[ModelInfo]] = {}
    for model in models:
        members.setdefault(model.family.casefold() or model.id, []).append(model)
    return [
        Family(
            family=found[0].family or found[0].id,
            title=min((model.title for model in found), key=len),
            offers=tuple(Offer(model=model, median_seconds=seconds.get(model.id)) for model in found),
        )
        for found in members.values()
    ]
