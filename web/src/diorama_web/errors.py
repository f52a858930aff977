"""Every error leaves in one shape, and one table says with which status."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from diorama.contract import DioramaError

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

log = logging.getLogger(__name__)

STATUS_OF: Mapping[str, int] = {
    "invalid_request": 422,
    "operation_not_supported": 422,
    "content_refused": 422,
    "unauthenticated": 401,
    "not_allowed": 403,
    "not_found": 404,
    "unknown_model": 404,
    "conflict": 409,
    "cancelled": 409,
    "backend_not_ready": 409,
    "rate_limited": 429,
    "backend_error": 502,
    "out_of_memory": 503,
    "insufficient_storage": 507,
    "error": 500,
}
"""HTTP status of each error code."""

_CODE_OF = {
    400: "bad_request", 401: "unauthenticated", 403: "not_allowed", 404: "not_found", 405: "method_not_allowed",
    411: "length_required", 413: "too_large", 415: "unsupported_media_type", 416: "range_not_satisfiable",
}  # fmt: skip


class Unauthenticated(DioramaError):
    """No key was presented, or one that is not known."""

    code = "unauthenticated"


def error_body(
    code: str, message: str, field: str | None = None, fix: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return the one shape of all errors."""
    inner = {"code": code, "message": message, "field": field, "fix": fix, **more}
    return {"error": {key: value for key, value in inner.items() if value is not None}}


def error_reply(error: DioramaError, **more: Any) -> Response:
    """Return the answer for one of our own errors."""
    from diorama_web.encoding import reply

    plain = error.describe()
    headers = {}
    if plain.get("retry_after") is not None:
        headers["Retry-After"] = str(max(1, round(plain["retry_after"])))
    if error.code == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    body = {"error": {**plain, **{key: value for key, value in more.items() if value is not None}}}
    return reply(body, STATUS_OF.get(error.code, 500), headers)


def install_handlers(app: FastAPI) -> None:
    """Make ``app`` speak only this shape, for its framework's errors too."""
    from fastapi.exceptions import RequestValidationError
    from starlette.exceptions import HTTPException

    from diorama_web.encoding import reply
    from diorama_web.refusing import note_refusal

    async def ours(request: Request, error: Any) -> Response:
        await note_refusal(request, error.describe())
        return error_reply(error)

    async def invalid(request: Request, error: Any) -> Response:
        problem = explain(error.errors())
        await note_refusal(request, problem["error"])
        status = 400 if problem["error"]["code"] == "bad_request" else 422
        return reply(problem, status)

    async def http(_request: Request, error: Any) -> Response:
        code = _CODE_OF.get(error.status_code, "error")
        return reply(error_body(code, _sentence(error)), error.status_code, dict(error.headers or {}))

    async def unexpected(_request: Request, error: Exception) -> Response:
        log.error("Unexpected error", exc_info=error)
        message = "Something went wrong inside Diorama; its log has the details."
        return reply(error_body("internal", message, fix="Try again; if it stays, report it."), 500)

    app.add_exception_handler(DioramaError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)


def _sentence(error: Any) -> str:
    known = {404: "There is nothing at this address.", 405: "This address does not take that method."}
    detail = str(error.detail)
    return known.get(error.status_code, detail if detail.endswith(".") else detail + ".")


def explain(problems: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Turn the first of the framework's findings into our shape: which field, what is wrong, what to do."""
    first = problems[0]
    if first["type"] == "json_invalid":
        return error_body("bad_request", "The body is not valid JSON.", fix="Send a JSON object in UTF-8.")
    place = [str(part) for part in first["loc"] if part not in ("body", "query", "path", "header")]
    name = ".".join(place) or "body"
    message, fix = _finding(first)
    return error_body("invalid_request", f"{name}: {message}", field=name, fix=fix)


def _finding(problem: Mapping[str, Any]) -> tuple[str, str]:
    context, kind = problem.get("ctx") or {}, problem["type"]
    limit = next((context[key] for key in _LIMITS if key in context), None)
    if kind == "missing":
        return "it is required.", "Add it to the request."
    if kind in _FIXES:
        message, fix = _FIXES[kind]
        return message.format(limit=limit), fix.format(limit=limit)
    if kind == "value_error":
        return str(context.get("error", problem["msg"])), "Correct the value."
    if kind in ("enum", "literal_error"):
        return "it is not one of the known values.", f"Use one of {context.get('expected')}."
    message = str(problem["msg"])[:200]
    return f"{message[:1].lower()}{message[1:]}.", "See /docs for what is accepted."


_LIMITS = ("min_length", "max_length", "ge", "le", "gt", "lt")
_FIXES = {
    "string_too_short": ("it is too short.", "Give at least {limit} character(s)."),
    "string_too_long": ("it is too long.", "Give at most {limit} characters."),
    "too_short": ("too few items.", "Give at least {limit}."),
    "too_long": ("too many items.", "Give at most {limit}."),
    "greater_than_equal": ("the number is too small.", "Use a value of {limit} or more."),
    "greater_than": ("the number is too small.", "Use a value above {limit}."),
    "less_than_equal": ("the number is too large.", "Use a value of {limit} or less."),
    "less_than": ("the number is too large.", "Use a value below {limit}."),
    "finite_number": ("it is not a finite number.", "Use an ordinary number."),
    "int_parsing": ("it is not a whole number.", "Use a whole number."),
    "int_type": ("it is not a whole number.", "Use a whole number."),
    "int_from_float": ("it is not a whole number.", "Use a whole number."),
    "int_parsing_size": ("the number is too large.", "Use a smaller number."),
    "float_parsing": ("it is not a number.", "Use a number."),
    "float_type": ("it is not a number.", "Use a number."),
    "bool_parsing": ("it is neither true nor false.", "Use true or false."),
    "bool_type": ("it is neither true nor false.", "Use true or false."),
    "string_type": ("it is not text.", "Use a text value."),
    "string_unicode": ("it is not valid Unicode text.", "Send UTF-8 without lone surrogates."),
    "list_type": ("it is not a list.", "Use a list."),
    "dict_type": ("it is not an object.", "Use an object."),
    "model_attributes_type": (
        "it is not a JSON object.",
        "Send a JSON object with Content-Type application/json.",
    ),
    "extra_forbidden": ("this field is not known.", "Remove it."),
    "string_pattern_mismatch": (
        "it has characters that are not allowed.",
        "Use letters, digits, '-' and '_'.",
    ),
}
