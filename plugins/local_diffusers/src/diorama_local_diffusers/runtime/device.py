"""Which device, which number type, and how much memory is free."""

from __future__ import annotations

from typing import Any


def pick_device(wanted: str = "") -> str:
    """Return ``wanted``, or the best device of this machine: CUDA, then MPS, then CPU."""
    if wanted:
        return wanted
    import torch

    if torch.cuda.is_available():
        return "cuda:0"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pick_dtype(device: str) -> Any:
    """Return bfloat16 where the device computes with it natively, float16 on other accelerators, float32 on CPU."""
    import torch

    if device.startswith("cuda"):
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.float16 if device == "mps" else torch.float32


def free_bytes(device: str) -> int:
    """Return the free memory of a device; on CPU and MPS what the system calls available."""
    import torch

    if device.startswith("cuda"):
        return int(torch.cuda.mem_get_info(device)[0])
    import psutil  # type: ignore[import-untyped]

    return int(psutil.virtual_memory().available)


def start_measuring(device: str) -> None:
    """Forget the highest use of a device's memory so far."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)


def peak_bytes(device: str) -> int | None:
    """Return the highest use of a device's memory by this process since :func:`start_measuring`.

    ``None`` where the device does not tell, which is everywhere but on CUDA.
    """
    if not device.startswith("cuda"):
        return None
    import torch

    return int(torch.cuda.max_memory_allocated(device))


def release_cache(device: str) -> None:
    """Give memory that no tensor uses back to the system."""
    import gc

    import torch

    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()
