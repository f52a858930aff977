"""Which addresses are Civitai's, and what may be connected to at all."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from diorama.contract import BackendError

if TYPE_CHECKING:
    from diorama_civitai.options import CivitaiOptions

_SITES = frozenset(
    f"{prefix}civitai.{ending}" for prefix in ("", "www.") for ending in ("com", "red", "green")
)
"""The site's own names. Storage has other names, some of them below civitai.com: they never see the key."""
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Hosts:
    """Decides about addresses, from the user's options."""

    def __init__(self, options: CivitaiOptions) -> None:
        self._home = _origin(options.url)
        self._allowed = frozenset(options.allow_hosts)

    def may_see_key(self, url: str) -> bool:
        """Whether the user's key may be sent to ``url``: the configured site, or Civitai itself over TLS."""
        scheme, host, port = _origin(url)
        return (scheme, host, port) == self._home or (
            scheme == "https" and port == _PORTS["https"] and host in _SITES
        )

    def check(self, url: str, before: str = "") -> list[str]:
        """Return the addresses that ``url`` may be connected at, found by one look-up.

        Args:
            url: Where to go.
            before: The address that redirected here, empty for the first.

        Raises:
            BackendError: it is no web address, leaves TLS, or is private without being allowed by the user.
        """
        scheme, host, port = _origin(url)
        trusted = (scheme, host, port) == self._home or {host, f"{host}:{port}"} & self._allowed
        if scheme not in _PORTS or not host:
            raise BackendError("Civitai names a file at something that is no web address.")
        if not trusted and scheme != "https":
            raise BackendError(f"Civitai sends the download to {host} without encryption, which is refused.")
        if before and _origin(before)[0] == "https" and scheme != "https":
            raise BackendError(f"A redirect to {host} leaves encryption, which is refused.")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise BackendError(f"{host} has no address.", retryable=True) from error
        addresses = list(dict.fromkeys(str(item[4][0]) for item in found))
        if not trusted and not all(is_public(item) for item in addresses):
            raise BackendError(
                f"Civitai sends the download to {host}, which is not on the public internet.",
                fix=f'If you trust it, add "{host}" to `allow_hosts` of this backend in config.toml.',
            )
        return addresses


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet, also where IPv6 only wraps an IPv4 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is None and found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return found.is_global and not found.is_multicast


def _origin(url: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(url)
        return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0
