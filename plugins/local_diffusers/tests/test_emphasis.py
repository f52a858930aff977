"""Weights inside a prompt: what the brackets mean, and what stays text."""

from __future__ import annotations

import pytest
from diorama_local_diffusers.runtime.emphasis import is_plain, spans_of, without_weights, words_of


@pytest.mark.parametrize(
    ("prompt", "wanted"),
    [
        ("a cat", [("a cat", 1)]),
        ("a (cat:1.3) here", [("a ", 1), ("cat", 1.3), (" here", 1)]),
        ("(cat) [dog] ((owl))", [("cat", 1.1), (" ", 1), ("dog", 1 / 1.1), (" ", 1), ("owl", 1.21)]),
        ("(a [b] c:0.5)", [("a ", 0.5), ("b", 0.5 / 1.1), (" c", 0.5)]),
        (r"a \(cat\) \[dog\]", [("a (cat) [dog]", 1)]),
        ("wide (16:9) sky", [("wide ", 1), ("16:9", 1.1), (" sky", 1)]),
        ("sad :( and ] or [", [("sad :( and ] or [", 1)]),
        ("([x)]", [("(", 1), ("x)", 1 / 1.1)]),
        ("(cat:1)", [("cat", 1)]),
        ("(a:1) (b:1.0)", [("a b", 1)]),
        ("(cat:0)", [("cat", 0)]),
        ("", []),
    ],
)
def test_brackets_are_weights(prompt: str, wanted: list[tuple[str, float]]) -> None:
    found = spans_of(prompt)
    assert [span.text for span in found] == [text for text, _ in wanted]
    assert [span.weight for span in found] == pytest.approx([weight for _, weight in wanted])


def test_break_stands_alone_and_only_as_a_word_in_capitals() -> None:
    assert [(span.text, span.breaks) for span in spans_of("one BREAK two")] == [
        ("one ", False),
        ("", True),
        (" two", False),
    ]
    assert is_plain(spans_of("a break, BREAKFAST"))
    assert not is_plain(spans_of("one BREAK two"))


def test_words_are_those_of_the_prompt() -> None:
    assert words_of(spans_of("a (red:1.4) [cat] (owl)")) == "a red cat owl"


@pytest.mark.parametrize(
    ("prompt", "words", "lost"),
    [
        ("a (red:1.4) cat (small)", "a red cat (small)", ["(red:1.4)"]),
        ("((red:1.2) cat:0.5)", "red cat", ["(red:1.2)", "(red cat:0.5)"]),
        ("at (16:9)", "at (16:9)", []),
        (r"\(red:1.2)", r"\(red:1.2)", []),
    ],
)
def test_models_without_weights_get_the_words(prompt: str, words: str, lost: list[str]) -> None:
    assert without_weights(prompt) == (words, lost)
