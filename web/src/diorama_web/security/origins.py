"""Where a request comes from: the answer to cross-site requests from a browser.

Browsers add ``Origin`` and ``Sec-Fetch-Site`` by themselves and pages cannot forge them. A request without both comes
from a program, which needs no protection against web pages.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from diorama_web.security.hosts import HostPort, parse_host

SAFE_METHODS = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


def same_origin(origin: str, host: HostPort) -> bool:
    """Tell whether ``origin`` names the host that the request was sent to; malformed ones never do."""
    try:
        parts = urlsplit(origin)
        default = _DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return False
    if parts.path or parts.query or parts.fragment:
        return False
    named = parse_host(parts.netloc)
    if named is None or named.name != host.name:
        return False
    return (named.port or default) == (host.port or default)


def refused(
    method: str, host: HostPort, origin: str | None, fetch_site: str | None, allowed: frozenset[str]
) -> str | None:
    """Return why the request must not pass, or ``None``.

    Args:
        method: HTTP method; a WebSocket handshake counts as ``WEBSOCKET``, which is not a safe one.
        host: Parsed ``Host`` header, already allowed.
        origin: ``Origin`` header.
        fetch_site: ``Sec-Fetch-Site`` header.
        allowed: Further origins the user configured.
    """
    if origin is not None:
        if origin in allowed:
            return None
        if not same_origin(origin, host):
            return "Another web page tried to use this server."
    if method not in SAFE_METHODS and fetch_site not in (None, "same-origin", "none"):
        return "Another web page tried to change something on this server."
    return None
