"""Which network addresses may be reached on behalf of a request, and which only because the user configured them."""

from __future__ import annotations

import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from diorama.contract import BackendError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]
"""From host and port to IP addresses as text, best first."""

_RESOLVE_SECONDS = 15.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Tell whether an IP address belongs to the public internet, also after unwrapping IPv4 inside IPv6."""
    address: Address = ipaddress.ip_address(text)
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return False
        inner = _embedded(address)
        if inner is not None:
            return is_public(str(inner))
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to: mapped, compatible, 6to4, Teredo, NAT64."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or int(address) >> 32 == 0:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Resolve by the operating system, bounded in time.

    Raises:
        BackendError: the name is unknown, or the name server does not answer.
    """
    try:
        return [str(ipaddress.ip_address(host))]  # nothing to ask for
    except ValueError:
        pass
    found: list[Any] = []
    failure: list[Exception] = []

    def work() -> None:
        try:
            found.extend(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failure.append(error)

    worker = threading.Thread(target=work, name="resolve", daemon=True)
    worker.start()
    worker.join(_RESOLVE_SECONDS)
    if failure or not found:
        raise BackendError(
            f"The address of {host} could not be found.", retryable=True, fix="Check name and network."
        )
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def configured_hosts(options: Mapping[str, Any]) -> frozenset[tuple[str, int | None]]:
    """Return the hosts that the user named in a backend's table, with the port, or ``None`` for any port.

    ``url`` and every key ending in ``_url`` count, and ``allow_hosts``: a list of ``host`` or ``host:port``.
    """
    hosts: set[tuple[str, int | None]] = set()
    for key, value in options.items():
        if (key == "url" or key.endswith("_url")) and isinstance(value, str):
            hosts |= _host_of(value)
    listed = options.get("allow_hosts", ())
    for entry in [listed] if isinstance(listed, str) else listed:
        hosts |= _host_of(f"//{entry}")
    return frozenset(hosts)


def _host_of(url: str) -> set[tuple[str, int | None]]:
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return set()
    return {(plain_host(parts.hostname), port)} if parts.hostname else set()


def plain_host(host: str) -> str:
    """Return ``host`` as it is compared: lower case, without a trailing dot or brackets."""
    return host.lower().rstrip(".").strip("[]")
