"""The user's table ``[backends.comfyui]``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract import InvalidRequest

from diorama_comfyui.server.client import DEFAULT_URL, normal_url, without_login

OFFLINE_SECONDS = 90.0
"""How long a server may be away in the middle of a run before the job fails."""
PREVIEW_METHODS = ("latent2rgb", "taesd", "auto", "default", "none")


@dataclass(frozen=True, slots=True)
class ComfyOptions:
    """Settings of the backend.

    Attributes:
        servers: Address and extra headers of each server, in order of preference.
        preview_method: How ComfyUI makes previews; ``default`` leaves it to the server.
        offline_seconds: How long a server may be away in the middle of a job before it fails.
        concurrency: How many jobs may be at the servers at once; they queue there.
        checkpoints: Whether the servers' checkpoints are listed as models.
    """

    servers: tuple[tuple[str, dict[str, str]], ...] = ((DEFAULT_URL, {}),)
    preview_method: str = "latent2rgb"
    offline_seconds: float = OFFLINE_SECONDS
    concurrency: int = 4
    checkpoints: bool = True


def read_options(raw: Mapping[str, Any]) -> ComfyOptions:
    """Read the table. ``url`` names one server, ``servers`` several, each a text or ``{url, headers}``.

    Raises ``InvalidRequest`` naming the setting.
    """
    entries = raw.get("servers") or [raw.get("url") or DEFAULT_URL]
    if not isinstance(entries, (list, tuple)):
        raise InvalidRequest("servers is a list of addresses.", field="servers")
    method = raw.get("preview_method", "latent2rgb")
    if method not in PREVIEW_METHODS:
        raise InvalidRequest(
            f"preview_method is one of {', '.join(PREVIEW_METHODS)}.", field="preview_method"
        )
    return ComfyOptions(
        servers=tuple({url: (url, headers) for url, headers in map(_server, entries)}.values()),
        preview_method=str(method),
        offline_seconds=_number(raw, "offline_seconds", OFFLINE_SECONDS, 0, 86_400),
        concurrency=int(_number(raw, "concurrency", 4, 1, 64)),
        checkpoints=bool(raw.get("checkpoints", True)),
    )


def _server(entry: object) -> tuple[str, dict[str, str]]:
    url: object = entry
    headers: object = {}
    if isinstance(entry, Mapping):
        url, headers = entry.get("url"), entry.get("headers") or {}
    if not isinstance(url, str) or not isinstance(headers, Mapping):
        raise InvalidRequest(
            f"A server is an address or {{url, headers}}, not {entry!r:.60}.", field="servers"
        )
    try:
        address, login = without_login(normal_url(url))
    except ValueError as error:
        raise InvalidRequest(f"{error}.", field="servers") from error
    return address, {**login, **{str(name): str(value) for name, value in headers.items()}}


def _number(raw: Mapping[str, Any], name: str, default: float, low: float, high: float) -> float:
    value = raw.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidRequest(f"{name} is a number from {low:g} to {high:g}.", field=name)
    return float(value)
