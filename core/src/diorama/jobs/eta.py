"""How long a job will take, from how long its like took before."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import suppress

from diorama.jobs.ledger import Ledger
from diorama.jobs.records import Job
from diorama.jobs.work import Work, read, work_of

WINDOW = 20
"""Runs after which old ones begin to be forgotten."""
STORE_SECONDS = 2.0
"""A mean reaches the disk at most this often."""
KINDS = 500
"""Kinds of work that are measured for one model."""
FARTHEST = 16.0
"""Factor in size over which a measured time still says something about another."""
_BEFORE_WORK = ("downloading", "loading_model", "queued")


class RunTimes:
    """Running means of measured runs.

    Args:
        ledger: Keeps them across restarts.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._means: dict[str, dict[Work, tuple[float, int]]] = {}
        self._stored: dict[tuple[str, Work], float] = {}

    def load(self) -> None:
        """Read what earlier runs measured."""
        for (model, key), known in self._ledger.run_times().items():
            if (work := read(key)) is not None:
                self._means.setdefault(model, {})[work] = known

    def mean(self, job: Job) -> float | None:
        """Return the seconds that work like ``job`` takes: measured, or scaled from the nearest size that was.

        ``None`` when nothing comparable was ever measured.
        """
        work, known = work_of(job), self._means.get(job.model)
        if known is None:
            return None
        if work in known:
            return known[work][0]
        return _scaled(work, list(known.items()))

    def typical(self) -> dict[str, float]:
        """Return the usual seconds of a run by model: the median over its kinds of work, each as often as it ran."""
        return {model: _median(list(known.values())) for model, known in list(self._means.items())}

    def measured(self, job: Job, timings: Mapping[str, float]) -> None:
        """Take a completed run; downloading and loading do not count, since they do not come again."""
        seconds = sum(value for stage, value in timings.items() if stage not in _BEFORE_WORK)
        work = work_of(job)
        with self._lock:
            known = self._means.setdefault(job.model, {})
            if work not in known and len(known) >= KINDS:
                return
            mean, runs = known.get(work, (0.0, 0))
            runs += 1
            mean += (seconds - mean) / min(runs, WINDOW)
            known[work] = (mean, runs)
            now = time.monotonic()
            if runs > 1 and now - self._stored.get((job.model, work), -STORE_SECONDS) < STORE_SECONDS:
                return
            self._stored[job.model, work] = now
        with suppress(RuntimeError):  # the database has closed meanwhile; a mean is no loss
            self._ledger.store_run_time(job.model, work.key, mean, runs)


def _scaled(work: Work, known: list[tuple[Work, tuple[float, int]]]) -> float | None:
    """Return what the nearest comparable work took, in proportion; ``None`` when none is near enough."""
    best: tuple[float, float] | None = None
    for other, (seconds, _) in known:
        if other.like != work.like or (work.device and work.device != other.device):
            continue
        ratio = work.units / other.units
        distance = max(ratio, 1 / ratio)
        if distance <= FARTHEST and (best is None or distance < best[0]):
            best = (distance, seconds * ratio)
    return None if best is None else best[1]


def _median(known: list[tuple[float, int]]) -> float:
    """Return the median of values that come with a number of occurrences."""
    left = sum(runs for _, runs in known) / 2
    for seconds, runs in sorted(known):
        left -= runs
        if left <= 0:
            return seconds
    return 0.0


def remaining(mean: float | None, elapsed: float, fraction: float | None) -> float | None:
    """Return the seconds left of work that has run for ``elapsed`` seconds, or ``None`` when nobody can know.

    Args:
        mean: Usual seconds; ``None`` when never measured.
        elapsed: Seconds of this run.
        fraction: Part that is done by the backend's own count, 0 to 1.
    """
    if fraction is not None and fraction >= 0.05:
        return round(elapsed * (1.0 - fraction) / fraction, 1)
    return None if mean is None or elapsed > mean else round(mean - elapsed, 1)
