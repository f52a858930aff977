"""Answers kept for a few minutes."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

SEARCH_SECONDS = 5 * 60.0
PAGE_SECONDS = 15 * 60.0
_MOST = 256


class Cache:
    """The last answers by key; old ones and the least used are dropped. Safe to use from several threads.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()

    def get(self, key: Hashable) -> Any:
        """Return what is kept, or ``None`` when nothing is or it is too old."""
        with self._lock:
            until, value = self._kept.get(key, (0.0, None))
            if value is None or until <= self._clock():
                self._kept.pop(key, None)
                return None
            self._kept.move_to_end(key)
            return value

    def put(self, key: Hashable, value: Any, seconds: float) -> None:
        """Keep an answer."""
        with self._lock:
            self._kept[key] = (self._clock() + seconds, value)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()
