"""The one way in which Diorama follows a URL that a request, a model or a provider named.

A name is resolved once, all its addresses are checked, and the connection goes to a checked address, so that a name
server cannot answer differently the second time. Each redirect starts over.
"""

from __future__ import annotations

import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from diorama.access.addresses import Resolver, configured_hosts, is_public, plain_host, system_resolver
from diorama.contract import (
    BackendError,
    BackendNotReady,
    FetchedFile,
    InsufficientStorage,
    InvalidRequest,
    JobCancelled,
)
from diorama.settings import Settings

if TYPE_CHECKING:
    import httpx2

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = 8
_KEPT_HEADERS = frozenset({"accept", "range", "user-agent"})
"""All that is sent on after a redirect to another origin."""
_AGENT = "diorama"
_TRICKLE = 1024
"""Fewer bytes than this within ``timeout`` seconds count as no data."""


class Cancel(Protocol):
    """What is needed of a job's cancel token."""

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when cancelled; at once if it already is."""


@dataclass
class _Hop:
    """One request: where it goes, and to which checked addresses."""

    url: httpx2.URL
    addresses: list[str]
    trusted: bool
    headers: dict[str, str]


@dataclass
class _Transfer:
    """State of one call of :meth:`SafeFetch.fetch`."""

    method: str
    max_bytes: int
    timeout: float
    deadline: float
    cancel: Cancel | None
    sockets: list[socket.socket] = field(default_factory=list)

    def check(self) -> None:
        if self.cancel is not None and self.cancel.cancelled:
            raise JobCancelled

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note each connection, so that a cancel can break it while it waits for data."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if found is not None:
                self.sockets.append(found)
            self.check()

    def interrupt(self) -> None:
        for connection in self.sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already


class SafeFetch:
    """Downloads on behalf of one backend.

    Args:
        settings: ``offline`` refuses everything but configured hosts.
        backend: Backend id. Hosts named in its table of the configuration (``url``, ``*_url``, ``allow_hosts``) may be
            private and may use any port, and its ``proxy`` is used. Variables such as ``HTTPS_PROXY`` are not read.
        resolver: Finds addresses.
        max_seconds: Longest time of one download, redirects included.
    """

    def __init__(
        self,
        settings: Settings,
        backend: str = "",
        *,
        resolver: Resolver = system_resolver,
        max_seconds: float = 6 * 3600.0,
    ) -> None:
        options = settings.backends.get(backend, {})
        self._configured = configured_hosts(options)
        self._proxy = str(options["proxy"]) if options.get("proxy") else None
        self._offline = settings.offline
        self._resolver = resolver
        self._max_seconds = max_seconds

    def fetch(
        self,
        url: str,
        *,
        work_dir: Path,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2 * 1024**3,
        timeout: float = 60.0,
        cancel: Cancel | None = None,
    ) -> FetchedFile:
        """Download ``url`` into a new file in ``work_dir``.

        Args:
            url: What to fetch; http or https.
            work_dir: Existing folder.
            method: ``GET`` or ``HEAD``.
            headers: Sent to the first origin only, but for ``Accept``, ``Range`` and ``User-Agent``.
            max_bytes: Refused beyond this, after any decompression.
            timeout: Seconds in which less than 1 KiB arrives end it.
            cancel: Breaks it at once, also while it waits.

        Raises:
            InvalidRequest: the address is not allowed.
            BackendNotReady: Diorama is set to stay offline.
            BackendError: the server did not deliver; ``retryable`` says whether trying again may help.
            InsufficientStorage: the disk is full.
            JobCancelled: ``cancel`` said so.
        """
        method = method.upper()
        if method not in ("GET", "HEAD"):
            raise InvalidRequest(
                f"Method {method!r} cannot be used to fetch.", field="method", fix="Use GET or HEAD."
            )
        transfer = _Transfer(method, max_bytes, timeout, time.monotonic() + self._max_seconds, cancel)
        if cancel is not None:
            cancel.add_callback(transfer.interrupt)
        hop = self._hop(url, {"user-agent": _AGENT, **_lower(headers)}, trusted=True)
        for _ in range(_REDIRECTS + 1):
            transfer.check()
            outcome = self._follow(hop, transfer, work_dir)
            if isinstance(outcome, FetchedFile):
                transfer.sockets.clear()
                return outcome
            hop = self._next_hop(hop, outcome)
        raise BackendError(f"{hop.url.host} redirects more than {_REDIRECTS} times.")

    def check(self, url: str) -> None:
        """Raise as :meth:`fetch` would for an address that is not allowed; nothing is connected."""
        self._hop(url, {}, trusted=True)

    def _hop(self, url: str, headers: dict[str, str], *, trusted: bool) -> _Hop:
        parsed = _parse(url)
        host, port = plain_host(parsed.host), parsed.port or _PORTS[parsed.scheme]
        configured = (host, port) in self._configured or (host, None) in self._configured
        # Only the user's own choice opens a private address: never a redirect from a host that is not configured.
        trusted = trusted and configured
        if self._offline and not trusted:
            raise BackendNotReady(
                "Diorama is set to stay offline.", fix="Set `offline = false` to fetch from the network."
            )
        if not trusted and port not in _PORTS.values():
            raise InvalidRequest(f"Port {port} of {host} is not allowed.", field="url", fix=_advice(host))
        addresses = list(self._resolver(host, port))
        if not trusted and not all(is_public(address) for address in addresses):
            raise InvalidRequest(
                f"{host} is not an address on the public internet.", field="url", fix=_advice(host)
            )
        return _Hop(parsed, addresses, trusted, headers)

    def _next_hop(self, hop: _Hop, location: str) -> _Hop:
        try:
            target = hop.url.join(location)
        except Exception as error:
            raise InvalidRequest(
                f"{hop.url.host} redirects to something that is no address.", field="url"
            ) from error
        same = (target.scheme, target.host, target.port) == (hop.url.scheme, hop.url.host, hop.url.port)
        kept = hop.headers if same else {k: v for k, v in hop.headers.items() if k in _KEPT_HEADERS}
        return self._hop(str(target), kept, trusted=hop.trusted)

    def _follow(self, hop: _Hop, transfer: _Transfer, folder: Path) -> FetchedFile | str:
        """Send one request; return the file, or where a redirect leads."""
        import httpx2

        for position, address in enumerate(hop.addresses):
            try:
                with self._answer(hop, address, transfer) as response:
                    if response.is_redirect and "location" in response.headers:
                        return str(response.headers["location"])
                    _check_status(response, hop)
                    return _store(response, hop, transfer, folder)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                transfer.check()
                if position + 1 == len(hop.addresses):
                    raise BackendError(f"{hop.url.host} cannot be reached.", retryable=True) from error
            except httpx2.HTTPError as error:
                transfer.check()
                sentence = (
                    "sent no data in time"
                    if isinstance(error, httpx2.TimeoutException)
                    else "broke the transfer off"
                )
                raise BackendError(f"{hop.url.host} {sentence}.", retryable=True) from error
        raise BackendError(f"{hop.url.host} has no address.", retryable=True)

    @contextmanager
    def _answer(self, hop: _Hop, address: str, transfer: _Transfer) -> Iterator[httpx2.Response]:
        """Connect to ``address`` while name and certificate stay those of the host."""
        import httpx2

        target = hop.url.copy_with(host=address)
        headers = {**hop.headers, "host": hop.url.netloc.decode("ascii"), "accept-encoding": "identity"}
        extensions = {"sni_hostname": hop.url.host, "trace": transfer.trace}
        limits = httpx2.Timeout(transfer.timeout, connect=min(transfer.timeout, 15.0))
        with httpx2.Client(
            verify=_tls(), trust_env=False, proxy=self._proxy, timeout=limits, follow_redirects=False
        ) as client:
            request = client.build_request(transfer.method, target, headers=headers, extensions=extensions)
            response = client.send(request, stream=True)
            try:
                yield response
            finally:
                response.close()


def _store(response: httpx2.Response, hop: _Hop, transfer: _Transfer, folder: Path) -> FetchedFile:
    announced = _length(response)
    if announced is not None and announced > transfer.max_bytes:
        raise _too_large(hop, transfer)
    descriptor, name = tempfile.mkstemp(prefix="fetched-", dir=folder)
    path = Path(name)
    size, mark, since = 0, 0, time.monotonic()
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in response.iter_bytes():
                size += len(chunk)
                if size > transfer.max_bytes:
                    raise _too_large(hop, transfer)
                file.write(chunk)
                transfer.check()
                now = time.monotonic()
                if size - mark >= _TRICKLE:
                    mark, since = size, now
                if now - since > transfer.timeout or now > transfer.deadline:
                    raise BackendError(f"{hop.url.host} sends too slowly.", retryable=True)
        transfer.check()
        if transfer.method == "GET" and announced is not None and "content-encoding" not in response.headers:
            _check_complete(size, announced, hop)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InsufficientStorage(
                f"A download from {hop.url.host} could not be written: {error.strerror}."
            ) from error
        raise
    mime = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return FetchedFile(path=path, mime=mime, size=size if transfer.method == "GET" else announced or 0)


def _check_complete(size: int, announced: int, hop: _Hop) -> None:
    if size != announced:
        raise BackendError(f"{hop.url.host} sent {size} of {announced} bytes.", retryable=True)


def _check_status(response: httpx2.Response, hop: _Hop) -> None:
    status = response.status_code
    if not 200 <= status < 300:
        retryable = status in (408, 425, 429) or status >= 500
        raise BackendError(f"{hop.url.host} answered with status {status}.", retryable=retryable)


def _length(response: httpx2.Response) -> int | None:
    text = response.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else None


def _too_large(hop: _Hop, transfer: _Transfer) -> BackendError:
    return BackendError(
        f"The file at {hop.url.host} is larger than the {transfer.max_bytes} bytes that are allowed."
    )


def _parse(url: str) -> httpx2.URL:
    """Parse once; the same object decides and connects, so that two parsers cannot disagree."""
    import httpx2

    if (
        any(ord(character) <= 32 or ord(character) == 127 for character in url)
        or "\\" in url
        or len(url) > 8192
    ):
        raise InvalidRequest(
            "The address holds characters that no address has.", field="url", fix="Encode them as %xx."
        )
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
        raise InvalidRequest(
            "That is not a valid address.", field="url", fix="Give an https:// address."
        ) from error
    if parsed.scheme not in _PORTS:
        raise InvalidRequest(
            f"Addresses of kind {parsed.scheme or 'none'!r} are not fetched.",
            field="url",
            fix="Give an https:// address.",
        )
    if parsed.userinfo:
        raise InvalidRequest(
            "The address holds a user name or password.", field="url", fix="Leave out what stands before @."
        )
    if not parsed.host or "%" in parsed.host:
        raise InvalidRequest("The address names no host.", field="url", fix="Give an https:// address.")
    return parsed


def _advice(host: str) -> str:
    return f'If you trust it, add "{host}" to `allow_hosts` of the backend in config.toml.'


def _lower(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {
        key.lower(): value
        for key, value in (headers or {}).items()
        if key.lower() not in ("host", "connection")
    }


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)
