"""A short title from a prompt, by a plain rule."""

from __future__ import annotations

import re

MAX_TITLE = 48
_WEIGHT = re.compile(r"[()\[\]{}]|:\d+(?:\.\d+)?|<[^<>]*>")
_BOUNDARY = re.compile(r"[.;\n!?]|,(?=\s)")


def title_from_prompt(prompt: str) -> str:
    """Return the first clause of ``prompt`` without weights and LoRA marks, at most 48 characters, cut at a word."""
    text = " ".join(_WEIGHT.sub(" ", prompt).split()).strip(" ,;.-")
    clause = _BOUNDARY.split(text, maxsplit=1)[0].strip() or text
    if len(clause) > MAX_TITLE:
        clause = clause[: MAX_TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,;-") + "…"
    return clause[:1].upper() + clause[1:] if clause else "Untitled"
