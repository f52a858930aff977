"""Requests to Civitai's API: redirects by hand, pauses after failures, answers kept for some minutes."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diorama.contract import BackendError, BackendNotReady, RateLimited

from diorama_civitai.api.cache import PAGE_SECONDS, SEARCH_SECONDS, Cache
from diorama_civitai.api.errors import api_error, retry_after
from diorama_civitai.api.hosts import Hosts

if TYPE_CHECKING:
    import httpx2

    from diorama_civitai.options import CivitaiOptions

AGENT = "diorama"
"""A plain name: browsers are sent to a sign-in page where a program gets the reason."""
_REDIRECTS = 5
_ATTEMPTS = 4
_LONGEST_PAUSE = 30.0
_LARGEST_ANSWER = 64 * 1024**2
Query = Sequence[tuple[str, str]]
Sleep = Callable[[float], None]


class CivitaiClient:
    """Reads from the API. Safe to use from several threads.

    Args:
        options: Where the site is.
        hosts: Who may see the key.
        cache: Keeps answers, apart for each key.
    """

    def __init__(self, options: CivitaiOptions, hosts: Hosts, cache: Cache | None = None) -> None:
        self._options, self._hosts = options, hosts
        self._cache = cache or Cache()
        self._lock = threading.Lock()
        self._http: httpx2.Client | None = None

    def search(self, query: Query, key: str | None) -> Any:
        """Return one page of ``/models``, at most 5 minutes old. Raises as :meth:`page`."""
        return self._kept("/api/v1/models", query, key, SEARCH_SECONDS, time.sleep, fresh=False)

    def page(self, path: str, key: str | None, *, sleep: Sleep = time.sleep, fresh: bool = False) -> Any:
        """Return the JSON at ``/api/v1/<path>``, at most 15 minutes old.

        Args:
            path: Such as ``models/12``.
            key: The user's key, or ``None``.
            sleep: How to wait between attempts.
            fresh: Pass by what is kept.

        Raises:
            NotFound: there is none.
            BackendNotReady: a key is missing or refused.
            NotAllowed: this key may not see it.
            RateLimited: Civitai asks for a longer pause.
            BackendError: it does not answer, or not with JSON.
        """
        return self._kept(f"/api/v1/{path}", (), key, PAGE_SECONDS, sleep, fresh)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._http is not None:
                self._http.close()
                self._http = None

    def _kept(
        self, path: str, query: Query, key: str | None, seconds: float, sleep: Sleep, fresh: bool
    ) -> Any:
        # A key changes what is shown, so its answers are kept apart; the key itself is not kept.
        name = (path, tuple(query), hashlib.sha256(key.encode()).hexdigest() if key else "")
        answer = None if fresh else self._cache.get(name)
        if answer is None:
            answer = self._asked(path, query, key, sleep)
            self._cache.put(name, answer, seconds)
        return answer

    def _asked(self, path: str, query: Query, key: str | None, sleep: Sleep) -> Any:
        for attempt in range(_ATTEMPTS):
            pause = min(self._options.retry_seconds * 2**attempt, _LONGEST_PAUSE)
            last = attempt + 1 == _ATTEMPTS
            try:
                response, body = self._send(path, query, key)
            except BackendError as error:
                if last or not error.retryable:
                    raise
                sleep(pause)
                continue
            if response.status_code == 200:
                return _parsed(body)
            asked = retry_after(response.headers)
            busy = response.status_code == 429 or response.status_code >= 500
            if not busy or last or (asked or 0) > _LONGEST_PAUSE:
                raise api_error(response.status_code, body, asked, has_key=bool(key))
            sleep(max(pause, asked or 0.0))
        raise RateLimited("Civitai is busy.")  # not reached: the last attempt raises or returns

    def _send(self, path: str, query: Query, key: str | None) -> tuple[httpx2.Response, bytes]:
        import httpx2

        url = httpx2.URL(self._options.url + path, params=list(query))
        for _ in range(_REDIRECTS + 1):
            headers = {"User-Agent": AGENT, "Accept": "application/json"}
            if key and self._hosts.may_see_key(str(url)):
                headers["Authorization"] = f"Bearer {key}"
            try:
                with self._client().stream("GET", url, headers=headers) as response:
                    if response.is_redirect and "location" in response.headers:
                        url = url.join(response.headers["location"])
                        self._hosts.check(str(url), self._options.url)
                        continue
                    return response, _bounded(response)
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                reason = (
                    "sends no answer in time"
                    if isinstance(error, httpx2.TimeoutException)
                    else "cannot be reached"
                )
                raise BackendError(
                    f"{url.host or 'Civitai'} {reason}.",
                    retryable=True,
                    fix="Check the connection and try again.",
                ) from error
        raise BackendError("Civitai redirects without end.")

    def _client(self) -> httpx2.Client:
        import httpx2

        with self._lock:
            if self._http is None:
                self._http = httpx2.Client(
                    follow_redirects=False,
                    trust_env=False,
                    proxy=self._options.proxy or None,
                    timeout=httpx2.Timeout(30.0, connect=10.0),
                )
            return self._http


def _bounded(response: httpx2.Response) -> bytes:
    parts, size = [], 0
    for chunk in response.iter_bytes():
        size += len(chunk)
        if size > _LARGEST_ANSWER:
            raise BackendError("Civitai's answer is far too long.")
        parts.append(chunk)
    return b"".join(parts)


def _parsed(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BackendError(
            "Civitai did not answer with JSON; something between here and there may have answered instead.",
            fix="Check `url` of this backend, and whether a proxy or a filter stands in the way.",
        ) from error
    if not isinstance(answer, dict):
        raise BackendError("Civitai's answer has another form than it should.")
    return answer


def refuse_offline(offline: bool) -> None:
    """Refuse to ask while Diorama is set to stay offline.

    Raises:
        BackendNotReady: it is.
    """
    if offline:
        raise BackendNotReady(
            "Diorama is set to stay offline, so Civitai is not asked.", fix="Set `offline = false`."
        )
