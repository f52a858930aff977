"""What a stand-in is told to do: how one job goes (`Script`) and what goes wrong on the wire (`Fault`)."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

Phase = Literal["queued", "running", "done"]
Outcome = Literal["success", "failed", "refused", "black", "canceled", "aborted", "removed", "hollow"]


@dataclass(frozen=True)
class Script:
    """The course of one job.

    `queued` and `running` count status requests answered in that phase; `hold` keeps the job in a phase until
    `Job.release()`; `seconds` replaces the counts by elapsed time. `outcome`: `refused` is the provider's moderation,
    `black` its black safety picture, `hollow` a success status without a result, `removed` a result that the provider
    has already deleted. `size` makes pictures of that size, whatever was asked. `logs` is added to what the run wrote, where
    the provider shows that.
    """

    queued: int = 1
    running: int = 1
    seconds: float | None = None
    hold: Literal["queued", "running"] | None = None
    outcome: Outcome = "success"
    error: str | None = None
    outputs: int | None = None
    size: tuple[int, int] | None = None
    shape: str = "default"
    logs: str = ""


@dataclass
class Fault:
    """What goes wrong with the next `times` requests of one route (-1: with every request).

    `status=None` answers normally after `delay` seconds. With `after=True` the request takes effect first and only its
    answer is lost or replaced. `disconnect=True` closes the connection in the middle of the answer. `body` may be JSON
    data or plain text.
    """

    status: int | None = 503
    body: Any = None
    detail: str = "scripted fault"
    headers: dict[str, str] = field(default_factory=dict)
    times: int = 1
    after: bool = False
    disconnect: bool = False
    delay: float = 0.0


_numbers = itertools.count(1)


class Job:
    """One accepted submission and everything that was asked about it."""

    def __init__(self, job_id: str, model: str, arguments: dict[str, Any], script: Script) -> None:
        self.id = job_id
        self.number = next(_numbers)
        self.model = model
        self.arguments = arguments
        self.script = script
        self.cancelled = False
        self.requests: Counter[str] = Counter()
        self.result: Any = None
        self._held = script.hold
        self._born = time.monotonic()

    def release(self) -> None:
        """Let a held job go on."""
        self._held = None

    def look(self, *, poll: bool = True) -> Phase:
        """The phase now; a `poll` counts as one status request."""
        if poll:
            self.requests["poll"] += 1
        if self.cancelled:
            return "done"
        if self.script.seconds is not None:
            return self._by_time(time.monotonic() - self._born)
        polls, script = self.requests["poll"], self.script
        if self._held == "queued" or polls <= script.queued:
            return "queued"
        if self._held == "running" or polls <= script.queued + script.running:
            return "running"
        return "done"

    def _by_time(self, elapsed: float) -> Phase:
        seconds = self.script.seconds or 0.0
        if self._held == "queued" or elapsed < seconds / 2:
            return "queued"
        return "running" if self._held == "running" or elapsed < seconds else "done"
