"""Connections that downloads keep for the next one from the same host, since opening one costs more than a small file.

A line leads to one address, which was checked for its host when the line was opened, and serves one transfer at a time.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import httpx2

IDLE_SECONDS = 15.0
"""An idle line is closed after this: servers close theirs about then."""
LIFETIME_SECONDS = 300.0
"""A line is not used beyond this age, so that a host that moved is found at its new address."""
MOST_IDLE = 32
"""Lines that are kept while nobody uses them."""


class LineKey(NamedTuple):
    """What a line may be used for."""

    scheme: str
    host: str
    port: int
    trusted: bool
    proxy: str | None


@dataclass(eq=False, slots=True)
class Line:
    """One client with at most one connection.

    Attributes:
        key: What it may be used for.
        address: Where it leads.
        client: Sends the requests.
        opened: Monotonic seconds of its making.
        returned: Monotonic seconds at which its last transfer ended.
        used: Whether a transfer went over it before.
        sockets: Its connections, so that a cancel can break them while they wait for data.
    """

    key: LineKey
    address: str
    client: httpx2.Client
    opened: float
    returned: float = 0.0
    used: bool = False
    sockets: list[socket.socket] = field(default_factory=list)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note each connection that is made."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if found is not None:
                self.sockets.append(found)

    def interrupt(self) -> None:
        """Break its connections."""
        for connection in list(self.sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already

    def close(self) -> None:
        """Close its connections."""
        self.client.close()


class Lines:
    """The lines of one server process, or of one download where nobody shares any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[LineKey, list[Line]] = {}
        self._closed = False

    def take(self, key: LineKey) -> Line | None:
        """Return an idle line for ``key``, the one used last, or ``None``."""
        now = time.monotonic()
        found: Line | None = None
        with self._lock:
            stale = self._expired(now)
            idle = self._idle.get(key)
            if idle:
                found = idle.pop()
                if not idle:
                    del self._idle[key]
        for line in stale:
            line.close()
        return found

    def open(self, key: LineKey, address: str) -> Line:
        """Return a new line to ``address``; it connects with its first request."""
        import httpx2

        client = httpx2.Client(
            verify=tls(), trust_env=False, proxy=key.proxy, follow_redirects=False, cookies=_no_cookies(),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_SECONDS),
        )  # fmt: skip
        return Line(key, address, client, time.monotonic())

    def give_back(self, line: Line) -> None:
        """Keep a line whose transfer ended well."""
        line.used, line.returned = True, time.monotonic()
        del line.sockets[:-1]
        with self._lock:
            kept = not self._closed and sum(map(len, self._idle.values())) < MOST_IDLE
            if kept:
                self._idle.setdefault(line.key, []).append(line)
        if not kept:
            line.close()

    def close(self) -> None:
        """Close every idle line; those in use are closed when they come back."""
        with self._lock:
            self._closed = True
            idle = [line for lines in self._idle.values() for line in lines]
            self._idle.clear()
        for line in idle:
            line.close()

    def _expired(self, now: float) -> list[Line]:
        """Take out the lines that are too old. The lock is held."""
        stale: list[Line] = []
        for key, lines in list(self._idle.items()):
            good = [
                line
                for line in lines
                if now - line.returned < IDLE_SECONDS and now - line.opened < LIFETIME_SECONDS
            ]
            if len(good) < len(lines):
                stale += [line for line in lines if line not in good]
                if good:
                    self._idle[key] = good
                else:
                    del self._idle[key]
        return stale


def _no_cookies() -> CookieJar:
    """Return a jar that takes nothing: what a host hands out for one file is not told it with the next one's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


@lru_cache(maxsize=1)
def tls() -> ssl.SSLContext:
    """Return the one TLS configuration of all downloads; the environment has no say in it."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)
