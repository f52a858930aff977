"""Connections by thread, for clients that many threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class PerThread:
    """A transport for ``httpx.Client`` or ``httpx2.Client`` that gives each thread a connection pool of its own.

    Their pools look at every connection before each request and ask the system whether it is still open. With dozens of
    threads on one pool that takes longer than the request itself.

    Args:
        make: Makes the transport of one thread, such as ``httpx.HTTPTransport``.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._mine = threading.local()
        self._all: dict[threading.Thread, Any] = {}

    def handle_request(self, request: Any) -> Any:
        """Send over a connection of the calling thread, and return the response."""
        transport = getattr(self._mine, "transport", None)
        if transport is None:
            transport = self._mine.transport = self._make()
            self._add(transport)
        return transport.handle_request(request)

    def _add(self, transport: Any) -> None:
        """Keep the transport of this thread for the end, and close those of threads that have ended."""
        with self._lock:
            ended = [thread for thread in self._all if not thread.is_alive()]
            done = [self._all.pop(thread) for thread in ended]
            self._all[threading.current_thread()] = transport
        for old in done:
            old.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            done = list(self._all.values())
            self._all.clear()
            self._mine = threading.local()
        for transport in done:
            transport.close()

    def __enter__(self) -> PerThread:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()
