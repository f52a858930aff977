"""Plans for models that are larger than the device, from all-on-the-device to one layer at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from diorama.contract import InvalidRequest, JobContext, OutOfMemory
from diorama.contract.context import Stage

PLANS = ("full", "model_offload", "group_offload")
"""Leaner and slower from left to right.

``full`` keeps everything on the device; ``model_offload`` keeps one part there (text encoder, denoiser or VAE);
``group_offload`` keeps one layer there, and decodes pictures in tiles.
"""
HEADROOM = 1.15
"""Weights times this must fit: the rest is for what is computed."""
WORK_BYTES = 1_500_000_000
"""Room for activations at usual sizes."""


def choose_plan(
    device: str,
    parts: dict[str, int],
    free: int,
    wanted: str = "",
    measured: Callable[[str], int | None] = lambda plan: None,
) -> str:
    """Return the plan for a model: the first that fits by what was measured before, else by an estimate.

    Args:
        device: ``cuda:0``, ``mps``, ``cpu``; where device and main memory are the same, offloading gains nothing.
        parts: Bytes of the weights of each part.
        free: Bytes that are free on the device.
        wanted: The user's choice; empty chooses.
        measured: Bytes that a plan was measured to need for such a job, ``None`` when it was not.

    Raises:
        InvalidRequest: ``wanted`` is no plan.
    """
    if wanted:
        if wanted not in PLANS:
            raise InvalidRequest(
                f"Unknown memory plan {wanted!r}.", field="memory_plan", fix=f"One of {', '.join(PLANS)}."
            )
        return wanted
    if not device.startswith("cuda") or not parts:
        return "full"
    weights = {"full": sum(parts.values()), "model_offload": max(parts.values())}
    for plan, size in weights.items():
        need = measured(plan)
        if (int(size * HEADROOM) + WORK_BYTES if need is None else need) <= free:
            return plan
    return "group_offload"


def leaner(plan: str) -> str | None:
    """Return the next leaner plan, ``None`` after the last."""
    following = PLANS.index(plan) + 1
    return PLANS[following] if following < len(PLANS) else None


def apply_plan(pipe: Any, plan: str, device: str) -> None:
    """Bring an open pipeline into a plan; its weights may lie anywhere before."""
    import torch

    pipe.remove_all_hooks()
    if plan == "full":
        pipe.to(device)
    elif plan == "model_offload":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.to("cpu")
        pipe.enable_group_offload(
            onload_device=torch.device(device),
            offload_type="leaf_level",
            use_stream=device.startswith("cuda"),
            low_cpu_mem_usage=device.startswith("cuda"),
        )
        _tile(pipe)


def _tile(pipe: Any) -> None:
    for name in ("enable_tiling", "enable_slicing"):
        switch = getattr(getattr(pipe, "vae", None), name, None)
        if switch is not None:
            switch()


def tell_of_leaner(before: str, plan: str, stage: Stage, context: JobContext) -> None:
    """Tell the user that memory ran out and what is tried now; it is no value of the request, so strict ones go on."""
    context.log.warning("Out of memory with plan %s, trying %s", before, plan)
    context.progress(stage, None, f"Out of memory: trying again with the plan {plan}")
    with suppress(InvalidRequest):
        context.adjusted("memory_plan", before, plan, "Memory ran out; the leaner plan is slower.")


def out_of_memory(name: str, device: str) -> OutOfMemory:
    """Return the error for a job that no plan could save."""
    return OutOfMemory(
        f"{name} ran out of memory on {device}.",
        fix="Ask for a smaller size or fewer frames, or close other programs that use the device.",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; CPU and MPS say so in words only."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in str(error) for words in ("can't allocate memory", "out of memory"))
    )
