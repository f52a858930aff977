"""The user's table ``[backends.civitai]``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from diorama.contract import InvalidRequest

DEFAULT_URL = "https://civitai.com"


@dataclass(frozen=True, slots=True)
class CivitaiOptions:
    """Settings of the backend.

    Attributes:
        url: Address of the site whose API is asked. ``https://civitai.red`` shows everything, ``https://civitai.com``
            what is safe for all.
        allow_hosts: Further ``host`` or ``host:port`` to which a download may be redirected although it is private.
        proxy: Address of an HTTP proxy; empty for none.
        retry_seconds: First pause after a failure that may pass; it doubles up to 30 seconds.
    """

    url: str = DEFAULT_URL
    allow_hosts: tuple[str, ...] = ()
    proxy: str = ""
    retry_seconds: float = 1.0


def read_options(raw: Mapping[str, Any]) -> CivitaiOptions:
    """Read the table.

    Raises:
        InvalidRequest: a value cannot be used; ``field`` names it.
    """
    url = str(raw.get("url") or DEFAULT_URL).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise InvalidRequest(
            f"url is no address of a site: {url!r:.80}.", field="url", fix=f"Use {DEFAULT_URL}."
        )
    hosts = raw.get("allow_hosts") or ()
    hosts = (hosts,) if isinstance(hosts, str) else hosts
    if not isinstance(hosts, (list, tuple)):
        raise InvalidRequest(
            "allow_hosts is a list of host names.", field="allow_hosts", fix='Write ["name"].'
        )
    try:
        pause = float(raw.get("retry_seconds", 1.0))
    except (TypeError, ValueError):
        pause = -1.0
    if not 0 <= pause <= 30:
        raise InvalidRequest("retry_seconds is a number from 0 to 30.", field="retry_seconds", fix="Use 1.")
    return CivitaiOptions(
        url=f"{parts.scheme}://{parts.netloc}{parts.path}",
        allow_hosts=tuple(str(host).lower() for host in hosts),
        proxy=str(raw.get("proxy") or ""),
        retry_seconds=pause,
    )
