"""Keeping requests for work that were refused, so that the log can say what was wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from diorama.access.redaction import scrub
from diorama.contract.plain import dumps, loads
from diorama.jobs.refusals import Refusal, Refusals
from starlette.requests import Request

from diorama_web.security.keys import identify

_ADDRESSES = {
    "/api/jobs": "", "/api/jobs/batch": "", "/api/generate": "generate", "/api/edit": "edit", "/api/video/jobs": "video",
    "/api/i2v/jobs": "video", "/api/upscale/jobs": "upscale",
}  # fmt: skip
"""Where work is asked for, with its kind where the address tells it."""
_KINDS = frozenset({"generate", "edit", "video", "upscale"})
_DOWNLOAD = re.compile(r"/api/models/(?P<model>.+)/download")
_NOT_TOLD = frozenset({"prompt", "model", "kind", "session_id"})
"""Told beside the request."""
_SECRET = re.compile(r"(?i)^key$|api.?key|token(?!s)|secret|password|authorization|cookie")
"""Names whose values nobody needs to see in a log."""
_QUERY = re.compile(r"(?i)(https?://[^\s?#]*)[?#]\S*")
MOST_CHARS = 2000
"""What is kept of a text; longer ones are files, or nonsense."""
MOST_BYTES = 32_000
"""What is kept of a body as a whole; of one that has more, only the names."""


async def note_refusal(request: Request, error: Mapping[str, Any]) -> None:
    """Keep a refused request for work. Requests of other kinds, and of callers who are not known, leave no trace."""
    path = request.url.path
    download = _DOWNLOAD.fullmatch(path)
    if request.method != "POST" or (path not in _ADDRESSES and not download):
        return
    caller = identify(request.app.state.engine.settings.server, request.headers, request.cookies)
    if caller is None:
        return
    body = await _body(request)
    named = body.get("kind")
    kind = "download" if download else named if named in _KINDS else _ADDRESSES[path] or "generate"
    refusals: Refusals = request.app.state.refusals
    refusals.keep(
        Refusal(
            kind=str(kind),
            model=_text(download["model"] if download else body.get("model")),
            prompt=_text(body.get("prompt")),
            session_id=_text(body.get("session_id"))[:64] or None,
            request=_told(body),
            error={name: _cut(value) for name, value in scrub(error).items()},
            owner=caller.owner,
        )
    )


def _told(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body as the log shows it: bounded, without files and without what may be a secret."""
    told = scrub(_short({name: value for name, value in body.items() if name not in _NOT_TOLD}))
    if len(dumps(told)) > MOST_BYTES:
        return dict.fromkeys(told, "(too much to keep)")
    return dict(told)


async def _body(request: Request) -> dict[str, Any]:
    """Return what was sent as JSON, of a batch its first job; nothing of forms and of what is no JSON."""
    if "json" not in request.headers.get("content-type", ""):
        return {}
    try:
        plain = loads(await request.body())  # it was read already, and is kept with the request
    except (ValueError, RecursionError, RuntimeError):
        return {}
    jobs = plain.get("jobs") if isinstance(plain, dict) else None
    if isinstance(jobs, list):
        plain = {**jobs[0], "jobs": len(jobs)} if jobs and isinstance(jobs[0], dict) else {"jobs": len(jobs)}
    return plain if isinstance(plain, dict) else {}


def _text(value: Any) -> str:
    return str(scrub(_clean(value)))[:MOST_CHARS] if isinstance(value, str) else ""


def _cut(value: Any) -> Any:
    """Return a part of an answer; what it repeats of the request may be endless."""
    return value[:MOST_CHARS] if isinstance(value, str) else value


def _clean(text: str) -> str:
    """Return ``text`` as a database takes it: without NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _short(value: Any, depth: int = 0) -> Any:
    """Return a value without files and endless texts."""
    if isinstance(value, str):
        is_file = value.startswith("data:") or len(value) > MOST_CHARS
        return f"({len(value)} characters)" if is_file else _without_query(_clean(value))
    if depth == 3 and isinstance(value, dict | list):
        return "(more)"
    if isinstance(value, dict):
        return {
            _clean(str(name))[:64]: "(not kept)"
            if _SECRET.search(str(name)) and item
            else _short(item, depth + 1)
            for name, item in list(value.items())[:32]
        }
    if isinstance(value, list):
        return [_short(item, depth + 1) for item in value[:16]]
    return value if not isinstance(value, int) or abs(value) < 2**63 else str(value)


def _without_query(text: str) -> str:
    """Return an address without what stands behind its path, which may be a key; other texts stay."""
    return _QUERY.sub(r"\1?(not kept)", text)
