"""Civitai's refusals as our errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from diorama.contract import (
    BackendError,
    BackendNotReady,
    DioramaError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    RateLimited,
)

ADD_KEY = "Add your Civitai key: `diorama keys set civitai`, or set CIVITAI_API_TOKEN."


def api_error(status: int, body: bytes, after: float | None, *, has_key: bool) -> DioramaError:
    """Return the error that an answer of the API stands for."""
    said = told(body)
    if status == 400:
        return InvalidRequest(
            f"Civitai refuses the query{_because(said)}.", field="query", fix="Change the filters."
        )
    if status == 401:
        if has_key:
            return BackendNotReady(
                "Civitai refuses the key.", fix="Make a new key in your account and set it again."
            )
        return BackendNotReady("Civitai wants a key for this.", fix=ADD_KEY)
    if status == 403:
        return NotAllowed(f"Civitai does not allow this{_because(said)}.")
    if status in (404, 410):
        return NotFound(f"Civitai has no such entry{_because(said)}.")
    if status == 429:
        return RateLimited("Civitai asks for a pause.", retry_after=after, fix="Try again later.")
    return BackendError(
        f"Civitai answers with status {status}.", retryable=status >= 500, fix="Try again later."
    )


def download_error(status: int, body: bytes, after: float | None, *, has_key: bool) -> DioramaError:
    """Return the error that a refusal of the download route stands for."""
    said = told(body)
    low = said.lower()
    if status == 401 and "disabled" in low:
        return NotAllowed("The creator has disabled downloads of this file.")
    if status == 401 and not has_key:
        return BackendNotReady("Civitai gives this file only to people who are signed in.", fix=ADD_KEY)
    if status == 401:
        return BackendNotReady(
            f"Civitai refuses the key for this file{_because(said)}.",
            fix="Check the key, and whether your account has access to this file.",
        )
    if status == 403 and ("early access" in low or _deadline(body)):
        until = f" until {_deadline(body)}" if _deadline(body) else ""
        return NotAllowed(
            f"This file is in early access{until}, and the account has not bought it.",
            fix="Buy access on Civitai, or wait for the date.",
        )
    if status == 429:
        return RateLimited(
            "Civitai allows this account no more downloads for now.",
            retry_after=after,
            fix="Try again tomorrow.",
        )
    if status == 410:
        return NotFound("This file is archived and no longer given out.")
    if status == 404:
        return NotFound("Civitai does not find this file; it may be unpublished.")
    return api_error(status, body, after, has_key=has_key)


def told(body: bytes) -> str:
    """Return the sentences in an error body, at most 200 characters; empty when there are none."""
    plain = _plain(body)
    error = plain.get("error")
    issues = error.get("issues") if isinstance(error, dict) else plain.get("issues")
    parts: list[Any] = [error, plain.get("message")]
    if isinstance(error, dict):
        parts = [error.get("message"), *parts]
    for issue in issues[:3] if isinstance(issues, list) else ():
        if isinstance(issue, dict):
            place = issue.get("path")
            name = ".".join(map(str, place)) + " " if isinstance(place, list) and place else ""
            parts.append(name + str(issue.get("message", "")))
    texts = dict.fromkeys(part for part in parts if isinstance(part, str) and part)
    return " ".join(" ".join(texts).split())[:200].rstrip(". ")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a ``Retry-After`` header, or ``None``."""
    value = headers.get("retry-after", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 8 else None


def _deadline(body: bytes) -> str:
    value = _plain(body).get("deadline")
    return value[:10] if isinstance(value, str) else ""


def _plain(body: bytes) -> dict[str, Any]:
    try:
        plain = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return plain if isinstance(plain, dict) else {}


def _because(said: str) -> str:
    return f" ({said})" if said else ""
