"""How long a job will take, from how long its like took before."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from diorama.jobs.ledger import Ledger
from diorama.jobs.records import Job

WINDOW = 20
"""Runs after which old ones begin to be forgotten."""
STORE_SECONDS = 2.0
"""A mean reaches the disk at most this often."""
_BEFORE_WORK = ("downloading", "loading_model", "queued")


def work_of(job: Job) -> str:
    """Return what makes runs of one model comparable: operation, size, steps, number."""
    request = job.request
    size = "x".join(
        str(request[name]) for name in ("width", "height", "num_frames", "duration") if request.get(name)
    )
    parts = (
        job.kind.value,
        size,
        request.get("num_inference_steps"),
        request.get("num_images"),
        request.get("scale"),
    )
    return " ".join(str(part) for part in parts if part)


class RunTimes:
    """Running means of measured runs.

    Args:
        ledger: Keeps them across restarts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._means: dict[tuple[str, str], tuple[float, int]] = {}
        self._stored: dict[tuple[str, str], float] = {}

    def load(self) -> None:
        """Read what earlier runs measured."""
        self._means = self._ledger.run_times()

    def mean(self, job: Job) -> float | None:
        """Return the seconds that work like ``job`` takes, or ``None`` when it was never measured."""
        known = self._means.get((job.model, work_of(job)))
        return known[0] if known else None

    def typical(self) -> dict[str, float]:
        """Return the usual seconds of a run by model: the median over its kinds of work, each as often as it ran."""
        by_model: dict[str, list[tuple[float, int]]] = {}
        for (model, _), known in list(self._means.items()):
            by_model.setdefault(model, []).append(known)
        return {model: _median(known) for model, known in by_model.items()}

    def measured(self, job: Job, timings: Mapping[str, float]) -> None:
        """Take a completed run; downloading and loading do not count, since they do not come again."""
        seconds = sum(value for stage, value in timings.items() if stage not in _BEFORE_WORK)
        key = (job.model, work_of(job))
        with self._lock:
            mean, runs = self._means.get(key, (0.0, 0))
            runs += 1
            mean += (seconds - mean) / min(runs, WINDOW)
            self._means[key] = (mean, runs)
            now = time.monotonic()
            if runs > 1 and now - self._stored.get(key, -STORE_SECONDS) < STORE_SECONDS:
                return
            self._stored[key] = now
        with suppress(RuntimeError):  # the database has closed meanwhile; a mean is no loss
            self._ledger.store_run_time(*key, mean, runs)


def _median(known: list[tuple[float, int]]) -> float:
    """Return the median of values that come with a number of occurrences."""
    left = sum(runs for _, runs in known) / 2
    for seconds, runs in sorted(known):
        left -= runs
        if left <= 0:
            return seconds
    return 0.0


def remaining(mean: float | None, elapsed: float, fraction: float | None) -> float | None:
    """Return the seconds left of work that has run for ``elapsed`` seconds.

    Args:
        mean: Usual seconds; ``None`` when never measured.
        elapsed: Seconds of this run.
        fraction: Part that is done by the backend's own count, 0 to 1.
    """
    if fraction is not None and fraction >= 0.05:
        return round(elapsed * (1.0 - fraction) / fraction, 1)
    return round(max(mean - elapsed, 0.0), 1) if mean is not None else None
