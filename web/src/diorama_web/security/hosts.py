"""The ``Host`` header against an allow-list: the answer to DNS rebinding."""

from __future__ import annotations

import re
from dataclasses import dataclass

from diorama.settings import ServerSettings

LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A host header taken apart; ``port`` is ``None`` when it was left out."""

    name: str
    port: int | None


def parse_host(text: str) -> HostPort | None:
    """Take ``text`` apart, or return ``None`` when it is not of the form ``name[:port]``."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        return None
    return HostPort(match["name"].lower(), port)


def is_loopback(address: str) -> bool:
    """Tell whether ``address`` (a name or an IP address to bind to) reaches this machine only."""
    import ipaddress

    if address.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def allowed_names(server: ServerSettings) -> frozenset[str]:
    """Return the names that the ``Host`` header may carry: loopback, the bound address, the configured ones."""
    names = set(LOOPBACK)
    bound = server.host.lower()
    if bound not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        names.add(f"[{bound}]" if ":" in bound and not bound.startswith("[") else bound)
    names.update(name.lower() for name in server.allowed_hosts)
    return frozenset(names)
