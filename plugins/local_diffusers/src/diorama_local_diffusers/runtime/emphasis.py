"""Weights inside a prompt, in the notation of the Stable Diffusion programs: ``(word:1.3)``, ``(word)``, ``[word]``.

``(word)`` counts 1.1 times, ``[word]`` 1 / 1.1 times, brackets inside brackets multiply. ``BREAK`` starts a new piece of
77 tokens. A backslash before a bracket makes it plain text, as does a bracket without its partner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

STEP = 1.1
"""What one pair of round brackets multiplies by, and one pair of square brackets divides by."""
MOST = 4.0
"""Largest weight that can be written; a larger number after a colon is text, as in ``(16:9)``."""

_MARK = re.compile(r"\\[()\[\]\\]|[(\[\]]|:\s*(?P<weight>\d*\.?\d+)\s*\)|\)|\bBREAK\b")
_WEIGHTED = re.compile(r"(?<!\\)\((?P<text>[^()]*):\s*(?P<weight>\d*\.?\d+)\s*\)")


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a prompt that count equally.

    Attributes:
        text: The words; empty for a break.
        weight: How much they count; 1 is plain.
        breaks: Whether a new piece starts here.
    """

    text: str
    weight: float = 1.0
    breaks: bool = False


def spans_of(prompt: str) -> list[Span]:
    """Return a prompt cut where its weight changes; a prompt without marks is one span."""
    found: list[Span] = []
    opened: list[tuple[str, int]] = []
    end = 0
    for mark in _MARK.finditer(prompt):
        found.append(Span(prompt[end : mark.start()]))
        end = mark.end()
        _read_mark(mark, found, opened)
    found.append(Span(prompt[end:]))
    return _joined(found)


def _read_mark(mark: re.Match[str], found: list[Span], opened: list[tuple[str, int]]) -> None:
    text = mark[0]
    if text == "BREAK":
        found.append(Span("", breaks=True))
    elif text.startswith("\\"):
        found.append(Span(text[1]))
    elif text in "([":
        opened.append((text, len(found)))
        found.append(Span(text))  # stays text unless its partner comes
    else:
        _close(text, mark["weight"], found, opened)


def _close(text: str, number: str | None, found: list[Span], opened: list[tuple[str, int]]) -> None:
    partner = "[" if text == "]" else "("
    if not opened or opened[-1][0] != partner:
        found.append(Span(text))
        return
    _, start = opened.pop()
    weight = STEP if partner == "(" else 1 / STEP
    if number is not None and float(number) <= MOST:
        weight = float(number)
    elif number is not None:
        found.append(Span(text[:-1]))
    found[start:] = [Span(span.text, span.weight * weight, span.breaks) for span in found[start + 1 :]]


def _joined(found: list[Span]) -> list[Span]:
    result: list[Span] = []
    for span in found:
        last = result[-1] if result else None
        if last and not (span.breaks or last.breaks) and last.weight == span.weight:
            result[-1] = Span(last.text + span.text, last.weight)
        elif span.breaks or span.text:
            result.append(span)
    return result


def is_plain(spans: list[Span]) -> bool:
    """Whether nothing in a prompt counts more or less, or begins a new piece."""
    return all(span.weight == 1 and not span.breaks for span in spans)


def words_of(spans: list[Span]) -> str:
    """Return the words without their weights."""
    return "".join(span.text for span in spans)


def without_weights(prompt: str) -> tuple[str, list[str]]:
    """Return a prompt for a model that has no weights, and each ``(words:1.3)`` that lost its own.

    Brackets without a number are ordinary text for such a model.
    """
    lost: list[str] = []

    def plain(found: re.Match[str]) -> str:
        if float(found["weight"]) > MOST:
            return found[0]
        lost.append(found[0])
        return found["text"]

    while (shorter := _WEIGHTED.sub(plain, prompt)) != prompt:  # from the inner brackets outwards
        prompt = shorter
    return prompt, lost
