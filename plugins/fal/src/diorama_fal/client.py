"""The official client, pointed at the configured hosts and kept from repeating submissions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from diorama.contract.remote import Unanswered
from diorama.contract.remote.answers import from_transport, refusal_from

QUEUE, REST, CDN = "https://queue.fal.run", "https://rest.fal.ai", "https://v3.fal.media"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a result address answered."""

    status: int
    content: bytes
    headers: Mapping[str, str]
    body: Any


def point(queue: str, rest: str, cdn: str) -> None:
    """Set the hosts of the client and switch its retries off.

    The client keeps both in module globals (it has no arguments for them), so they hold for the whole process. Its retries
    repeat a submission after a lost answer, which buys it twice.
    """
    import fal_client.client as module

    module.MAX_ATTEMPTS = 1
    module.QUEUE_URL_FORMAT = f"{queue}/"
    module.REST_URL = rest
    module.CDN_URL = cdn


class FalClient:
    """One user's access."""

    def __init__(self, key: str, queue: str, rest: str, cdn: str) -> None:
        import fal_client

        point(queue, rest, cdn)
        self._queue = queue
        self._client = fal_client.SyncClient(key=key)

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
        handle = self._handle(ticket)
        with translated():
            answer = handle.client.get(handle.response_url)
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

    def _handle(self, ticket: Mapping[str, Any]) -> Any:
        from fal_client.client import SyncRequestHandle

        made = SyncRequestHandle.from_request_id(
            self._client._client, str(ticket["endpoint"]), str(ticket["id"])
        )
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
