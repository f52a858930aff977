"""A guard that lets a process talk to loopback only; any other connection or lookup is stopped and remembered."""

from __future__ import annotations

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

EVENTS = ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname")
NAMES = {"localhost", "localhost.localdomain", "ip6-localhost", ""}
_active: list[list[str]] = []
_installed = False


class OutsideConnection(OSError):
    """Something tried to leave this machine while the guard was up."""


def is_loopback(host: Any) -> bool:
    """Whether a host name or address stays on this machine (`None` and the empty name mean local)."""
    if host is None:
        return True
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        return ipaddress.ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return text.lower() in NAMES


def leaves(event: str, args: tuple[Any, ...]) -> str | None:
    """Say where an audited event would go when it leaves this machine, else ``None``."""
    if event not in EVENTS:
        return None
    target = args[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else args[1]
    host = target[0] if isinstance(target, tuple) else target
    if event in ("socket.connect", "socket.sendto") and not isinstance(target, tuple):
        return None  # a Unix socket has a path and no host
    if is_loopback(host) or _is_numeric_lookup(event, host):
        return None
    return f"{event} {target!r}"


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _active and (where := leaves(event, args)) is not None:
        _active[-1].append(where)
        raise OutsideConnection(f"the loopback guard stopped {where}")


def _is_numeric_lookup(event: str, host: Any) -> bool:
    """Looking up an address that is already numeric, in whatever way, sends nothing; only connecting to it would."""
    if event != "socket.getaddrinfo":
        return False
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        ipaddress.ip_address(text.split("%")[0])
    except ValueError:
        try:
            socket.inet_aton(text)
        except (OSError, ValueError):
            return False
    return True


@contextmanager
def loopback_guard() -> Iterator[list[str]]:
    """Stop every connection that leaves the machine; raises AssertionError at the end if there was one.

    Yields the list of attempts, so that a test of the guard can empty it.
    """
    global _installed
    if not _installed:
        sys.addaudithook(_audit)  # a hook cannot be removed again; it does nothing while no guard is up
        _installed = True
    attempts: list[str] = []
    _active.append(attempts)
    try:
        yield attempts
    finally:
        _active[:] = [other for other in _active if other is not attempts]  # an equal one is another guard's
    assert not attempts, f"left loopback: {attempts}"
