"""The state of the machine and the engine, for people and for the page's header."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Any

from diorama import __version__
from diorama.workers.free_memory import card_facts

if TYPE_CHECKING:
    from diorama.engine import Engine

_LIBRARIES = ("torch", "diffusers", "transformers", "pillow", "av", "fastapi")


def system_status(engine: Engine) -> dict[str, Any]:
    """Return devices, loaded models, queue, versions, memory and disk as plain values."""
    settings = engine.settings
    disk = shutil.disk_usage(settings.data_dir)
    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "devices": list(engine.executor.lanes()),
        "cards": cards(engine.executor.lanes()),
        "loaded_models": {lane: list(models) for lane, models in engine.executor.loaded().items()},
        "queue": engine.queue.summary(),
        "libraries": versions(),
        "memory": memory(),
        "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
        "offline": settings.offline,
        "data_dir": str(settings.data_dir),
    }


def cards(devices: Sequence[str]) -> list[dict[str, Any]]:
    """Return name and memory in bytes of each CUDA card among ``devices``, as far as its driver tells."""
    found = ((device, card_facts(device)) for device in devices)
    return [{"device": device, **facts} for device, facts in found if facts]


def versions() -> dict[str, str]:
    """Return the versions of the libraries that matter, found without importing them."""
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def memory() -> dict[str, int]:
    """Return this machine's memory in bytes: ``total_bytes`` and, where it is known, ``available_bytes``."""
    if platform.system() == "Linux":
        fields = {}
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                name, _, rest = line.partition(":")
                fields[name] = int(rest.split()[0]) * 1024
        return {"total_bytes": fields.get("MemTotal", 0), "available_bytes": fields.get("MemAvailable", 0)}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return {"total_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")}
    return {}
