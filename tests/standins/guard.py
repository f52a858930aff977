"""A guard that lets a process talk to loopback only; any other connection or lookup is stopped and remembered."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if not _active or event not in (
        "socket.connect",
        "socket.sendto",
        "socket.getaddrinfo",
        "socket.gethostbyname",
    ):
        return
    target = args[0] if event in ("socket.getaddrinfo", "socket.gethostbyname") else args[1]
    host = target[0] if isinstance(target, tuple) else target
    if event in ("socket.connect", "socket.sendto") and not isinstance(target, tuple):
        return  # a Unix socket has a path and no host
    if not is_loopback(host) and not _is_numeric_lookup(event, host):
        _active[-1].append(f"{event} {target!r}")
        raise OutsideConnection(f"the loopback guard stopped {event} to {target!r}")


def _is_numeric_lookup(event: str, host: Any) -> bool:
    """Looking up an address that is already numeric sends nothing; only connecting to it would."""
    if event != "socket.getaddrinfo":
        return False
    try:
        ipaddress.ip_address(str(host).split("%")[0])
    except ValueError:
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
        _active.remove(attempts)
    assert not attempts, f"left loopback: {attempts}"
