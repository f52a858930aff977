"""Answers as bytes, made once and quickly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, overload

from diorama.contract.plain import dumps
from starlette.responses import Response


def reply(plain: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Return ``plain`` (contract records and containers of them) as a JSON answer."""
    return Response(dumps(plain), status_code, headers, media_type="application/json")


@overload
def iso_time(seconds: float) -> str: ...
@overload
def iso_time(seconds: None) -> None: ...
def iso_time(seconds: float | None) -> str | None:
    """Return Unix seconds as ISO 8601 in UTC, with milliseconds."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
