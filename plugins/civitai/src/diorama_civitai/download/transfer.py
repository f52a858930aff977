"""Bringing one file to this machine: fresh signed address each time, continued where it stopped, checked at the end."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import BackendError, InsufficientStorage, JobContext, RateLimited

from diorama_civitai.api.client import AGENT
from diorama_civitai.api.errors import download_error, retry_after, told
from diorama_civitai.api.hosts import Hosts
from diorama_civitai.download.formats import FORMATS
from diorama_civitai.download.partial import Partial

if TYPE_CHECKING:
    import httpx2

    from diorama_civitai.options import CivitaiOptions

SPARE_BYTES = 500 * 1024**2
"""Room that stays free on the disk."""
_REDIRECTS = 8
_ATTEMPTS = 5
"""Attempts in a row that bring nothing, before it fails."""
_LONGEST_PAUSE = 30.0
_ERROR_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """Where a file is to be had.

    Attributes:
        urls: Addresses of the download route, tried in order when one is not found.
        name: For messages.
        size: Bytes as Civitai states them, 0 when it does not.
        sha256: Lower-case hex, empty when Civitai has none yet.
    """

    urls: tuple[str, ...]
    name: str
    size: int
    sha256: str


class Transfer:
    """A running download.

    Args:
        source: What to fetch.
        target: Where it ends up.
        partial: What was fetched before.
        context: Told the bytes and the speed; its cancel ends the transfer within one chunk.
        options: Pauses and proxy.
        hosts: Who may be connected to, and who may see the key.
        key: The user's key, or ``None``.
    """

    def __init__(
        self,
        source: Source,
        target: Path,
        partial: Partial,
        context: JobContext,
        options: CivitaiOptions,
        hosts: Hosts,
        key: str | None,
    ) -> None:
        self._source, self._target, self._partial, self._context = source, target, partial, context
        self._format = FORMATS[target.suffix]
        self._options, self._hosts, self._key = options, hosts, key
        self._urls = list(source.urls)
        self._fresh = 0
        self._started = time.monotonic()
        self._sockets: list[socket.socket] = []
        self._turn = 0
        self._at_civitai = True

    def run(self) -> str:
        """Fetch, check and put in place; return the SHA-256 in lower-case hex.

        Raises:
            InsufficientStorage: the disk is too small.
            JobCancelled: what was fetched is kept and continued next time.
            DioramaError: it could not be had, or is not what Civitai lists.
        """
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._context.on_cancel(self._interrupt)
        self._partial.resume(lambda size: self._report("Checking what is here already"))
        continued = self._partial.size > 0
        check_room(self._target.parent, self._source.size - self._partial.size)
        try:
            return self._whole()
        except _Damaged as error:
            if not continued:
                raise BackendError(error.message, fix=error.fix) from error
            self._context.log.warning(
                "%s did not fit its earlier part and is fetched anew", self._source.name
            )
            return self._whole()
        finally:
            if not self._partial.size:
                self._partial.remove()

    def _whole(self) -> str:
        self._fetch()
        try:
            return self._finish()
        except BackendError as error:
            self._partial.restart()
            raise _Damaged(error.message, fix=error.fix) from error

    def _fetch(self) -> None:
        """Try until the whole file is here; attempts that bring something do not count."""
        failures = 0
        while True:
            before = self._partial.size
            try:
                if self._attempt():
                    return
                continue  # the same again with the next address, or from the start
            except (BackendError, RateLimited) as error:
                self._context.progress("downloading", None, "")  # a cancel breaks the connection
                failures = 0 if self._partial.size > before else failures + 1
                asked = error.retry_after or 0.0 if isinstance(error, RateLimited) else 0.0
                passing = isinstance(error, RateLimited) or error.retryable
                self._turn += 1
                if not passing or failures >= _ATTEMPTS or asked > _LONGEST_PAUSE:
                    raise
            pause = min(self._options.retry_seconds * 2**failures, _LONGEST_PAUSE)
            self._context.wait(max(pause, asked))

    def _attempt(self) -> bool:
        """Ask once; whether the file is complete. False asks for another attempt at once."""
        import httpx2

        try:
            with self._answer(self._urls[0], self._range()) as response:
                return self._take(response)
        except httpx2.HTTPError as error:
            reason = (
                "sent no data in time"
                if isinstance(error, httpx2.TimeoutException)
                else "broke the transfer off"
            )
            raise BackendError(f"The server of {self._source.name} {reason}.", retryable=True) from error

    def _take(self, response: httpx2.Response) -> bool:
        status, partial = response.status_code, self._partial
        if status == 416 and partial.size:
            total = _total(response.headers.get("content-range", ""))
            if partial.size == (total or partial.state.total):
                return True
            partial.restart()
            return False
        if status == 404 and len(self._urls) > 1:
            self._urls.pop(0)
            return False
        if status not in (200, 206):
            body = _beginning(response)
            if not self._at_civitai:  # a signed address that has expired is refused too; a fresh one may work
                passing = status in (403, 408, 429) or status >= 500
                said = f"The storage of {self._source.name} answers with status {status}."
                raise BackendError(said, retryable=passing, fix="Try again later.")
            raise download_error(status, body, retry_after(response.headers), has_key=bool(self._key))
        self._refuse_page(response)
        if status == 206 and not self._continues(response.headers):
            if not partial.size:
                raise BackendError(
                    f"The server of {self._source.name} sends another part than was asked for."
                )
            partial.restart()
            return False
        if status == 200:
            partial.restart()
            partial.state.total = _length(response.headers)
        partial.state.etag = response.headers.get("etag", "")
        partial.keep_note()
        self._write(response)
        if partial.state.total and partial.size < partial.state.total:
            raise BackendError(
                f"{self._source.name}: {partial.size} of {partial.state.total} bytes came.", retryable=True
            )
        return True

    def _write(self, response: httpx2.Response) -> None:
        partial = self._partial
        most = partial.state.total or self._source.size * 2 or 2**40
        check_room(self._target.parent, partial.state.total - partial.size)
        try:
            with partial.path.open("ab") as file:
                for chunk in response.iter_raw():
                    if not partial.size:
                        self._format.check_start(chunk)
                    if partial.size + len(chunk) > most:
                        raise BackendError(f"More bytes came than {self._source.name} has.")
                    file.write(chunk)
                    partial.add(chunk)
                    self._fresh += len(chunk)
                    self._report(self._source.name)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise InsufficientStorage(
                f"{self._source.name} cannot be written: {error.strerror}.", fix="Free some space and retry."
            ) from error

    def _finish(self) -> str:
        """Compare hash or size, check the header, and rename."""
        partial, source = self._partial, self._source
        digest = partial.digest.hexdigest()
        if source.sha256 and digest != source.sha256:
            raise BackendError(
                f"{source.name} is not the file that Civitai lists: its SHA-256 is {digest[:16]}…, "
                f"not {source.sha256[:16]}…. It was removed.",
                fix="Try again later; if it stays, report the file on Civitai.",
            )
        # Sizes are listed in KiB with a rounded fraction.
        if not source.sha256 and source.size and abs(partial.size - source.size) > 1024:
            raise BackendError(f"{source.name} has {partial.size} bytes, and Civitai lists {source.size}.")
        self._format.check_file(partial.path)
        with partial.path.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(partial.path, self._target)
        partial.forget_note()
        return digest

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx2.Response]:
        """Follow redirects by hand: the key goes to Civitai only, each connection to an address that was checked."""
        import httpx2

        before = ""
        for _ in range(_REDIRECTS + 1):
            addresses, target = self._hosts.check(url, before), httpx2.URL(url)
            sent = {
                **headers,
                "User-Agent": AGENT,
                "Accept-Encoding": "identity",
                "Host": target.netloc.decode("ascii"),
            }
            self._at_civitai = self._hosts.may_see_key(url)
            if self._key and self._at_civitai:
                sent["Authorization"] = f"Bearer {self._key}"
            with httpx2.Client(
                trust_env=False, proxy=self._options.proxy or None, timeout=httpx2.Timeout(60.0, connect=15.0)
            ) as client:
                extensions: dict[str, Any] = {"sni_hostname": target.host, "trace": self._trace}
                goal = target.copy_with(host=addresses[self._turn % len(addresses)])
                with client.stream("GET", goal, headers=sent, extensions=extensions) as response:
                    if not (response.is_redirect and "location" in response.headers):
                        yield response
                        return
                    before, url = url, str(target.join(response.headers["location"]))
            if "/login" in httpx2.URL(url).path:
                raise download_error(401, b"", None, has_key=bool(self._key))
        raise BackendError("The download is redirected without end.")

    def _range(self) -> dict[str, str]:
        partial = self._partial
        if not partial.size:
            return {}
        headers = {"Range": f"bytes={partial.size}-"}
        if partial.state.etag.startswith('"'):  # a weak one must not be used here
            headers["If-Range"] = partial.state.etag
        return headers

    def _continues(self, headers: Any) -> bool:
        """Whether a 206 goes on exactly where the part ends, of a whole of the same size."""
        said = headers.get("content-range", "")
        total, partial = _total(said), self._partial
        if not said.startswith(f"bytes {partial.size}-"):
            return False
        if partial.state.total and total and total != partial.state.total:
            return False
        partial.state.total = total or partial.state.total
        return True

    def _refuse_page(self, response: httpx2.Response) -> None:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind.startswith("text/") or kind.endswith(("json", "xml")):
            said = told(_beginning(response))
            raise BackendError(
                f"Civitai sent a page ({kind}) in place of {self._source.name}{': ' + said if said else ''}.",
                fix="Check your Civitai key, and open the model's page to see whether it can be downloaded.",
            )

    def _report(self, message: str) -> None:
        partial = self._partial
        total = partial.state.total or self._source.size
        seconds = max(time.monotonic() - self._started, 1e-3)
        self._context.progress(
            "downloading",
            min(partial.size / total, 1.0) if total else None,
            message,
            bytes_done=partial.size,
            bytes_total=max(total, partial.size),
            bytes_per_second=int(self._fresh / seconds),
        )

    def _trace(self, event: str, info: Any) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            if found is not None:
                self._sockets[:] = [found]

    def _interrupt(self) -> None:
        for connection in list(self._sockets):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # it is closed already


class _Damaged(BackendError):
    """The whole file came and is not what it should be."""


def check_room(folder: Path, needed: int) -> None:
    """Refuse a download for which the disk has no room.

    Raises:
        InsufficientStorage: it has not.
    """
    free = shutil.disk_usage(folder).free
    if needed + SPARE_BYTES > free:
        raise InsufficientStorage(
            f"The download needs {max(needed, 0) / 1e9:.1f} GB more, and {folder} has {free / 1e9:.1f} GB left.",
            fix="Free some space, or put another folder first in `models_dirs`.",
        )


def _beginning(response: httpx2.Response) -> bytes:
    body = b""
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) >= _ERROR_BYTES:
            break
    return body


def _total(content_range: str) -> int:
    text = content_range.rpartition("/")[2]
    return int(text) if text.isascii() and text.isdigit() else 0


def _length(headers: Any) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else 0
