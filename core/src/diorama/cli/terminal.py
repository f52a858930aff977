"""Writing for people: harmless text, one line of progress, aligned columns."""

from __future__ import annotations

import json
import re
import sys
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BAR_WIDTH = 24
_CONTROL = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What JSON leaves as it is and a terminal may obey: control characters, and marks that turn the direction of writing."""


def clean(text: str) -> str:
    """Return ``text`` without control characters, so that a prompt or a file cannot steer the terminal."""
    return "".join(
        character if character in "\n\t" or unicodedata.category(character)[0] != "C" else "�"
        for character in text
    )


def warn(text: str) -> None:
    """Print a line to stderr, without control characters."""
    print(clean(text), file=sys.stderr, flush=True)


def as_json(value: Any) -> str:
    """Return ``value`` as readable JSON in which control characters are spelled out, so that none reaches the terminal."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def table(rows: Iterable[Sequence[str]], header: Sequence[str]) -> str:
    """Return aligned columns on a terminal, tab-separated and untruncated lines elsewhere."""
    body = [[clean(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows]
    if not sys.stdout.isatty():
        return "\n".join("\t".join(row) for row in body)
    lines = [list(header), *body]
    widths = [min(max(len(line[column]) for line in lines), 60) for column in range(len(header))]
    return "\n".join(
        "  ".join(_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


class ProgressLine:
    """Shows where a job is, on stderr: one line that is redrawn on a terminal, a line per change elsewhere."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._live = sys.stderr.isatty()
        self._quiet = quiet
        self._shown = ""
        self._width = 0
        self._started = time.monotonic()

    def update(self, job: Mapping[str, Any]) -> None:
        """Show the state of a job (plain values, as the API gives them)."""
        if self._quiet:
            return
        status = str(job.get("status", ""))
        text = self._text(status, job)
        if self._live:
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
            self._width = len(text)
        elif status != self._shown:
            self._shown = status
            warn(clean(status.replace("_", " ") + (f": {job['message']}" if job.get("message") else "")))

    def close(self) -> None:
        """Take the line away."""
        if self._live and self._width and not self._quiet:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0

    def _text(self, status: str, job: Mapping[str, Any]) -> str:
        done = float(job.get("progress") or 0.0)
        filled = int(done / 100 * BAR_WIDTH)
        bar = "█" * filled + "·" * (BAR_WIDTH - filled)
        numbers = job.get("numbers") or {}
        step = (
            f" step {int(numbers['step'])}/{int(numbers['steps'])}"
            if {"step", "steps"} <= set(numbers)
            else ""
        )
        detail = job.get("wait_reason") if status == "queued" else job.get("message")
        eta = job.get("eta_seconds")
        rest = f" about {eta:.0f} s left" if eta and status not in ("queued", "completed") else ""
        seconds = time.monotonic() - self._started
        text = f"{bar} {done:3.0f} % {status.replace('_', ' ')}{step}{rest} {seconds:.1f} s {detail or ''}"
        return clean(text)[:110]
