"""Whether a model fits into this machine's memory now, how, and what would fit instead."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from diorama.contract import AvailabilityState, MemoryNeed, ModelInfo
from diorama.workers.free_memory import free_memory, free_ram, held_memory, resident_bytes

if TYPE_CHECKING:
    from diorama.engine import Engine

log = logging.getLogger(__name__)
Verdict = Literal["yes", "with_offload", "no"]
SUGGESTED = 5
"""How many models that would fit are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Memory that can be had now.

    Attributes:
        device: Such as ``cuda:0`` or ``cpu``.
        device_bytes: Free on the device; ``None`` when not known.
        ram_bytes: Free in main memory; ``None`` when not known.
    """

    device: str
    device_bytes: int | None
    ram_bytes: int | None

    def takes(self, need: MemoryNeed) -> bool:
        """Whether a way of running a model fits; what is not known is taken to be enough."""
        fits = self.device_bytes is None or need.device_bytes <= self.device_bytes
        return fits and (self.ram_bytes is None or need.ram_bytes <= self.ram_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The answer for one model.

    Attributes:
        verdict: ``yes``, ``with_offload`` (a way that spares memory fits) or ``no``.
        plan: The way that fits, empty when none does.
        parameters: Request parameters that choose it.
        why: One sentence.
        device: Where it would run, empty for models that run elsewhere.
        needed_bytes: What the way that fits, or else the leanest one, needs on the device.
        free_bytes: What the device has free.
    """

    verdict: Verdict
    why: str
    plan: str = ""
    parameters: Mapping[str, Any]
    device: str = ""
    needed_bytes: int | None = None
    free_bytes: int | None = None


def fit(needs: Sequence[MemoryNeed], room: Room) -> Fit:
    """Choose the first way that fits into the room."""
    usual = needs[0]
    free = room.device_bytes
    for need in needs:
        if not room.takes(need):
            continue
        verdict: Verdict = "yes" if need is usual else "with_offload"
        why = f"It takes {_gb(need.device_bytes)} on {room.device}, and {_gb(free)} are free."
        if need is not usual:
            why = (
                f"Whole it takes {_gb(usual.device_bytes)}, and {_gb(free)} are free; by {need.plan} it fits."
            )
        return Fit(verdict=verdict, plan=need.plan, parameters=need.parameters, why=why, device=room.device,
                   needed_bytes=need.device_bytes, free_bytes=free)  # fmt: skip
    leanest = min(needs, key=lambda need: need.device_bytes)
    short = leanest.device_bytes if not (free is None or leanest.device_bytes <= free) else None
    why = (
        f"Even by {leanest.plan} it takes {_gb(short)} on {room.device}, and {_gb(free)} are free."
        if short is not None
        else f"Its weights need {_gb(leanest.ram_bytes)} of main memory, and {_gb(room.ram_bytes)} are free."
    )
    return Fit(verdict="no", parameters={}, why=why, device=room.device, needed_bytes=leanest.device_bytes,
               free_bytes=free)  # fmt: skip


class Fitter:
    """Answers for the models of an engine; a model that is open now fits, and closed ones make room."""

    def __init__(self, engine: Engine, free: Callable[[str], int | None] = free_memory) -> None:
        self._engine = engine
        self._free = free

    def answer(self, model: ModelInfo) -> dict[str, Any]:
        """Return whether a model can run now, why not, and what would help, as plain values."""
        found = self.of(model)
        state = model.availability.state
        ready, fits = state is AvailabilityState.READY, found.verdict != "no"
        instead = [] if ready and fits else self.instead(model)
        advice = (
            f"These fit: {', '.join(instead)}." if instead else "Close other programs that use the device."
        )
        return {
            "model": model.id,
            "can_generate": ready and fits,
            "availability": state.value,
            "verdict": found.verdict if ready else "no",
            "reason": found.why if ready else state.value.replace("_", " "),
            "fix": model.availability.fix if not ready else None if fits else advice,
            "plan": found.plan or None,
            "parameters": dict(found.parameters),
            "device": found.device or None,
            "memory_gb": model.memory_gb,
            "needed_gb": gigabytes(found.needed_bytes),
            "free_gb": gigabytes(found.free_bytes),
            "would_fit": instead,
        }

    def of(self, model: ModelInfo) -> Fit:
        """Return whether a model fits."""
        if self._engine.registry.backend(model.backend).placement == "thread":
            return Fit(verdict="yes", parameters={}, why="It does not compute on this machine.")
        device, *_ = self._engine.executor.lanes()
        if any(model.id in models for models in self._engine.executor.loaded().values()):
            return Fit(verdict="yes", parameters={}, why="It is open in memory now.", device=device)
        needs = self._needs(model, device)
        if not needs:
            return Fit(verdict="yes", parameters={}, why="What it needs is not known.", device=device)
        return fit(needs, self.room(device))

    def instead(self, model: ModelInfo) -> list[str]:
        """Return ids of ready models for the same work that would fit, the largest first."""
        others = [
            other
            for other in self._engine.catalog.models()
            if other.id != model.id
            and set(model.operations) <= set(other.operations)
            and other.availability.state is AvailabilityState.READY
            and not other.data_leaves_machine
        ]
        fitting = [other for other in others if self.of(other).verdict != "no"]
        fitting.sort(key=lambda other: -(other.memory_gb or other.disk_gb or 0))
        return [other.id for other in fitting[:SUGGESTED]]

    def room(self, device: str) -> Room:
        """Return what is free on a device, with what its idle worker would give back."""
        idle = [
            worker.pid
            for worker in self._engine.executor.workers()
            if worker.pid is not None and worker.state == "idle"
        ]
        ram = free_ram()
        ram = None if ram is None else ram + sum(resident_bytes(pid) for pid in idle)
        card = self._free(device) if device.startswith("cuda") else ram
        if card is not None:
            card += sum(held_memory(device, pid) for pid in idle)
        return Room(device=device, device_bytes=card, ram_bytes=ram)

    def _needs(self, model: ModelInfo, device: str) -> Sequence[MemoryNeed]:
        try:
            found = tuple(self._engine.registry.backend(model.backend).memory_needs(model.native_id, device))
        except Exception:
            log.exception("The backend %s failed to say what %s needs", model.backend, model.id)
            found = ()
        if found or model.memory_gb is None:
            return found
        return (MemoryNeed(plan="full", device_bytes=int(model.memory_gb * 1e9)),)


def gigabytes(size: int | None) -> float | None:
    """Return bytes as GB (10^9 bytes), ``None`` where they are not known."""
    return None if size is None else round(size / 1e9, 3)


def _gb(size: int | None) -> str:
    return "an unknown amount" if size is None else f"{size / 1e9:.1f} GB"
