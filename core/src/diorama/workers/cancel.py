"""The flag that tells a running call to end."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class CancelFlag:
    """A :class:`~diorama.workers.executor.CancelToken` that is set by hand. Thread-safe."""

    __slots__ = ("_callbacks", "_event", "_lock", "cancelled")

    cancelled: bool
    """Whether :meth:`cancel` was called."""

    def __init__(self) -> None:
        self.cancelled = False
        self._event: threading.Event | None = None  # made when somebody waits; most jobs never do
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []

    def wait(self, seconds: float) -> bool:
        """Sleep up to ``seconds``; return True at once when cancelled."""
        with self._lock:
            if self.cancelled:
                return True
            if self._event is None:
                self._event = threading.Event()
        return self._event.wait(seconds)

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when cancelled; at once if it already is."""
        with self._lock:
            if not self.cancelled:
                self._callbacks.append(callback)
                return
        _call(callback)

    def cancel(self) -> None:
        """Set the flag and call the callbacks from a thread of their own, since they may talk to a provider."""
        with self._lock:
            self.cancelled = True
            if self._event is not None:
                self._event.set()
            callbacks, self._callbacks = self._callbacks, []
        if callbacks:
            threading.Thread(target=_call, args=callbacks, name="diorama-cancel", daemon=True).start()


def _call(*callbacks: Callable[[], None]) -> None:
    for callback in callbacks:
        try:
            callback()
        except Exception:
            log.warning("A cancel callback failed.", exc_info=True)
