"""The official client, asked in such a way that nothing happens behind the engine's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from diorama.contract.remote import Unanswered
from diorama.contract.remote.answers import from_transport, refusal_from
from diorama.contract.remote.threads import PerThread

if TYPE_CHECKING:
    import httpx

TIMEOUT = 60.0


class ReplicateClient:
    """One user's access.

    The client's own retries are switched off: they sleep where no cancel reaches them, and the kit retries what is safe.
    Predictions are sent and read as plain JSON: the client would submit without any timeout, and its model of a prediction
    refuses the status ``aborted``.
    """

    def __init__(self, key: str, url: str) -> None:
        import httpx
        import replicate

        timeout = httpx.Timeout(TIMEOUT, connect=10.0, pool=300.0)
        tls = httpx.create_ssl_context()
        self._client = replicate.Client(
            api_token=key,
            base_url=url,
            timeout=timeout,
            event_hooks={"response": [_refuse]},
            transport=PerThread(lambda: httpx.HTTPTransport(verify=tls)),
        )
        self._client._client._transport.max_attempts = 1  # the retries of this client alone

    def create(self, model: str, body: Mapping[str, Any], version: str | None) -> dict[str, Any]:
        """Create a prediction of an official model, or of a version of a community model."""
        path = "/v1/predictions" if version else f"/v1/models/{model}/predictions"
        payload = {"input": dict(body), **({"version": version} if version else {})}
        return self.ask("POST", path, json=payload, timeout=TIMEOUT)

    def prediction(self, prediction_id: str) -> dict[str, Any]:
        """Read a prediction."""
        return self.ask("GET", f"/v1/predictions/{prediction_id}")

    def cancel(self, prediction_id: str) -> None:
        """Cancel a prediction."""
        self.ask("POST", f"/v1/predictions/{prediction_id}/cancel")

    def model(self, name: str) -> dict[str, Any]:
        """Read a model with its newest version and schema."""
        return self.ask("GET", f"/v1/models/{name}")

    def collection(self, slug: str) -> dict[str, Any]:
        """Read a collection with its models and their schemas."""
        return self.ask("GET", f"/v1/collections/{slug}")

    def account(self) -> str:
        """Return the name of the account."""
        with translated():
            return str(self._client.accounts.current().username)

    def upload(self, content: bytes, name: str, mime: str) -> str:
        """Upload a file and return the address to use as an input."""
        answer = self.ask("POST", "/v1/files", files={"content": (name, content, mime)}, timeout=300.0)
        return str(answer["urls"]["get"])

    def ask(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        """Send one request through the client and return the JSON object of its answer."""
        with translated():
            answer = self._client._request(method, path, **content)
        try:
            found = answer.json()
        except ValueError as error:
            raise Unanswered(f"the answer to {method} {path} is not JSON") from error
        if not isinstance(found, dict):
            raise Unanswered(f"the answer to {method} {path} is no object")
        return found


def _refuse(answer: httpx.Response) -> None:
    """Raise for an error before the client does: its own error forgets ``Retry-After``."""
    if answer.status_code >= 400:
        answer.read()
        raise refusal_from(answer.status_code, answer.content, answer.headers)


@contextmanager
def translated() -> Iterator[None]:
    """Turn transport errors into the kit's."""
    import httpx

    try:
        yield
    except httpx.HTTPError as error:
        raise from_transport(error) from error
