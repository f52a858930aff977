"""Models stay open between jobs, within a budget of bytes; the least recently used one leaves first."""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from diorama.contract import BackendSettings

from diorama_local_diffusers.families.base import Family
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder
from diorama_local_diffusers.runtime.device import free_bytes, release_cache
from diorama_local_diffusers.runtime.memory import ON_DEVICE, apply_plan, leaner

ROOM = 1.25
"""Weights times this must be free: a fifth stays for activations and for others."""


class Loaded:
    """An open model.

    Attributes:
        entry: Its row in the list.
        family: Its adapter.
        folder: Where its parts came from, when that was a folder.
        pipe: The pipeline it was opened as.
        settings: Of the backend.
        device: Where it computes.
        plan: The memory plan that it runs under.
        bytes: What its weights take.
        preview: Turns latents into small pictures, once it is fitted.
        rungs: What the profile of the running job added.
        networks: ControlNets that were opened for it, by source.
        loras: ``(file, digest, weight)`` of the LoRA that are on, ``None`` when not known after a failure.
        retries: Changes of plan that the running job made because memory ran out.
        outgrown: Plan that such a change left, empty when there was none in this job.
        variant: What the weights are beside the usual: a GGUF type, or ``fp8``.
    """

    def __init__(
        self,
        entry: ModelEntry,
        family: Family,
        folder: PipelineFolder | None,
        pipe: Any,
        settings: BackendSettings,
        device: str = "cpu",
        plan: str = "full",
        variant: str = "",
    ) -> None:
        self.variant = variant
        self.settings = settings
        self.device = device
        self.plan = plan
        self.entry = entry
        self.family = family
        self.folder = folder
        self.pipe = pipe
        self.bytes = weight_bytes(pipe)
        self.preview: Callable[[Any], Any] | None = None
        self.rungs: tuple[str, ...] = ()
        self.networks: dict[str, Any] = {}
        self.loras: tuple[tuple[str, str, float], ...] | None = ()
        self.retries: tuple[str, ...] = ()
        self.outgrown = ""
        self._views: dict[str, Any] = {type(pipe).__name__: pipe}
        self._scheduler = pipe.scheduler
        self._current: Any = None

    def view(self, class_name: str, **more: Any) -> Any:
        """Return the same weights as a pipeline of another class; no weight is copied."""
        key = ":".join([class_name, *(f"{name}={_identity(part)}" for name, part in sorted(more.items()))])
        if key not in self._views:
            import diffusers

            view = getattr(diffusers, class_name).from_pipe(self.pipe, **more)
            view.set_progress_bar_config(disable=True)
            self._views[key] = view
        self._offload_for(self._views[key])
        return self._views[key]

    def leaner(self, pipe: Any, *, decoding: bool) -> bool:
        """Go over to a leaner memory plan for ``pipe``, one of the views; false when there is none.

        Args:
            pipe: The pipeline that ran out of memory.
            decoding: Whether it did so after its last step.
        """
        plan = leaner(self.plan, decoding=decoding) if self.device.startswith("cuda") else None
        if plan is None:
            return False
        self.retries += (f"{self.plan} -> {plan}",)
        self.outgrown = self.plan
        self.plan = plan
        apply_plan(pipe, plan, self.device)
        self._current = pipe
        return True

    def park(self) -> None:
        """Move the weights into main memory."""
        self.pipe.to("cpu")

    def unpark(self) -> None:
        """Move the weights back onto the device."""
        self.pipe.to(self.device)

    def _offload_for(self, view: Any) -> None:
        # The hooks of a part know the pipeline's order of parts, so they are put on anew for another view.
        if self.plan == "model_offload" and self._current is not view:
            apply_plan(view, self.plan, self.device)
            self._current = view

    def use_scheduler(self, pipe: Any, name: str | None) -> None:
        """Give ``pipe`` a fresh sampler, the model's own for ``None``, so that no state comes from an earlier job."""
        from diorama_local_diffusers.runtime.schedulers import make_scheduler

        own = self._scheduler
        # The model's own never runs itself, so a copy of it is a fresh one, and made sooner.
        pipe.scheduler = make_scheduler(name, own.config) if name else copy.deepcopy(own)

    def forget_views(self) -> None:
        """Drop all other pipelines over these weights."""
        self._views = {type(self.pipe).__name__: self.pipe}
        self.networks.clear()


