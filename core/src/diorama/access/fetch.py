"""The one way in which Diorama follows a URL that a request, a model or a provider named.

A name is resolved once, all its addresses are checked, and the connection goes to a checked address, so that a name
server cannot answer differently the second time. Each redirect starts over. A connection that is kept for the next file
of the same host leads to an address that was checked for it.
"""

from __future__ import annotations

import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from diorama.access.addresses import Resolver, configured_hosts, is_public, plain_host, system_resolver
from diorama.access.lines import Line, LineKey, Lines
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
_NO_ADDRESS = re.compile(r"[\x00-\x20\x7f\\]")
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
    """One request: where it goes, and whether the user configured that host."""

    url: httpx2.URL
    trusted: bool
    headers: dict[str, str]

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return plain_host(self.url.host), self.url.port or _PORTS[self.url.scheme]


@dataclass
class _Transfer:
    """State of one call of :meth:`SafeFetch.fetch`."""

    method: str
    max_bytes: int
    timeout: float
    deadline: float
    cancel: Cancel | None
    line: Line | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> None:
        if self.cancel is not None and self.cancel.cancelled:
            raise JobCancelled

    @contextmanager
    def over(self, line: Line) -> Iterator[None]:
        """Let a cancel break ``line`` while this transfer uses it, and no longer."""
        with self.lock:
            self.line = line
        try:
            self.check()
            yield
        finally:
            with self.lock:
                self.line = None

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note each connection that is made; one that was made too late for a cancel goes no further."""
        if self.line is not None:
            self.line.trace(event, info)
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self.check()

    def interrupt(self) -> None:
        with self.lock:
            if self.line is not None:
                self.line.interrupt()


class SafeFetch:
    """Downloads on behalf of one backend.

    Args:
        settings: ``offline`` refuses everything but configured hosts.
        backend: Backend id. Hosts named in its table of the configuration (``url``, ``*_url``, ``allow_hosts``) may be
            private and may use any port, and its ``proxy`` is used. Variables such as ``HTTPS_PROXY`` are not read.
        resolver: Finds addresses.
        max_seconds: Longest time of one download, redirects included.
        lines: Connections that are shared with other downloads; ``None`` opens one for each download.
    """

    def __init__(
        self,
        settings: Settings,
        backend: str = "",
        *,
        resolver: Resolver = system_resolver,
        max_seconds: float = 6 * 3600.0,
        lines: Lines | None = None,
    ) -> None:
        options = settings.backends.get(backend, {})
        self._configured = configured_hosts(options)
        self._proxy = str(options["proxy"]) if options.get("proxy") else None
        self._offline = settings.offline
        self._resolver = resolver
        self._max_seconds = max_seconds
        self._lines = lines

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
        with self._shared() as lines:
            for _ in range(_REDIRECTS + 1):
                transfer.check()
                outcome = self._follow(hop, transfer, work_dir, lines)
                if isinstance(outcome, FetchedFile):
                    return outcome
                hop = self._next_hop(hop, outcome)
        raise BackendError(f"{hop.url.host} redirects more than {_REDIRECTS} times.")

    def check(self, url: str) -> None:
        """Raise as :meth:`fetch` would for an address that is not allowed; nothing is connected."""
        self._addresses(self._hop(url, {}, trusted=True))

    @contextmanager
    def _shared(self) -> Iterator[Lines]:
        """Give the lines that are shared, or some for this download only."""
        if self._lines is not None:
            yield self._lines
            return
        lines = Lines()
        try:
            yield lines
        finally:
            lines.close()

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
        return _Hop(parsed, trusted, headers)

    def _addresses(self, hop: _Hop) -> list[str]:
        """Resolve the host of ``hop``; all that it answers must be allowed."""
        host, port = hop.place
        addresses = list(self._resolver(host, port))
        if not hop.trusted and not all(is_public(address) for address in addresses):
            raise InvalidRequest(
                f"{host} is not an address on the public internet.", field="url", fix=_advice(host)
            )
        return addresses

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

    def _follow(self, hop: _Hop, transfer: _Transfer, folder: Path, lines: Lines) -> FetchedFile | str:
        """Send one request; return the file, or where a redirect leads."""
        import httpx2

        failure: Exception | None = None
        for line in self._ways(hop, lines):
            try:
                return self._exchange(hop, line, transfer, folder, lines)
            except (httpx2.ConnectError, httpx2.ConnectTimeout, _Broken) as error:
                transfer.check()
                failure = error
            except httpx2.HTTPError as error:
                transfer.check()
                slow = isinstance(error, httpx2.TimeoutException)
                sentence = "sent no data in time" if slow else "broke the transfer off"
                raise BackendError(f"{hop.url.host} {sentence}.", retryable=True) from error
        what = "cannot be reached" if failure else "has no address"
        raise BackendError(f"{hop.url.host} {what}.", retryable=True) from failure

    def _ways(self, hop: _Hop, lines: Lines) -> Iterator[Line]:
        """Yield the lines to try: one that was kept, then a new one to each address of the host."""
        key = LineKey(hop.url.scheme, *hop.place, hop.trusted, self._proxy)
        kept = lines.take(key)
        if kept is not None:
            yield kept
        for address in self._addresses(hop):
            yield lines.open(key, address)

    def _exchange(
        self, hop: _Hop, line: Line, transfer: _Transfer, folder: Path, lines: Lines
    ) -> FetchedFile | str:
        """Do one request over ``line``, and keep the line when all went well.

        Raises:
            _Broken: the line was kept from before, and the other side had closed it meanwhile.
        """
        kept = False
        try:
            with transfer.over(line), _answer(hop, line, transfer) as response:
                outcome: FetchedFile | str
                if response.is_redirect and "location" in response.headers:
                    outcome = str(response.headers["location"])
                else:
                    _check_status(response, hop)
                    outcome = _store(response, hop, transfer, folder)
            lines.give_back(line)
            kept = True
            return outcome
        finally:
            if not kept:
                line.close()


class _Broken(Exception):
    """A kept line did not answer."""


@contextmanager
def _answer(hop: _Hop, line: Line, transfer: _Transfer) -> Iterator[httpx2.Response]:
    """Send to the line's address, while name and certificate stay those of the host."""
    import httpx2

    headers = {**hop.headers, "host": hop.url.netloc.decode("ascii"), "accept-encoding": "identity"}
    limits = httpx2.Timeout(transfer.timeout, connect=min(transfer.timeout, 15.0))
    request = line.client.build_request(
        transfer.method,
        hop.url.copy_with(host=line.address),
        headers=headers,
        timeout=limits,
        extensions={"sni_hostname": hop.url.host, "trace": transfer.trace},
    )
    try:
        response = line.client.send(request, stream=True)
    except httpx2.TransportError as error:
        if line.used and not isinstance(error, httpx2.TimeoutException):
            raise _Broken from error
        raise
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

    if len(url) > 8192 or _NO_ADDRESS.search(url):
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
