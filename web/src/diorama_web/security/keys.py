"""API keys: one place that reads credentials, whichever way they come."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from diorama.settings import ServerSettings

COOKIE = "diorama_key"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the request.

    Attributes:
        owner: Identity that jobs are recorded under; empty for the person at this machine.
    """

    owner: str = ""


def browser_token(key: str) -> str:
    """Return what a browser keeps in its cookie instead of the key itself."""
    return hmac.new(key.encode(), b"diorama browser cookie", hashlib.sha256).hexdigest()


def identify(server: ServerSettings, headers: Mapping[str, str], cookies: Mapping[str, str]) -> Caller | None:
    """Return the caller, or ``None`` when a key is needed and none that is known was presented.

    Keys are read from ``Authorization: Bearer``, then ``X-API-Key``, then the cookie; never from the address, which
    ends up in logs. The first place that carries something decides.
    """
    if not server.api_keys:
        return Caller()
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() in ("bearer", "key"):
        return _match(server, bearer.strip())
    if "x-api-key" in headers:
        return _match(server, headers["x-api-key"].strip())
    token = cookies.get(COOKIE, "")
    found = [key for key in server.api_keys if token and _equal(browser_token(key), token)]
    return _caller(found[0]) if found else None


def _match(server: ServerSettings, presented: str) -> Caller | None:
    found = [key for key in server.api_keys if presented and _equal(key, presented)]
    return _caller(found[0]) if found else None


def _equal(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _caller(key: str) -> Caller:
    return Caller(owner="key-" + hashlib.sha256(key.encode()).hexdigest()[:12])
