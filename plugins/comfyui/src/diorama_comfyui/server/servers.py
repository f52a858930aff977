"""The configured servers: which are up, what they know, and which one takes a job."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from diorama_comfyui.schema import ObjectInfo, load_object_info, save_object_info
from diorama_comfyui.server.client import ComfyClient
from diorama_comfyui.server.errors import ServerError, ServerOffline

_FRESH_SECONDS = 120.0
"""Age at which the node classes are asked for again: the lists of model files in them change."""


@dataclass(frozen=True, slots=True)
class ServerState:
    """How a server was last seen. ``error`` is a sentence if it does not answer."""

    url: str
    online: bool
    version: str = ""
    queue: int = 0
    devices: tuple[dict[str, Any], ...] = ()
    error: str = ""


class Server:
    """One server with what is known of it. Safe to use from several threads."""

    def __init__(self, url: str, cache_dir: Path, headers: Mapping[str, str] | None = None) -> None:
        self.client = ComfyClient(url, headers)
        self.url = self.client.url
        digest = hashlib.sha256(self.url.encode()).hexdigest()[:16]
        self._cache = cache_dir / f"object_info-{digest}"
        self._lock = threading.Lock()
        self._info: ObjectInfo | None = None
        self._read_at = 0.0
        self._version = ""

    @property
    def is_local(self) -> bool:
        """Whether the address is this machine's own, so that no network is needed."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def version(self) -> str:
        """ComfyUI's version as last seen, or an empty text."""
        return self._version

    def probe(self) -> ServerState:
        """Ask the server how it is; never raises."""
        try:
            self.client.knock()
            stats = self.client.system_stats()
            queue = self.client.queue_length()
        except ServerError as error:
            return ServerState(self.url, online=False, error=str(error))
        system = stats.get("system")
        version = str(system.get("comfyui_version") or "") if isinstance(system, dict) else ""
        if version != self._version:
            self._version, self._read_at = version, 0.0  # an update may bring other classes
        devices = stats.get("devices")
        return ServerState(
            url=self.url,
            online=True,
            version=version,
            queue=queue,
            devices=tuple(_device(item) for item in devices if isinstance(item, dict))
            if isinstance(devices, list)
            else (),
        )

    def info(self, *, refresh: bool = False) -> ObjectInfo:
        """The node classes, fresh within two minutes. Raises :class:`ServerError`."""
        with self._lock:
            if self._info is not None and not refresh and time.monotonic() - self._read_at < _FRESH_SECONDS:
                return self._info
            body = self.client.object_info()
            try:
                self._info = ObjectInfo.from_json(body)
                self._info.replacements = self.client.node_replacements()
            except ValueError as error:
                raise ServerError(f"{self.url}: {error}") from error
            self._read_at = time.monotonic()
            with contextlib.suppress(OSError):  # the cache only saves time
                save_object_info(self._cache, self._info, self.url)
            return self._info

    def known_info(self) -> ObjectInfo | None:
        """The node classes as last seen, also from an earlier start; None if the server was never seen."""
        with self._lock:
            if self._info is None:
                self._info = load_object_info(self._cache, self.url)
            return self._info


class Servers:
    """All configured servers, in the user's order."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.all = tuple(servers)

    def get(self, url: str | None) -> Server:
        """The server with this address, or the first. Raises ``KeyError`` if it is not configured."""
        if url is None:
            return self.all[0]
        for server in self.all:
            if server.url == url.rstrip("/"):
                return server
        raise KeyError(url)

    def probe(self, only: Callable[[Server], bool] = lambda server: True) -> dict[str, ServerState]:
        """Ask all servers at once how they are; those that ``only`` leaves out count as offline."""
        with ThreadPoolExecutor(max_workers=max(1, min(8, len(self.all)))) as pool:
            states = pool.map(
                lambda server: (
                    server.probe()
                    if only(server)
                    else ServerState(server.url, online=False, error="no network may be used now")
                ),
                self.all,
            )
            return {state.url: state for state in states}

    def choose(self, fits: Callable[[ObjectInfo], bool], url: str | None = None) -> Server:
        """The online server with the shortest queue among those that fit.

        Raises :class:`ServerOffline` if none answers, :class:`ServerError` if none of them fits.
        """
        candidates = (self.get(url),) if url else self.all
        if len(candidates) == 1:  # nothing to choose: whether it is up is found out by using it
            only = candidates[0]
            if fits(only.info()):
                return only
            raise ServerError("the server does not have all that this needs")
        states = self.probe(lambda server: server in candidates)
        online = [server for server in candidates if states[server.url].online]
        if not online:
            raise ServerOffline("; ".join(states[server.url].error for server in candidates))
        fitting = [server for server in online if fits(server.info())]
        if not fitting:
            raise ServerError("no server that is up has all that this needs")
        return min(fitting, key=lambda server: states[server.url].queue)

    def close(self) -> None:
        """Close all connections."""
        for server in self.all:
            server.client.close()


def _device(raw: Mapping[str, Any]) -> dict[str, Any]:
    names = ("name", "type", "index", "vram_total", "vram_free")
    return {name: raw.get(name) for name in names}
