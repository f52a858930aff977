"""Which devices this machine offers to worker backends, found without importing torch."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from diorama.settings import Settings

_NVIDIA_CARDS = (Path("/proc/driver/nvidia/gpus"), "*"), (Path("/dev"), "nvidia[0-9]*")
"""Where the driver shows cards, and under which names; containers often have the second place only."""
_NVIDIA_DRIVER = ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/dxg", "/dev/nvmap")
"""One of these is there on Linux where the driver is: usually, in Windows' subsystem, on boards."""


def detect_devices(settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return devices, best first: ``settings.devices``, else every CUDA device, else ``mps``, else ``cpu``.

    ``CUDA_VISIBLE_DEVICES`` is honoured as CUDA does: it hides and renumbers, so that ``cuda:0`` is the first one named.
    """
    if settings.devices:
        return settings.devices
    environ = os.environ if environ is None else environ
    cards = 0 if _torch_is_cpu_only(settings) else _cuda_cards(environ.get("CUDA_VISIBLE_DEVICES"))
    if cards:
        return tuple(f"cuda:{index}" for index in range(cards))
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ("mps",)
    return ("cpu",)


def _cuda_cards(visible: str | None) -> int:
    present = _count_by_nvml()
    if present is None:
        present = _count_by_driver()
    if visible is None:
        return present
    count = 0
    for name in (part.strip() for part in visible.split(",")):
        # CUDA stops at the first entry that names no card.
        if not name or (name.lstrip("-").isdigit() and not 0 <= int(name) < present):
            break
        count += 1
    return min(count, present)


def _count_by_nvml() -> int | None:
    if sys.platform == "linux" and not any(Path(place).exists() for place in _NVIDIA_DRIVER):
        return 0  # the library below takes 3 MB of an idle server, to find nothing
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        try:
            return int(pynvml.nvmlDeviceGetCount())
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return 0


def _count_by_driver() -> int:
    return max(sum(1 for _ in folder.glob(pattern)) for folder, pattern in _NVIDIA_CARDS)


def _torch_is_cpu_only(settings: Settings) -> bool:
    """Tell whether the torch beside us was built without CUDA; another interpreter's cannot be seen from here."""
    if settings.worker_python and Path(settings.worker_python) != Path(sys.executable):
        return False
    try:
        return metadata.version("torch").endswith("+cpu")
    except metadata.PackageNotFoundError:
        return False
