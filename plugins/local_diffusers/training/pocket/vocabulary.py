"""What the model knows, for programs that want to say which words of a prompt it cannot know."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

from .backdrops import BACKGROUNDS, LANDSCAPES
from .captions import caption
from .palette import COLORS
from .phrases import plural
from .sampling import GUIDANCE, STEPS
from .scenes import SIZE, sample_scene
from .words import (
    COLOR_WORDS,
    LANDSCAPE_NOUNS,
    LANDSCAPE_PHRASES,
    NOISE_WORDS,
    OTHER_THINGS,
    POSITION_WORDS,
    SIZE_WORDS,
    THING_WORDS,
    TINTS,
)  # fmt: skip

RELATION_WORDS = {
    "beside": (
        "next to",
        "beside",
        "left of",
        "right of",
        "to the left of",
        "to the right of",
        "side by side",
        "and",
        "with",
        "near",
        "by",
    ),
    "above": ("above", "over", "on top of", "under", "below", "beneath", "underneath", "on"),
}

_SMALL = frozenset(
    {"a", "an", "the", "of", "in", "on", "at", "to", "it", "is", "are", "and", "with", "by", "up", "so", "as", "from", "for",
     "this", "that", "there", "one", "some", "very"}
)  # fmt: skip


def _words(entries: Iterable[str]) -> set[str]:
    return set(re.findall(r"[a-z]+", " ".join(entries).lower()))


def _unique(words: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys(words))


def vocabulary() -> dict[str, Any]:
    """Canonical names with their synonyms, and `filler`: words that are understood but name nothing."""
    things = {k: _unique((*v, *(plural(w) for w in v))) for k, v in THING_WORDS.items()}
    backgrounds: dict[str, list[str]] = {
        name: [f"{word} background" for word in _unique(COLOR_WORDS[name])] for name in COLORS
    }
    backgrounds |= {name: _unique((*LANDSCAPE_NOUNS[name], *LANDSCAPE_PHRASES[name])) for name in LANDSCAPES}
    known = {
        "things": things, "colors": {k: _unique(v) for k, v in COLOR_WORDS.items()},
        "backgrounds": {k: backgrounds[k] for k in BACKGROUNDS},
        "sizes": {k: _unique(v) for k, v in SIZE_WORDS.items()}, "positions": {k: _unique(v) for k, v in POSITION_WORDS.items()},
        "relations": {k: list(v) for k, v in RELATION_WORDS.items()},
    }  # fmt: skip
    named = set().union(*(_words(words) for group in known.values() for words in group.values()))
    return {
        **known, "filler": sorted((_filler() - named) | _SMALL),
        "defaults": {"width": SIZE, "height": SIZE, "num_inference_steps": STEPS, "guidance_scale": GUIDANCE},
    }  # fmt: skip


def _filler() -> set[str]:
    """All words of captions, less those that mean nothing to the model although it has seen them."""
    rng, seen = Random(8), dict[str, int]()
    for _ in range(30_000):
        for word in _words([caption(sample_scene(rng), rng)[0]]):
            seen[word] = seen.get(word, 0) + 1
    # Made-up words are rare; words of the grammar are not.
    frequent = {word for word, count in seen.items() if count >= 12}
    return (frequent | set(TINTS)) - set(NOISE_WORDS) - set(OTHER_THINGS)


def write_vocabulary(path: Path) -> None:
    """Write `vocabulary()` as JSON."""
    path.write_text(json.dumps(vocabulary(), indent=1, ensure_ascii=False) + "\n")
