"""From what a backend reports to one number that only grows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from diorama.contract import Stage
from diorama.jobs.records import JobStatus

_SHARE = {"downloading": 30.0, "loading_model": 10.0}
"""Percent points of the whole that a stage before the work may take."""
BEFORE_SAVING = 95.0
SAVING = 99.0


class Gauge:
    """Progress of one running job. Not thread-safe; its job's lock guards it.

    Attributes:
        status: Stage that is going on.
        percent: 0 to 100.
        message: Latest sentence.
        numbers: Latest numbers.
        fraction: Part of the present stage that is done, 0 to 1; ``None`` when unknown.
        stage_started: Monotonic seconds.
    """

    __slots__ = (
        "_bases",
        "_download_only",
        "_seconds",
        "fraction",
        "message",
        "numbers",
        "percent",
        "stage_started",
        "status",
    )

    def __init__(self, status: JobStatus, percent: float = 0.0) -> None:
        self.status = status
        self.percent = percent
        self.message = ""
        self.numbers: Mapping[str, Any] = {}
        self.fraction: float | None = None
        self.stage_started = time.monotonic()
        self._bases: dict[str, float] = {}
        self._download_only = (
            status is JobStatus.DOWNLOADING
        )  # work begins otherwise, and downloads on the way
        self._seconds: dict[str, float] = {}

    def report(self, stage: Stage, fraction: float | None, message: str, numbers: Mapping[str, Any]) -> bool:
        """Take a report.

        Returns:
            True when another stage began.
        """
        changed = self.enter(JobStatus(stage))
        if message or changed:
            self.message = message
        self.numbers = dict(numbers)
        if fraction is not None and fraction == fraction:  # not NaN
            self.fraction = min(max(fraction, 0.0), 1.0)
            self.raise_to(self._percent(stage, self.fraction))
        return changed

    def enter(self, status: JobStatus) -> bool:
        """Begin ``status``; return False when it is going on already."""
        if status is self.status:
            return False
        self._account()
        self.status, self.fraction, self.numbers = status, None, {}
        return True

    def raise_to(self, percent: float) -> None:
        """Set the percentage unless it would fall."""
        self.percent = max(self.percent, round(percent, 2))

    def timings(self) -> dict[str, float]:
        """Return the seconds spent in each stage until now."""
        self._account()
        return {stage: round(seconds, 4) for stage, seconds in self._seconds.items()}

    def _account(self) -> None:
        now = time.monotonic()
        self._seconds[self.status] = self._seconds.get(self.status, 0.0) + now - self.stage_started
        self.stage_started = now

    def _percent(self, stage: Stage, fraction: float) -> float:
        if stage == "saving":  # outputs are saved in between, so this says nothing about the whole
            return self.percent
        if self._download_only:
            return SAVING * fraction
        base = self._bases.setdefault(stage, self.percent)
        end = min(base + _SHARE.get(stage, 100.0), BEFORE_SAVING)
        return base + max(end - base, 0.0) * fraction
