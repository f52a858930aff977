"""The official client, pointed at the configured hosts and kept from repeating submissions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from diorama.contract.remote import Unanswered
from diorama.contract.remote.answers import from_transport, refusal_from

TIMEOUT = 120.0
QUEUE, REST, CDN = "https://queue.fal.run", "https://rest.fal.ai", "https://v3.fal.media"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a result address answered."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    body: Any


class FalClient:
    """One user's access.

    The client keeps its hosts and its retries in module globals, and its retries repeat a submission after a lost answer,
    which buys it twice. Nothing global is changed here, so that two servers can be used side by side: its HTTP client is
    replaced by one that leads each host to the configured one, and that raises the kit's errors, which are never retried.
    """

    def __init__(self, key: str, queue: str, rest: str, cdn: str) -> None:
        import fal_client
        from fal_client import client as module

        self._queue = queue
        theirs = (module.QUEUE_URL_FORMAT.rstrip("/"), module.REST_URL, module.CDN_URL)
        self._client = fal_client.SyncClient(key=key)
        self._http = led_client(dict(zip(theirs, (queue, rest, cdn), strict=True)), self._client)
        own = vars(self._client)  # where the client caches what it makes
        own["_client"] = self._http
        self._client._token_manager._url = self._client._token_manager._url.replace(module.REST_URL, rest)
        own["_get_cdn_client"] = self._for_uploads

    def submit(self, endpoint: str, body: Mapping[str, Any]) -> dict[str, str]:
        """Put a request into the queue; returns the ticket."""
        with translated():
            handle = self._client.submit(endpoint, dict(body))
        urls = {"status": handle.status_url, "result": handle.response_url, "cancel": handle.cancel_url}
        return {
            "id": handle.request_id,
            "endpoint": endpoint,
            **{name: url for name, url in urls.items() if self._ours(url)},
        }

    def status(self, ticket: Mapping[str, Any]) -> Any:
        """Return the client's status object (``Queued``, ``InProgress`` or ``Completed``)."""
        with translated():
            return self._handle(ticket).status(with_logs=True)

    def result(self, ticket: Mapping[str, Any]) -> Answer:
        """Read the result address once; the client's own way would ask for the status again."""
        url = self._http.lead(self._handle(ticket).response_url)
        with translated():
            answer = self._http.send(self._http.build_request("GET", url))
        try:
            body = answer.json()
        except ValueError:
            body = None
        return Answer(answer.status_code, answer.content, answer.headers, body)

    def cancel(self, ticket: Mapping[str, Any]) -> None:
        """Ask for a cancel."""
        with translated():
            self._handle(ticket).cancel()

    def upload(self, content: bytes, mime: str, name: str) -> str:
        """Upload a file; returns its public address."""
        with translated():
            return str(self._client.upload(content, mime, name))

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def _for_uploads(self) -> Any:
        token = self._client._token_manager.get_token()
        return self._http.signed(f"{token.token_type} {token.token}")

    def _handle(self, ticket: Mapping[str, Any]) -> Any:
        from fal_client.client import SyncRequestHandle

        made = SyncRequestHandle.from_request_id(self._http, str(ticket["endpoint"]), str(ticket["id"]))
        return SyncRequestHandle(
            request_id=made.request_id,
            response_url=str(ticket.get("result") or made.response_url),
            status_url=str(ticket.get("status") or made.status_url),
            cancel_url=str(ticket.get("cancel") or made.cancel_url),
            client=made.client,
        )

    def _ours(self, url: str) -> bool:
        """The key travels to these addresses: only the configured host may get it."""
        return urlsplit(url)[:2] == urlsplit(self._queue)[:2]


def led_client(hosts: Mapping[str, str], client: Any) -> Any:
    """Return an HTTP client in place of the official client's own.

    Args:
        hosts: From the client's hosts to ours.
        client: The official client, which knows its key.
    """
    import httpx
    from fal_client import client as module

    class Led(httpx.Client):
        """Sends each request to our host and turns failures into the kit's errors."""

        def lead(self, url: str) -> str:
            """Return the address at our host."""
            for theirs, ours in hosts.items():
                if url == theirs or url.startswith(f"{theirs}/"):
                    return ours + url[len(theirs) :]
            return url

        def request(self, method: str, url: Any, **content: Any) -> httpx.Response:
            """See :meth:`httpx.Client.request`; an error status raises."""
            with translated():
                answer = super().request(method, self.lead(str(url)), **content)
            if answer.status_code >= 400:
                raise refusal_from(answer.status_code, answer.content, answer.headers)
            return answer

    def made(authorization: str) -> Led:
        headers = {"Authorization": authorization, "User-Agent": module.USER_AGENT}
        led = Led(
            transport=module.BackupDomainTransport(), headers=headers, timeout=TIMEOUT, follow_redirects=True
        )
        vars(led)["signed"] = made
        return led

    return made(client._auth.header_value)


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into the kit's."""
    import httpx
    from fal_client import FalClientHTTPError

    try:
        yield
    except FalClientHTTPError as error:
        raise refusal_from(error.status_code, error.response.content, error.response_headers) from error
    except httpx.HTTPStatusError as error:
        raise refusal_from(
            error.response.status_code, error.response.content, error.response.headers
        ) from error
    except httpx.HTTPError as error:
        raise from_transport(error) from error
    except (KeyError, ValueError) as error:
        raise Unanswered(f"the client cannot read the answer: {error!r}") from error
