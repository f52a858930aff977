"""A small JSON client for providers without a Python client of their own."""

from __future__ import annotations

import json
from typing import Any

from diorama.contract.remote.answers import Unanswered, from_transport, refusal_from


class Http:
    """Requests to one provider's API; every failure is a :class:`Refusal`, :class:`Unreached` or :class:`Unanswered`.

    Args:
        base_url: Such as ``https://api.example.com``.
        authorization: Value of the ``Authorization`` header; empty for none.
        timeout: Seconds without an answer.
    """

    def __init__(self, base_url: str, authorization: str = "", *, timeout: float = 60.0) -> None:
        import httpx2

        headers = {"Authorization": authorization} if authorization else {}
        self._client = httpx2.Client(
            base_url=base_url,
            headers=headers,
            timeout=httpx2.Timeout(timeout, connect=10.0, pool=300.0),
            trust_env=True,
        )

    def json(self, method: str, path: str, **content: Any) -> Any:
        """Send a request and return the parsed answer; keywords are those of the HTTP client (``json``, ``files`` ...)."""
        import httpx2

        try:
            answer = self._client.request(method, path, **content)
        except httpx2.HTTPError as error:
            raise from_transport(error) from error
        if answer.status_code >= 300:
            raise refusal_from(answer.status_code, answer.content, answer.headers)
        if not answer.content:
            return None
        try:
            return json.loads(answer.content)
        except ValueError as error:
            raise Unanswered(f"the answer to {method} {path} is not JSON") from error

    def close(self) -> None:
        """Release the connections."""
        self._client.close()
