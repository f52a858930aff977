"""The flag that tells a running call to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class CancelFlag:
    """A :class:`~diorama.workers.executor.CancelToken` that is set by hand. Thread-safe."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep up to ``seconds``; return True at once when cancelled."""
        return self._event.wait(seconds)

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when cancelled; at once if it already is."""
        with self._lock:
            if not self._event.is_set():
                self._callbacks.append(callback)
                return
        _call(callback)

    def cancel(self) -> None:
        """Set the flag and call the callbacks in this thread; one that raises is logged."""
        with self._lock:
            self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _call(callback)


def _call(callback: Callable[[], None]) -> None:
    try:
        callback()
    except Exception:
        log.warning("A cancel callback failed", exc_info=True)
