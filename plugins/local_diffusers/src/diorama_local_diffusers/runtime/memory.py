"""Plans for models that are larger than the device, from all-on-the-device to one layer at a time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from diorama.contract import InvalidRequest, JobContext, OutOfMemory
from diorama.contract.context import Stage

PLANS = ("full", "vae_tiling", "model_offload", "group_offload")
"""Leaner and slower from left to right.

``full`` keeps everything on the device; ``vae_tiling`` too, and from there on large pictures are encoded and decoded in
tiles; ``model_offload`` keeps one part there (text encoder, denoiser or VAE); ``group_offload`` keeps one layer there.
"""
ON_DEVICE = frozenset({"full", "vae_tiling"})
"""Plans under which all weights lie on the device."""
HEADROOM = 1.15
"""Weights times this must fit: the rest is for what is computed."""
WORK_BYTES = 1_500_000_000
"""Room for activations at usual sizes, and for tiles."""
BYTES_A_PIXEL = 1_500
"""What decoding takes for each pixel that is decoded at once; the sum of the largest layers of the usual VAEs."""


def choose_plan(
    device: str,
    parts: dict[str, int],
    free: int,
    wanted: str = "",
    measured: Callable[[str], int | None] = lambda plan: None,
    pixels: int = 0,
) -> str:
    """Return the plan for a model: the first that fits by what was measured before, else by an estimate.

    Args:
        device: ``cuda:0``, ``mps``, ``cpu``; where device and main memory are the same, offloading gains nothing.
        parts: Bytes of the weights of each part.
        free: Bytes that are free on the device.
        wanted: The user's choice; empty chooses.
        measured: Bytes that a plan was measured to need for such a job, ``None`` when it was not.
        pixels: How many are decoded at once; 0 where the model chooses the size.

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
    whole, largest = sum(parts.values()), max(parts.values())
    decoding = pixels * BYTES_A_PIXEL
    ways = [("full", whole, max(WORK_BYTES, decoding)), ("model_offload", largest, WORK_BYTES)]
    if decoding > WORK_BYTES or measured("vae_tiling") is not None:
        ways.insert(1, ("vae_tiling", whole, WORK_BYTES))
    for plan, weights, work in ways:
        need = measured(plan)
        if (int(weights * HEADROOM) + work if need is None else need) <= free:
            return plan
    return "group_offload"


def leaner(plan: str, *, decoding: bool = False) -> str | None:
    """Return the plan that may do what another one ran out of memory at, ``None`` after the last.

    Tiles help where memory ran out while the result was decoded, and nowhere else.
    """
    if plan == "full" and not decoding:
        return "model_offload"
    following = PLANS.index(plan) + 1
    return PLANS[following] if following < len(PLANS) else None


def apply_plan(pipe: Any, plan: str, device: str) -> None:
    """Bring an open pipeline into a plan; its weights may lie anywhere before."""
    import torch

    pipe.remove_all_hooks()
    if plan in ON_DEVICE:
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
    if plan != "full":
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
        fix="Ask for a smaller size or fewer frames, for weights in 8 bits (`-p fp8=true`) or a smaller quantisation where "
        "the model has them, or close other programs that use the device.",
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; CPU and MPS say so in words only."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError)
        and any(words in str(error) for words in ("can't allocate memory", "out of memory"))
    )
