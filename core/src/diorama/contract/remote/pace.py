"""How often to ask a provider: at first about when the answer is due, then with growing patience."""

from __future__ import annotations

import threading
from collections.abc import Iterator

FIRST, LONGEST, GROWTH = 1.0, 5.0, 1.5
EAGER = 0.9
"""Part of the last measured time after which the next job of the same model is asked for the first time."""


class Pace:
    """Remembers how long each model took, so that most jobs need one or two questions.

    Args:
        first: Seconds before the first question while nothing is known.
        longest: Longest pause between two questions.
    """

    def __init__(self, first: float = FIRST, longest: float = LONGEST) -> None:
        self._first = first
        self._longest = longest
        self._took: dict[str, float] = {}
        self._lock = threading.Lock()

    def pauses(self, model: str) -> Iterator[float]:
        """Yield the seconds to wait before each question, without end."""
        with self._lock:
            known = self._took.get(model)
        first = min(self._first if known is None else known * EAGER, self._longest)
        yield first
        pause = max(first * 0.25, min(self._first, 0.25))
        while True:
            yield min(pause, self._longest)
            pause *= GROWTH

    def learn(self, model: str, seconds: float) -> None:
        """Note that a job of ``model`` was found finished after ``seconds``."""
        with self._lock:
            self._took[model] = seconds
