"""File name prefixes: the placeholders that the web page fills before it sends a prompt."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_DATE = re.compile(r"%date(?::([^%]{1,40}))?%")
_WIDGET = re.compile(r"%([^%.]{1,60})\.([^%]{1,60})%")
_UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1f\x7f]')
_PARTS = re.compile(r"d{1,2}|M{1,2}|yyy?y?|h{1,2}|m{1,2}|s{1,2}")


def expand_prefixes(prompt: dict[str, dict[str, Any]], now: datetime | None = None) -> None:
    """Fill ``%date:yyyy-MM-dd%`` and ``%Node.widget%`` in all ``filename_prefix`` inputs, in place.

    A placeholder that names nothing is left as it is; the server fills the others itself.
    """
    moment = now or datetime.now()
    for node in prompt.values():
        prefix = node["inputs"].get("filename_prefix")
        if isinstance(prefix, str) and "%" in prefix:
            dated = _DATE.sub(lambda found: _date(found[1] or "yyyyMMddhhmmss", moment), prefix)
            node["inputs"]["filename_prefix"] = _WIDGET.sub(lambda found: _widget(found, prompt), dated)


def _date(form: str, moment: datetime) -> str:
    values = {"d": moment.day, "M": moment.month, "h": moment.hour, "m": moment.minute, "s": moment.second}

    def part(found: re.Match[str]) -> str:
        text = found[0]
        if text[0] == "y":
            return str(moment.year)[-2 if len(text) == 2 else 0 :]
        return str(values[text[0]]).zfill(len(text))

    return _UNSAFE.sub("_", _PARTS.sub(part, form))


def _widget(found: re.Match[str], prompt: dict[str, dict[str, Any]]) -> str:
    for node in prompt.values():
        if found[1] in (node.get("_meta", {}).get("title"), node["class_type"]):
            value = node["inputs"].get(found[2])
            if isinstance(value, (str, int, float)):
                return _UNSAFE.sub("_", str(value))[:80]
    return found[0]
