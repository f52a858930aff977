"""Models with a closed vocabulary say which words they know; others are reported, never dropped in silence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from diorama.contract import JobContext

from diorama_local_diffusers.models.folder import read_json

_WORD = re.compile(r"[^\W\d_]+")
_SHOWN = ("things", "colors", "backgrounds", "sizes", "positions", "relations")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Words of a small model.

    Attributes:
        groups: Canonical words by kind (``things``, ``colors``, ...), for people.
        words: Every single word that means something to the model, synonyms and filler included.
    """

    groups: dict[str, tuple[str, ...]]
    words: frozenset[str]

    def unknown(self, text: str) -> list[str]:
        """Return the words of ``text`` that the model does not know, in order, each once."""
        return [word for word in dict.fromkeys(_WORD.findall(text.lower())) if word not in self.words]

    def sentence(self) -> str:
        """Return what the model knows, in one sentence."""
        lists = [f"{group}: {', '.join(self.groups[group])}" for group in _SHOWN if self.groups.get(group)]
        return f"It knows {'; '.join(lists)}."


def read_vocabulary(folder: Path) -> Vocabulary | None:
    """Return the vocabulary that lies in a model's folder, or ``None`` for models that read anything."""
    table = read_json(folder / "vocabulary.json")
    if not table:
        return None
    groups: dict[str, tuple[str, ...]] = {}
    phrases: list[str] = []
    for group, content in table.items():
        if group == "defaults":
            continue
        phrases.extend(content)
        if isinstance(content, dict):
            phrases.extend(synonym for synonyms in content.values() for synonym in synonyms)
        if group != "filler":
            groups[group] = tuple(content)
    return Vocabulary(groups, frozenset(word for phrase in phrases for word in _WORD.findall(phrase.lower())))


def report_unknown_words(vocabulary: Vocabulary | None, field: str, text: str, context: JobContext) -> None:
    """Tell the user about each word of ``text`` that has no effect."""
    if vocabulary is None or not text:
        return
    for word in vocabulary.unknown(text):
        context.ignored(field, word, f"This model does not know the word. {vocabulary.sentence()}")
