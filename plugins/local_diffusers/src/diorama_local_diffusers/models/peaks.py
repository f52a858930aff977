"""What jobs really took of a device's memory, kept in the cache folder for the next choice of a plan."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from diorama.contract import EditRequest, Request, UpscaleRequest, VideoRequest

SPARE = 1.1
"""A measured peak times this must be free: some lies in pieces too small to be used."""


class Peaks:
    """Measured peaks by model, number type, plan and work.

    Args:
        cache_dir: Of the backend; the figures lie there in ``memory.json``.
    """

    def __init__(self, cache_dir: Path) -> None:
        self._file = cache_dir / "memory.json"

    def note(self, model: str, dtype: str, plan: str, work: int, peak: int) -> None:
        """Write down the most bytes that a job took; the larger of two figures stays."""
        self._keep(model, dtype, plan, work, "peak", peak)

    def fell_short(self, model: str, dtype: str, plan: str, work: int, free: int) -> None:
        """Write down that ``free`` bytes were not enough."""
        self._keep(model, dtype, plan, work, "short_of", free)

    def need(self, model: str, dtype: str, plan: str, work: int) -> int | None:
        """Return the bytes that a job needs, ``None`` when nothing like it was measured.

        A job needs no more than one with more work did, and more than was too little for one with less.
        """
        rows = self._read().get(f"{model}|{dtype}", {}).get(plan, {})
        enough = [row["peak"] for size, row in rows.items() if int(size) >= work and "peak" in row]
        if enough:
            return int(min(enough) * SPARE)
        short = [row["short_of"] for size, row in rows.items() if int(size) <= work and "short_of" in row]
        return max(short) + 1 if short else None

    def largest(self, model: str, plan: str) -> int | None:
        """Return the bytes for the largest job that a model did under a plan, whatever the number type."""
        found = [
            row["peak"]
            for key, plans in self._read().items()
            for row in plans.get(plan, {}).values()
            if key.rpartition("|")[0] == model and "peak" in row
        ]
        return int(max(found) * SPARE) if found else None

    def _keep(self, model: str, dtype: str, plan: str, work: int, what: str, count: int) -> None:
        table = self._read()
        row = table.setdefault(f"{model}|{dtype}", {}).setdefault(plan, {}).setdefault(str(work), {})
        if count <= row.get(what, 0):
            return
        row[what] = count
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_name(self._file.name + ".new")
        draft.write_text(json.dumps(table, indent=1), encoding="utf-8")
        os.replace(draft, self._file)

    def _read(self) -> dict[str, Any]:
        try:
            table = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return {}
        return table if isinstance(table, dict) else {}


_FRAMES_AT_ONCE = 16
"""How many frames the VAEs of videos hold at a time, about."""


def decoded_at_once(request: Request) -> int:
    """Return how many pixels one output has that are decoded together, 0 where the model chooses its size itself."""
    frames = (request.num_frames or 1) if isinstance(request, VideoRequest) else 1
    return work_of(request) // frames * min(frames, _FRAMES_AT_ONCE)


def work_of(request: Request) -> int:
    """Return pixels times frames of one output, 0 where the model chooses its size itself."""
    frames = (request.num_frames or 1) if isinstance(request, VideoRequest) else 1
    if isinstance(request, UpscaleRequest):
        return 0
    width, height = getattr(request, "width", 0) or 0, getattr(request, "height", 0) or 0
    if isinstance(request, EditRequest) and request.images:
        width, height = request.images[0].width or 0, request.images[0].height or 0
    return width * height * frames
