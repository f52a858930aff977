"""How much memory a model needs on a device, in each way that it can be run; told from headers, without torch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, DioramaError, MemoryNeed

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import read_folder, weight_files
from diorama_local_diffusers.models.headers import read_safetensors_header
from diorama_local_diffusers.models.info import weights_on_disk
from diorama_local_diffusers.models.peaks import Peaks
from diorama_local_diffusers.models.quantized import BITS, default_type, local_file
from diorama_local_diffusers.runtime.memory import HEADROOM, WORK_BYTES

_LAYERS = 20
"""About how many layers the largest part has; one of them is on the device at a time under group offload."""
_ESTIMATED = "all parts"
"""Name of the one part of a model whose parts are not known."""


def memory_needs(entry: ModelEntry, settings: BackendSettings, device: str) -> list[MemoryNeed]:
    """Return the ways of running a model, best first, as measured where it ran; empty when its size is not known.

    Quantised models start with their usual quantisation; smaller ones follow, larger ones are the user's own choice.
    """
    ways = _estimated(entry, settings, device)
    if not device.startswith("cuda"):
        return ways
    peaks = Peaks(settings.cache_dir)
    return [replace(way, device_bytes=_measured(peaks, entry, way) or way.device_bytes) for way in ways]


def _measured(peaks: Peaks, entry: ModelEntry, way: MemoryNeed) -> int | None:
    """Return the most that jobs took in this way, ``None`` when none ran."""
    kind = way.parameters.get("quantization")
    return peaks.largest(f"{entry.name}|{kind}" if kind else entry.name, way.plan.partition(" ")[0])


def _estimated(entry: ModelEntry, settings: BackendSettings, device: str) -> list[MemoryNeed]:
    width = 4 if device == "cpu" else 2
    parts = part_bytes(entry, settings, width)
    if not parts:
        return []
    if not (entry.gguf and entry.quantizations) or _ESTIMATED in parts:
        return _plans(parts, device, {})
    denoiser = family_named(entry.type).denoiser
    ways: dict[str, list[MemoryNeed]] = {}
    for kind in entry.quantizations:
        sizes = parts | {denoiser: _quantized_bytes(entry, kind, parts.get(denoiser, 0) // width, settings)}
        ways[kind] = _plans(sizes, device, {"quantization": kind})
    usual, *leaner = ways[default_type(entry)]
    others = [need for kind, needs in ways.items() for need in needs if kind != default_type(entry)]
    rest = [need for need in (*leaner, *others) if need.device_bytes < usual.device_bytes]
    return [usual, *sorted(rest, key=lambda need: -need.device_bytes)]


def _plans(parts: dict[str, int], device: str, parameters: dict[str, Any]) -> list[MemoryNeed]:
    """Return the plans of :mod:`runtime.memory` with their needs; only CUDA gains by offloading."""
    total, largest = sum(parts.values()), max(parts.values())
    work = min(WORK_BYTES, max(total, 200_000_000))
    name = f" ({parameters['quantization']})" if parameters else ""
    full = MemoryNeed(plan="full" + name, device_bytes=_with_work(total, work), parameters=parameters)
    if not device.startswith("cuda"):
        return [full]
    offloaded = [("group_offload", largest // _LAYERS)]
    if len(parts) > 1:
        offloaded.insert(0, ("model_offload", largest))
    return [full] + [
        MemoryNeed(
            plan=plan + name, device_bytes=_with_work(size, work), ram_bytes=total, parameters=parameters
        )
        for plan, size in offloaded
    ]


def _with_work(weights: int, work: int) -> int:
    return int(weights * HEADROOM) + work


def part_bytes(entry: ModelEntry, settings: BackendSettings, width: int) -> dict[str, int]:
    """Return the bytes of each part in memory, with numbers of ``width`` bytes; estimated when it is not on disk."""
    place = weights_on_disk(entry, settings)
    try:
        if place is not None and place.is_dir():
            folder = read_folder(place)
            found = {
                name: sum(_in_memory(file, width) for file in weight_files(folder.path / name))
                for name in folder.weighty()
            }
            if found := {name: size for name, size in found.items() if size}:
                return found
        elif place is not None and place.suffix == ".safetensors":
            return {place.stem: _in_memory(place, width)}
        elif place is not None:
            return {place.stem: place.stat().st_size}
    except DioramaError:
        pass
    gigabytes = entry.memory_gb or entry.size_gb
    return {_ESTIMATED: int(gigabytes * 1e9 * width / 2)} if gigabytes else {}


def _in_memory(file: Path, width: int) -> int:
    header = read_safetensors_header(file)
    return sum(math.prod(item["shape"]) * width for key, item in header.items() if key != "__metadata__")


def _quantized_bytes(entry: ModelEntry, kind: str, weights: int, settings: BackendSettings) -> int:
    """Return the bytes of a quantised denoiser: of its file, or by its bits from what is known.

    Args:
        entry: The model.
        kind: Quantisation.
        weights: How many weights the denoiser has; 0 when its unquantised files are not here.
        settings: Of the backend.
    """
    file = local_file(entry, kind, settings)
    if file is not None:
        return file.stat().st_size
    for other in entry.quantizations:
        sibling = local_file(entry, other, settings)
        if sibling is not None:
            return int(sibling.stat().st_size * _bits(kind) / _bits(other))
    return int(weights * _bits(kind) / 8)


def _bits(kind: str) -> float:
    return BITS.get(kind[:2], 8.0)
