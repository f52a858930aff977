"""Keeping secrets out of logs and messages, by value: whatever was handed out as a secret is scrubbed from text."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from diorama.contract.errors import DioramaError

MASK = "[redacted]"
_SHORTEST = 6
"""Shorter values are not scrubbed: they would blot out ordinary words."""

_AUTHORIZATION = re.compile(r"(?i)\b((?:bearer|basic|key|token)\s+)[A-Za-z0-9._~+/=:-]{16,}")
_lock = threading.Lock()
_values: frozenset[str] = frozenset()
_pattern: re.Pattern[str] | None = None


def register(value: str | None) -> None:
    """Scrub ``value`` (and its URL-encoded and JSON-escaped forms) from all text from now on, in this process."""
    global _values, _pattern
    if not value or len(value) < _SHORTEST:
        return
    with _lock:
        forms = {value, quote(value, safe=""), json.dumps(value)[1:-1]} - _values
        if not forms:
            return
        _values = _values | forms
        longest_first = sorted(_values, key=len, reverse=True)
        _pattern = re.compile("|".join(re.escape(form) for form in longest_first))


def redact(text: str) -> str:
    """Return ``text`` without registered values and without credentials of ``Authorization`` headers."""
    pattern = _pattern
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return _AUTHORIZATION.sub(rf"\1{MASK}", text)


def scrub(value: Any) -> Any:
    """Return plain data without registered values; text that only looks like a credential is left alone."""
    pattern = _pattern
    if pattern is None:
        return value
    if isinstance(value, str):
        return pattern.sub(MASK, value)
    if isinstance(value, Mapping):
        return {key: scrub(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [scrub(item) for item in value]
    return value


def scrub_error(error: DioramaError) -> None:
    """Take registered values out of an error before anyone sees it: providers repeat keys in theirs."""
    error.message = redact(error.message)
    error.fix = redact(error.fix) if error.fix else error.fix
    error.args = (error.message,)


class RedactionFilter(logging.Filter):
    """Scrubs the message and the traceback of each record. Attach it to handlers: loggers do not inherit filters."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite ``record`` in place; it is always let through."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # a caller's wrong format string must not cost the line
            message = str(record.msg)
        record.msg, record.args = redact(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def install(logger: logging.Logger | None = None) -> None:
    """Put a :class:`RedactionFilter` on every handler of ``logger`` (the root logger when ``None``), once each."""
    for handler in (logger or logging.getLogger()).handlers:
        if not any(isinstance(present, RedactionFilter) for present in handler.filters):
            handler.addFilter(RedactionFilter())
