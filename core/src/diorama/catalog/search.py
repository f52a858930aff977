"""Choosing models out of many. An index is built once per change of the catalog, so 10,000 models stay fast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from diorama.contract import ModelInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """What to look for; ``None`` and empty mean "any".

    Attributes:
        operation: The model offers it.
        backend: Id of its backend.
        category: Its shelf.
        tag: One of its tags.
        availability: Its state, such as ``ready``.
        kind: Architecture family.
        family: Family of offers.
        text: Words that all occur in id, title, family, description, author or tags.
    """

    operation: str | None = None
    backend: str | None = None
    category: str | None = None
    tag: str | None = None
    availability: str | None = None
    kind: str | None = None
    family: str | None = None
    text: str | None = None


class ModelIndex:
    """An immutable set of models with fast look-up."""

    def __init__(self, models: Iterable[ModelInfo]) -> None:
        self.models = tuple(models)
        self.by_id = {model.id: model for model in self.models}
        self._haystacks = [
            " ".join(
                (model.id, model.title, model.family, model.description, model.author, *model.tags)
            ).casefold()
            for model in self.models
        ]

    def search(self, wanted: ModelFilter) -> Iterator[ModelInfo]:
        """Yield the models that fit, in catalog order."""
        words = wanted.text.casefold().split() if wanted.text else []
        for model, haystack in zip(self.models, self._haystacks, strict=True):
            if all(word in haystack for word in words) and _fits(model, wanted):
                yield model

    def named(self, name: str) -> list[ModelInfo]:
        """Return models whose family or native id is ``name``, ready ones first."""
        low = name.casefold()
        found = [m for m in self.models if low in (m.family.casefold(), m.native_id.casefold())]
        return sorted(found, key=lambda m: (m.availability.state != "ready", m.data_leaves_machine))

    def similar(self, name: str, count: int = 3) -> list[str]:
        """Return ids that look like ``name``, for "did you mean"."""
        import difflib

        plain = {model.native_id.casefold(): model.id for model in self.models}
        plain.update({model.id.casefold(): model.id for model in self.models})
        close = difflib.get_close_matches(name.casefold(), plain, n=count * 2, cutoff=0.5)
        return list(dict.fromkeys(plain[key] for key in close))[:count]


def _fits(model: ModelInfo, wanted: ModelFilter) -> bool:
    if wanted.operation and wanted.operation not in (operation.value for operation in model.operations):
        return False
    return all(
        asked is None or asked == "" or asked == actual
        for asked, actual in (
            (wanted.backend, model.backend),
            (wanted.category, model.category),
            (wanted.availability, model.availability.state.value),
            (wanted.kind, model.kind),
            (wanted.family, model.family),
        )
    ) and (not wanted.tag or wanted.tag in model.tags)
