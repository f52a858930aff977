"""What makes two runs of one model comparable: what must be equal, and what time grows with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract.plain import dumps
from diorama.jobs.records import Job

ANYWHERE = ("", "devices")
"""Lanes that leave the device open: of a plan, and of the pool of all devices."""
LONG = 32
"""Characters from which a text among the parameters counts as a prompt, which costs no time."""
_BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of work.

    Attributes:
        device: Lane where it runs; empty where that is not known yet.
        like: Operation, parameters, and which measures are known; only runs that agree in it are compared.
        extent: Everything else that decides about time, exactly.
        units: Pixels x steps x outputs x frames, as far as they are known: time grows about in step with it.
    """

    device: str
    like: str
    extent: str
    units: float

    @property
    def key(self) -> str:
        """The work as one text, from which :func:`read` makes it again."""
        return _BETWEEN.join((self.device, self.like, self.extent, f"{self.units:.9g}"))


def read(key: str) -> Work | None:
    """Return the work that ``key`` names; ``None`` for what another version stored."""
    device, *rest = key.split(_BETWEEN)
    try:
        like, extent, units = rest
        return Work(device, like, extent, float(units))
    except ValueError:
        return None


def work_of(job: Job) -> Work:
    """Return what kind of work a job is."""
    request = job.request
    measures = {name: value for name, value in _measures(request).items() if value}
    units = 1.0
    for value in measures.values():
        units *= value
    like = " ".join((job.kind.value, *measures, _told(request.get("parameters") or {})))
    extent = " ".join(f"{name}={value:g}" for name, value in {**measures, **_beside(request)}.items())
    device = "" if job.lane in ANYWHERE else job.lane
    return Work(device, _clean(like), _clean(f"{extent} {request.get('scheduler') or ''}"), units)


def _measures(request: Mapping[str, Any]) -> dict[str, float]:
    """Return the factors that time grows with; 0 for what is not known."""
    source = request.get("media") or request
    pixels = (source.get("width") or 0) * (source.get("height") or 0) * (request.get("scale") or 1) ** 2
    strength = request.get("strength")
    return {
        "pixels": pixels,
        "steps": (request.get("num_inference_steps") or 0) * (1 if strength is None else max(strength, 0.05)),
        "outputs": request.get("num_images") or request.get("num_videos") or 1,
        "frames": request.get("num_frames") or (request.get("duration") or 0) * (request.get("fps") or 1),
    }


def _beside(request: Mapping[str, Any]) -> dict[str, float]:
    """Return what changes the time of a step."""
    counts = {name: len(request.get(name) or ()) for name in ("images", "sounds", "loras", "control")}
    return {
        **{name: count for name, count in counts.items() if count},
        "guided": float((request.get("guidance_scale") or 0) > 1),
        "masked": float(bool(request.get("mask"))),
    }


def _told(parameters: Mapping[str, Any]) -> str:
    """Return the parameters that may matter: numbers, switches and choices, but no long text."""
    plain = {
        name: value
        for name, value in sorted(parameters.items())
        if isinstance(value, int | float) or (isinstance(value, str) and len(value) < LONG)
    }
    return dumps(plain).decode() if plain else ""


def _clean(text: str) -> str:
    return text.replace(_BETWEEN, " ").strip()
