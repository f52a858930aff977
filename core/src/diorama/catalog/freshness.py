"""Asking backends again whose lists change by themselves: servers that come and go, files that others put there."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping

from diorama.contract import Backend

log = logging.getLogger(__name__)


class Freshness:
    """Knows when each backend was asked, and asks those anew whose ``list_lifetime`` is over.

    It happens when somebody looks, so a catalog that nobody reads costs nothing.

    Args:
        backends: Gives the backends that there are now.
        ask: Asks one backend and keeps its answer; waits for it.
    """

    def __init__(self, backends: Callable[[], Mapping[str, Backend]], ask: Callable[[str], None]) -> None:
        self._backends = backends
        self._ask = ask
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}
        self._under_way: set[str] = set()

    def asked(self, backend_id: str) -> None:
        """Note that a backend is being asked now, whoever does it."""
        with self._lock:
            self._asked[backend_id] = time.monotonic()

    def look(self) -> None:
        """Ask all whose lists are over age, in the background; who looks next sees the answer."""
        for name in list(self._backends()):
            if self._take(name):
                threading.Thread(
                    target=self._ask_taken, args=(name,), name=f"relist-{name}", daemon=True
                ).start()

    def renew(self, backend_id: str) -> bool:
        """Ask one backend now if its list is over age, and wait. Returns whether it was asked."""
        if not self._take(backend_id):
            return False
        self._ask_taken(backend_id)
        return True

    def _take(self, name: str) -> bool:
        backend = self._backends().get(name)
        lifetime = backend.list_lifetime if backend is not None else 0.0
        if lifetime <= 0:
            return False
        with self._lock:
            asked = self._asked.get(name)
            if asked is None or name in self._under_way or time.monotonic() - asked < lifetime:
                return False
            self._under_way.add(name)
            return True

    def _ask_taken(self, name: str) -> None:
        try:
            self._ask(name)
        except Exception:
            log.warning("Listing %s again failed", name, exc_info=True)
        finally:
            with self._lock:
                self._under_way.discard(name)
