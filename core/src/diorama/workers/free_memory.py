"""How much memory a device has free, asked without torch."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path


def free_memory(device: str, environ: Mapping[str, str] | None = None) -> int | None:
    """Return the free bytes of a device, ``None`` where they cannot be known without its libraries.

    ``cpu`` and ``mps`` compute in main memory; CUDA cards are asked through the driver's own ``nvidia-smi``.
    """
    if not device.startswith("cuda"):
        return free_ram()
    return _nvidia("memory.free", _card(device, os.environ if environ is None else environ))


def free_ram() -> int | None:
    """Return the bytes of main memory that a program may still take."""
    if platform.system() == "Linux":
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            name, _, rest = line.partition(":")
            if name == "MemAvailable":
                return int(rest.split()[0]) * 1024
    if "SC_AVPHYS_PAGES" in getattr(os, "sysconf_names", {}):
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def resident_bytes(pid: int) -> int:
    """Return the main memory that a process holds, 0 where that is not known."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _card(device: str, environ: Mapping[str, str]) -> str:
    """Return the driver's name of a device: CUDA_VISIBLE_DEVICES renumbers what programs see."""
    index = int(device.partition(":")[2] or 0)
    visible = [part.strip() for part in environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return visible[index] if index < len(visible) else str(index)


def held_memory(device: str, pid: int, environ: Mapping[str, str] | None = None) -> int:
    """Return the bytes of a CUDA card that one process holds, 0 where that is not known."""
    if not device.startswith("cuda"):
        return 0
    card = _card(device, os.environ if environ is None else environ)
    for line in _smi(card, "--query-compute-apps=pid,used_memory") or []:
        holder, _, size = line.partition(",")
        if holder.strip() == str(pid) and size.strip().isdigit():
            return int(size) * 1024**2
    return 0


def card_facts(device: str, environ: Mapping[str, str] | None = None) -> dict[str, str | int] | None:
    """Return ``name``, ``total_bytes`` and ``free_bytes`` of a CUDA card; ``None`` for other devices and where nobody knows."""
    if not device.startswith("cuda"):
        return None
    card = _card(device, os.environ if environ is None else environ)
    name, total, free = (
        *(_smi(card, "--query-gpu=name,memory.total,memory.free") or [""])[0].rsplit(",", 2),
        "",
        "",
    )[:3]
    if not (total.strip().isdigit() and free.strip().isdigit()):
        return None
    return {"name": name.strip(), "total_bytes": int(total) * 1024**2, "free_bytes": int(free) * 1024**2}


def _nvidia(what: str, card: str) -> int | None:
    try:
        return int((_smi(card, f"--query-gpu={what}") or [""])[0].split()[0]) * 1024**2
    except (ValueError, IndexError):
        return None


def _smi(card: str, question: str) -> list[str] | None:
    command = ["nvidia-smi", f"--id={card}", question, "--format=csv,noheader,nounits"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=10, check=True
        ).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return None
