"""What can happen to a request on the wire, and what it means to a user."""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Mapping
from typing import Any

from diorama.contract.errors import (
    BackendError,
    BackendNotReady,
    ContentRefused,
    DioramaError,
    InvalidRequest,
    RateLimited,
)

MODERATION = re.compile(
    r"nsfw|sensitive|safety|flagged|moderat|content[ _]policy|prohibited|E005|blocked by", re.IGNORECASE
)
"""Words by which providers say that they refuse a content."""
BILLING = re.compile(r"balance|credit|billing|payment|spend limit|quota", re.IGNORECASE)
RESETS = re.compile(r"resets? in ~?\s?(\d{1,6}(?:\.\d+)?)\s?s", re.IGNORECASE)
"""How a throttle is told in words where there is no header for it."""
_NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}


class Unreached(Exception):
    """The request did not reach the provider: repeating it is safe."""


class Unanswered(Exception):
    """The request was sent and no usable answer came: it may have taken effect."""


class Refusal(Exception):
    """The provider answered with an error.

    Args:
        status: HTTP status.
        text: What the provider said, in its own words.
        retry_after: Seconds after which it may be tried again, when the provider said so.
    """

    def __init__(self, status: int, text: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(f"HTTP {status}: {text}")
        self.status = status
        self.text = text
        self.retry_after = retry_after

    @property
    def transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in (408, 425, 429) or self.status >= 500


def from_transport(error: Exception) -> Unreached | Unanswered:
    """Translate an error of an HTTP client (httpx and its successors name their errors alike)."""
    names = {kind.__name__ for kind in type(error).__mro__}
    kind = Unreached if names & _NEVER_SENT else Unanswered
    return kind(f"{type(error).__name__}: {error}")


def refusal_from(status: int, body: bytes | str, headers: Mapping[str, str]) -> Refusal:
    """Read an error answer, whatever its shape."""
    text, asked = error_text(body), retry_after(headers)
    if asked is None and status == 429 and (told := RESETS.search(text)):
        asked = float(told[1])
    return Refusal(status, text, retry_after=asked)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a ``Retry-After`` header (a number or a date), or ``None``."""
    value = next((text for name, text in headers.items() if name.lower() == "retry-after"), None)
    if value is None:
        return None
    try:
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    except ValueError:
        pass
    from email.utils import (
        parsedate_to_datetime,
    )  # here, because it draws in much that a listing does not need

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, OverflowError):
        return None


def error_text(body: bytes | str) -> str:
    """Return the sentence inside an error body: JSON of any of the usual shapes, or text."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return _sentence(json.loads(text))[:500]
    except ValueError:
        return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)).strip()[:300]


def _sentence(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, (_sentence(item) for item in value)))
    if not isinstance(value, Mapping):
        return ""
    if "msg" in value:
        place = ".".join(str(part) for part in value.get("loc", ()) if part != "body")
        kind = f" ({value['type']})" if value.get("type") else ""
        return f"{place}: {value['msg']}{kind}" if place else f"{value['msg']}{kind}"
    parts = (
        _sentence(value.get(name)) for name in ("detail", "details", "error", "message", "issues", "code")
    )
    return "; ".join(dict.fromkeys(filter(None, parts)))


def translate(error: Refusal | Unreached | Unanswered, provider: str, *, key_fix: str) -> DioramaError:
    """Return the error that a user sees. Nothing was bought when this is used."""
    if isinstance(error, Unreached):
        return BackendError(
            f"{provider} cannot be reached.", retryable=True, fix="Check the network and try again."
        )
    if isinstance(error, Unanswered):
        return BackendError(f"{provider} did not answer properly.", retryable=True)
    status, said = error.status, f" {provider} says: {error.text}" if error.text else ""
    if status == 429:
        return RateLimited(f"{provider} asks to slow down.{said}", retry_after=error.retry_after)
    if status == 402 or (status == 403 and BILLING.search(error.text)):
        return BackendNotReady(
            f"The account at {provider} has no credit.{said}", fix=f"Add credit to the account at {provider}."
        )
    if status in (401, 403):
        return BackendNotReady(f"{provider} refused the key.{said}", fix=key_fix)
    if status in (400, 422, 451) and MODERATION.search(error.text):
        return ContentRefused(f"{provider} refused the content.{said}", fix="Word it differently.")
    if status in (400, 413, 415, 422):
        return InvalidRequest(
            f"{provider} cannot use this request.{said}", fix="Change the values that it names."
        )
    if status == 404:
        return BackendError(f"{provider} does not know this model or request.{said}")
    return BackendError(f"{provider} answered with an error ({status}).{said}", retryable=error.transient)


def failed_run(provider: str, text: str, *, retryable: bool = False) -> DioramaError:
    """Return the error for a run that the provider reports as failed."""
    said = f": {text}" if text else " and gave no reason."
    if MODERATION.search(text):
        return ContentRefused(f"{provider} refused the content{said}", fix="Word it differently.")
    return BackendError(f"The run failed at {provider}{said}", retryable=retryable)
