"""How much memory a model needs on a device, in each way that it can be run; told from headers, without torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings, DioramaError, MemoryNeed

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.described import TEXT_PREFIXES, VAE_PREFIXES, is_whole
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, read_folder, weight_files
from diorama_local_diffusers.models.headers import read_safetensors_header
from diorama_local_diffusers.models.info import weights_on_disk
from diorama_local_diffusers.models.peaks import Peaks
from diorama_local_diffusers.models.quantized import (
    FLOAT8,
    bits_of,
    default_type,
    local_file,
    parameter_schema,
)
from diorama_local_diffusers.models.single import completing_folder
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
    kind = _variant(way.parameters)
    return peaks.largest(f"{entry.name}|{kind}" if kind else entry.name, way.plan.partition(" ")[0])


def _variant(parameters: Mapping[str, Any]) -> str:
    return str(parameters.get("quantization") or (FLOAT8 if parameters.get(FLOAT8) else ""))


def _estimated(entry: ModelEntry, settings: BackendSettings, device: str) -> list[MemoryNeed]:
    width = 4 if device == "cpu" else 2
    parts = part_bytes(entry, settings, width)
    if not parts:
        return []
    if _ESTIMATED in parts:
        return _plans(parts, device, {})
    if not (entry.gguf and entry.quantizations):
        plain = _plans(_variant_of_parts(entry, parts, width, "", settings), device, {})
        if FLOAT8 not in parameter_schema(entry) or entry.type == "upscaler":
            return plain
        few = _variant_of_parts(entry, parts, width, FLOAT8, settings)
        return plain if few == parts else plain + _plans(few, device, {FLOAT8: True})
    ways: dict[str, list[MemoryNeed]] = {}
    for kind in entry.quantizations:
        sizes = _variant_of_parts(entry, parts, width, kind, settings)
        ways[kind] = _plans(sizes, device, {"quantization": kind})
    usual, *leaner = ways[default_type(entry)]
    others = [need for kind, needs in ways.items() for need in needs if kind != default_type(entry)]
    rest = [need for need in (*leaner, *others) if need.device_bytes < usual.device_bytes]
    return [usual, *sorted(rest, key=lambda need: -need.device_bytes)]


def _plans(parts: dict[str, int], device: str, parameters: dict[str, Any]) -> list[MemoryNeed]:
    """Return the plans of :mod:`runtime.memory` with their needs; only CUDA gains by offloading."""
    total, largest = sum(parts.values()), max(parts.values())
    work = min(WORK_BYTES, max(total, 200_000_000))
    name = f" ({_variant(parameters)})" if parameters else ""
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


def variant_bytes(entry: ModelEntry, settings: BackendSettings, width: int, variant: str) -> dict[str, int]:
    """Return the bytes of each part in memory, as :func:`part_bytes` does, for a GGUF type or ``fp8``."""
    return _variant_of_parts(entry, part_bytes(entry, settings, width), width, variant, settings)


def _variant_of_parts(
    entry: ModelEntry, parts: dict[str, int], width: int, variant: str, settings: BackendSettings
) -> dict[str, int]:
    family = family_named(entry.type)
    networks = [name for name in (family.denoiser, f"{family.denoiser}_2") if name in parts]
    if variant == FLOAT8 or family.stored_float8:
        return parts | {name: parts[name] // width for name in networks}
    if variant:
        weights = parts.get(family.denoiser, 0) // width or int(entry.denoiser_billions * 1e9)
        return parts | {family.denoiser: _quantized_bytes(entry, variant, weights, settings)}
    return parts


def part_bytes(entry: ModelEntry, settings: BackendSettings, width: int) -> dict[str, int]:
    """Return the bytes of each part in memory, with numbers of ``width`` bytes; estimated when it is not on disk."""
    place = weights_on_disk(entry, settings)
    try:
        if place is not None and place.is_dir():
            if found := _of_folder(read_folder(place), width):
                return found
        elif place is not None and entry.type != "upscaler":
            return _of_file(entry, place, settings, width)
        elif place is not None:
            return {place.stem: place.stat().st_size}
    except DioramaError:
        pass
    return _estimate(entry, width)


def _estimate(entry: ModelEntry, width: int) -> dict[str, int]:
    """Return what a row says that a model takes; of quantised ones the denoiser apart, where its weights are counted."""
    total = (entry.memory_gb or entry.size_gb) * 1e9
    if not total:
        return {}
    if not (entry.quantizations and entry.denoiser_billions):
        return {_ESTIMATED: int(total * width / 2)}
    weights = entry.denoiser_billions * 1e9
    others = max(total - weights * bits_of(default_type(entry)) / 8, 0)
    return {family_named(entry.type).denoiser: int(weights * width), "the rest": int(others * width / 2)}


def _of_folder(folder: PipelineFolder, width: int) -> dict[str, int]:
    found = {
        name: sum(_numbers(file) for file in weight_files(folder.path / name)) * width
        for name in folder.weighty()
    }
    return {name: size for name, size in found.items() if size}


def _of_file(entry: ModelEntry, file: Path, settings: BackendSettings, width: int) -> dict[str, int]:
    """Return the bytes of a single file's parts, and of those of its base that are not in it."""
    denoiser = family_named(entry.type).denoiser
    folder = completing_folder(entry, file, settings)
    beside = _of_folder(folder, width) if folder is not None and not is_whole(file, entry.type) else {}
    if file.suffix.lower() == ".gguf":
        return beside | {denoiser: file.stat().st_size}
    prefixes: dict[str, str | tuple[str, ...]] = {"vae": VAE_PREFIXES, **TEXT_PREFIXES.get(entry.type, {})}
    found: dict[str, int] = {}
    for key, item in read_safetensors_header(file).items():
        if key != "__metadata__":
            part = next((part for part, prefix in prefixes.items() if key.startswith(prefix)), denoiser)
            found[part] = found.get(part, 0) + math.prod(item["shape"]) * width
    return beside | found


def _numbers(file: Path) -> int:
    header = read_safetensors_header(file)
    return sum(math.prod(item["shape"]) for key, item in header.items() if key != "__metadata__")


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
            return int(sibling.stat().st_size * bits_of(kind) / bits_of(other))
    return int(weights * bits_of(kind) / 8)
