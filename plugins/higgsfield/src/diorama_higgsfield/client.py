"""The official client, kept on the configured host and from repeating submissions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from diorama.contract.remote import Unanswered
from diorama.contract.remote.answers import from_transport, refusal_from


class HiggsfieldClient:
    """One user's access.

    The client repeats every call on an error status, submissions included, which can buy twice: its transport is replaced by
    one of its own without retries. Addresses are taken from the answers, checked against the configured host, or built from
    it: the client itself would build them from a fixed one.
    """

    def __init__(self, key: str, url: str) -> None:
        from higgsfield_client import SyncClient
        from higgsfield_client.http.retry import NoRetry
        from higgsfield_client.http.transport import HttpTransport

        self._url = url
        self._client = SyncClient(base_url=url, api_key=key)
        self._transport = HttpTransport(self._client._client, NoRetry())
        vars(self._client)["_transport"] = self._transport  # where the client caches its own

    def submit(self, model: str, body: Mapping[str, Any]) -> dict[str, str]:
        """Queue a request; returns the ticket."""
        with translated():
            controller = self._client.submit(model, dict(body))
        base = f"{self._url}/requests/{controller.request_id}"
        return {
            "id": controller.request_id,
            "status": controller.status_url if self._ours(controller.status_url) else f"{base}/status",
            "cancel": controller.cancel_url if self._ours(controller.cancel_url) else f"{base}/cancel",
        }

    def status(self, ticket: Mapping[str, Any]) -> Mapping[str, Any]:
        """Read a request with its result, as plain JSON: the client's status objects carry none."""
        return self.ask("GET", str(ticket["status"]))

    def cancel(self, ticket: Mapping[str, Any]) -> None:
        """Cancel a request that still waits."""
        with translated():
            self._transport.request("POST", str(ticket["cancel"]))

    def upload(self, content: bytes, mime: str) -> str:
        """Upload a file; returns its public address."""
        with translated():
            return str(self._client.upload(content, mime))

    def ask(self, method: str, path: str, **content: Any) -> Mapping[str, Any]:
        """Send one request through the client's transport and return the JSON object of its answer."""
        with translated():
            found = self._transport.request(method, path, **content).json()
        if not isinstance(found, Mapping):
            raise Unanswered(f"the answer to {method} {path} is no object")
        return found

    def _ours(self, url: str) -> bool:
        """The key travels to these addresses: only the configured host may get it."""
        return urlsplit(url)[:2] == urlsplit(self._url)[:2]


@contextmanager
def translated() -> Iterator[None]:
    """Turn the client's errors into the kit's; the HTTP answer hides in the cause."""
    import httpx
    from higgsfield_client import HiggsfieldClientError

    try:
        yield
    except (HiggsfieldClientError, httpx.HTTPStatusError) as error:
        answer = getattr(error, "response", None) or getattr(error.__cause__, "response", None)
        if answer is None:
            raise Unanswered(str(error)) from error
        raise refusal_from(answer.status_code, answer.content, answer.headers) from error
    except httpx.HTTPError as error:
        raise from_transport(error) from error
    except (KeyError, ValueError) as error:
        raise Unanswered(f"the client cannot read the answer: {error!r}") from error
