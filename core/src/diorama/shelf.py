"""What all backends together keep on this machine: LoRA and models on disk. One that fails harms nobody else."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from diorama.catalog import Catalog
from diorama.contract import (
    Backend,
    BackendNotReady,
    LoraInfo,
    ModelInfo,
    Operation,
    StoredModel,
    UnknownModel,
)
from diorama.plugins.registry import PluginRegistry

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedLora:
    """A LoRA with what it can be used with.

    Attributes:
        backend: Backend that has it.
        lora: What the backend says.
        models: Ids of the models that it fits, in catalog order.
    """

    backend: str
    lora: LoraInfo
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDisk:
    """A model on this disk.

    Attributes:
        id: Model id.
        stored: What the backend says.
    """

    id: str
    stored: StoredModel


class Shelf:
    """Looks at what the backends keep.

    Args:
        registry: Loaded backends.
        catalog: Tells which models a LoRA fits.
    """

    def __init__(self, registry: PluginRegistry, catalog: Catalog) -> None:
        self._registry, self._catalog = registry, catalog

    def loras(self, kind: str = "") -> list[OfferedLora]:
        """Return the LoRA of all backends, those here first; only those of one family when ``kind`` is given."""
        models = self._catalog.models()
        found = [
            OfferedLora(backend=name, lora=self._fetchable(lora), models=fitting_models(name, lora, models))
            for name, lora in self._each(lambda backend: backend.loras(), "list its LoRA")
            if not kind or lora.kind == kind
        ]
        return sorted(found, key=lambda item: item.lora.availability.state != "ready")

    def _fetchable(self, lora: LoraInfo) -> LoraInfo:
        """Return a LoRA without its download id when the backend that would fetch it is not here."""
        here = lora.download.partition(":")[0] in self._registry.backends
        return lora if here or not lora.download else replace(lora, download="")

    def on_disk(self) -> list[OnDisk]:
        """Return the models on this disk, the largest first."""
        found = [
            OnDisk(id=f"{name}:{stored.native_id}", stored=stored)
            for name, stored in self._each(lambda backend: backend.storage(), "say what it stores")
        ]
        return sorted(found, key=lambda item: -item.stored.size_bytes)

    def remove(self, model_id: str) -> str:
        """Take a model that a user added out of its backend's list, and return its id; its files stay.

        Raises:
            UnknownModel: it is not among the models that were added.
            BackendNotReady: its backend takes none.
        """
        name, _, native_id = model_id.partition(":")
        if name not in self._registry.backends or not native_id:
            model = self._catalog.get(model_id)
            name, native_id = model.backend, model.native_id
        self._registry.backend(name).remove(native_id)
        self._catalog.refresh(name)
        return f"{name}:{native_id}"

    def _each(self, ask: Callable[[Backend], Sequence[T]], what: str) -> Iterator[tuple[str, T]]:
        for name, backend in list(self._registry.backends.items()):
            try:
                answer = ask(backend)
            except (BackendNotReady, UnknownModel) as error:
                log.info("The backend %s does not %s: %s", name, what, error.message)
                continue
            except Exception:
                log.exception("The backend %s failed to %s", name, what)
                continue
            for item in answer:
                yield name, item


def fitting_models(backend: str, lora: LoraInfo, models: Sequence[ModelInfo]) -> tuple[str, ...]:
    """Return the ids of a backend's models that take this kind of LoRA."""
    wanted = (Operation.GENERATE, Operation.EDIT, Operation.VIDEO)
    return tuple(
        model.id
        for model in models
        if model.backend == backend
        and lora.kind
        and any(lora.kind in model.operations[name].lora_kinds for name in wanted if name in model.operations)
    )
