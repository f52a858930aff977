"""The text index of PostgreSQL: what it holds, and how a search is said. Words are cut as SQLite's index cuts them: at
everything that is no letter and no digit, without case and without the accents of Latin letters."""

from __future__ import annotations

import string
import unicodedata
from collections.abc import Sequence
from functools import cache

COLUMNS = ("prompt", "title", "model", "loras")
_MARKS = "".join(map(chr, range(0x300, 0x370)))
"""Accents that stand by themselves; they are left out."""


@cache
def _letters() -> tuple[str, str]:
    """Return the characters that are replaced, and by what."""
    plain = {letter: unicodedata.normalize("NFD", letter)[0] for letter in map(chr, range(0xC0, 0x250))}
    accented = {letter: base.lower() for letter, base in plain.items() if base.isascii()}
    gaps = " " * len(string.punctuation)
    return "".join(accented) + string.punctuation, "".join(accented.values()) + gaps


@cache
def indexed() -> str:
    """Return the SQL of what the index holds; a query must say it in exactly the same words."""
    before, after = _letters()
    joined = " || ' ' || ".join(f"coalesce({name}, '')" for name in COLUMNS)
    return f"to_tsvector('simple', translate({joined}, {_quoted(before + _MARKS)}, {_quoted(after)}))"


def searched(terms: Sequence[tuple[str, bool, bool]]) -> str:
    """Return a search as ``to_tsquery`` reads it.

    Args:
        terms: Text, whether it must be missing, and whether it may go on (the word that is being typed).
    """
    table = str.maketrans(*_letters(), _MARKS)
    said = []
    for text, missing, goes_on in terms:
        phrase = " ".join(text.translate(table).replace("\0", " ").split())
        said.append(f"{'!' if missing else ''}{_quoted(phrase)}{':*' if goes_on else ''}")
    return " & ".join(said)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