class Residents:
    """The open models of one process: on the device, and those that had to leave it parked in main memory.

    Args:
        device: Where they compute.
        budget: Bytes that all models on the device together may take; 0 lets the free memory decide.
    """

    def __init__(self, device: str, budget: int = 0) -> None:
        self.device = device
        self._budget = budget
        self._open: OrderedDict[str, Loaded] = OrderedDict()
        self._parked: OrderedDict[str, Loaded] = OrderedDict()

    def get(self, key: str, needed: int, make: Callable[[], Loaded]) -> Loaded:
        """Return the open model ``key``, bring it back from main memory, or open it.

        Args:
            key: Name with everything that changes the weights.
            needed: Bytes it is expected to take; room is made before it is opened.
            make: Opens it.
        """
        if key in self._open:
            self._open.move_to_end(key)
            return self._open[key]
        parked = self._parked.pop(key, None)
        self._make_room(needed if parked is None else parked.bytes)
        if parked is not None:
            parked.unpark()
        else:
            self._make_ram(needed)
        loaded = parked or make()
        self._open[key] = loaded
        return loaded

    def __contains__(self, key: str) -> bool:
        return key in self._open or key in self._parked

    def drop(self, key: str | None = None) -> None:
        """Close one model (every variant whose key starts with ``key``), or all, and free their memory."""
        for held in (self._open, self._parked):
            for name in [name for name in held if key is None or name == key or name.startswith(key + "|")]:
                held.pop(name).forget_views()
        release_cache(self.device)

    def names(self) -> tuple[str, ...]:
        """Return the keys of the models on the device, least recently used first."""
        return tuple(self._open)

    def parked_names(self) -> tuple[str, ...]:
        """Return the keys of the models that wait in main memory, least recently used first."""
        return tuple(self._parked)

    def bytes_beside(self, loaded: Loaded) -> int:
        """Return the bytes that other models take on the device."""
        return sum(
            other.bytes for other in self._open.values() if other is not loaded and other.plan in ON_DEVICE
        )

    def _make_room(self, needed: int) -> None:
        while self._open and self._too_much(needed):
            key, loaded = self._open.popitem(last=False)
            if self._may_park(loaded):
                loaded.park()
                self._parked[key] = loaded
            else:
                loaded.forget_views()
            del loaded
            release_cache(self.device)

    def _may_park(self, loaded: Loaded) -> bool:
        apart = self.device.startswith("cuda") and loaded.plan in ON_DEVICE
        return apart and loaded.bytes * ROOM <= free_bytes("cpu")

    def _make_ram(self, needed: int) -> None:
        """Close parked models that stand in the way of one that is to be opened."""
        while self._parked and needed * ROOM > free_bytes("cpu"):
            self._parked.popitem(last=False)[1].forget_views()
            release_cache(self.device)

    def _too_much(self, needed: int) -> bool:
        held = sum(model.bytes for model in self._open.values())
        if self._budget:
            return held + needed > self._budget
        return needed * ROOM > free_bytes(self.device)


def _identity(part: Any) -> str:
    """Return what tells parts apart that stay open; a list is told by what is in it, for it lives for one job."""
    return "+".join(str(id(item)) for item in part) if isinstance(part, list) else str(id(part))


def weight_bytes(pipe: Any) -> int:
    """Return the bytes of all weights of a pipeline."""
    from torch.nn import Module

    modules = [part for part in pipe.components.values() if isinstance(part, Module)]
    return sum(
        tensor.numel() * tensor.element_size()
        for module in modules
        for tensor in (*module.parameters(), *module.buffers())
    )
