"""Parts of captions: things and backgrounds."""

from random import Random

from .palette import COLORS
from .scenes import Thing
from .words import (
    COLOR_WORDS,
    LANDSCAPE_NOUNS,
    LANDSCAPE_PHRASES,
    PLURALS,
    SIZE_WORDS,
    THING_WORDS,
    TINTS,
)  # fmt: skip


def color_word(color: str, rng: Random) -> str:
    """A word for a colour, sometimes with a tint that changes nothing."""
    word = rng.choice(COLOR_WORDS[color])
    return f"{rng.choice(TINTS)} {word}" if rng.random() < 0.05 else word


def noun(thing: Thing, rng: Random) -> str:
    """A word for the thing alone."""
    return rng.choice(THING_WORDS[thing.kind])


def _article(words: str, rng: Random) -> str:
    proper = "an" if words[0] in "aeiou" else "a"
    return rng.choices((proper, "the", "one", "", "a single"), (0.72, 0.08, 0.08, 0.09, 0.03))[0] + " "


def noun_phrase(thing: Thing, rng: Random) -> str:
    """'a big red ball', 'red ball', 'a ball that is red' ..., naming what the thing says of itself."""
    noun = (
        rng.choice(THING_WORDS[thing.kind])
        if thing.says_kind
        else rng.choice(("something", "thing", "shape", "object"))
    )
    size = rng.choice(SIZE_WORDS[thing.size]) if thing.says_size else ""
    color = color_word(thing.color, rng) if thing.says_color else ""
    late = color and rng.random() < 0.12
    words = [size, color, noun] if rng.random() < 0.85 else [color, size, noun]
    if late:
        words.remove(color)
    core = " ".join(w for w in words if w)
    phrase = (_article(core, rng) + core).strip()
    if noun == "something":
        phrase = " ".join(w for w in ("something", size, "" if late else color) if w)
    if late:
        phrase += rng.choice(
            (" that is {}", " which is {}", " in {}", " of {} color", " of {} colour", ", {}", " colored {}")
        ).format(color)
    elif color and rng.random() < 0.02:
        phrase = phrase.replace(color, color + rng.choice((" colored", " coloured")))
    return phrase


def plural(noun: str) -> str:
    """The plural of a noun of the grammar: 'crescent moons', 'boxes'."""
    *rest, last = noun.split()
    return " ".join((*rest, PLURALS.get(last, last + "s")))


def plural_phrase(thing: Thing, rng: Random) -> str:
    """'two red balls side by side'."""
    noun = rng.choice(THING_WORDS[thing.kind]) if thing.says_kind else "thing"
    size = rng.choice(SIZE_WORDS[thing.size]) if thing.says_size else ""
    words = (size, color_word(thing.color, rng) if thing.says_color else "", plural(noun))
    count = rng.choice(("two", "two", "two", "2", "a pair of", "a couple of"))
    tail = rng.choice(("", "", "", " side by side", " next to each other", " beside each other", " in a row"))
    return f"{count} {' '.join(w for w in words if w)}{tail}"


_PLAIN_AFTER = (
    "on a {c} background", "on {c} background", "on a plain {c} background", "with a {c} background",
    "{c} background", ", {c} background", ", plain {c} background", "on {c}", "against {c}",
    "against a {c} background", "against a {c} wall", "in front of a {c} wall",
    "in front of a {c} background", ", plain {c} behind", ", {c} behind", "with {c} behind it",
    ", {c} behind it", "with plain {c} behind it", ", the background is {c}", ". the background is {c}",
    ", background {c}", ", background: {c}", "over a {c} backdrop", "on a {c} backdrop",
    "with a solid {c} background", "on {c} paper", "on a {c} sheet", ", everything else is {c}",
    ", on a {c} ground", "on a {c} canvas", "and the background should be {c}", "and a {c} background",
    "with a plain {c} backdrop", "surrounded by {c}", ", behind it plain {c}", "with {c} in the background",
    "on a {c} surface", ", all {c} around it", "before a {c} background", "on a simple {c} background",
    "over {c}", "over plain {c}", "on a {c} page", "on something {c}", ". put it on {c}",
    ". put it on something {c}", "of a {c} page", ". put it on a {c} background", "on a {c} sheet of paper",
    ", all around it {c}", "and everything around it is {c}", "upon {c}", ", with {c} all around",
    ". {c} background.", "on a {c} wall", ", {c} everywhere else", "in front of {c}",
)  # fmt: skip
_PLAIN_BEFORE = (
    "on a {c} background,", "on a {c} background", "{c} background,", "{c} background:",
    "{c} background with", "a {c} background with", "plain {c} background,", "plain {c} background with",
    "on {c},", "on plain {c}", "against {c}", "background: {c}.", "the background is {c} and there is",
)  # fmt: skip
_SCENE_AFTER = (
    "with {n} background", "on a {n} background", ", {n} background", ", {n}", ", {n} behind",
    ", {n} behind it", "with {n} behind it", "with {n} in the background", ", the background is {n}",
    "in front of {n}", ", background: {n}", ", {n} scene", "and {n} behind", "with a {n} backdrop",
)  # fmt: skip
_SCENE_BEFORE = (
    "{n} with",
    "{n}:",
    "{n},",
    "a {n} with",
    "a {n} scene with",
    "{n} background with",
    "{n} background,",
    "{n} and",
)


def background_phrase(name: str, rng: Random) -> tuple[str, str]:
    """Words for a background: (put before the rest, '') or ('', put after the rest)."""
    if name in COLORS:
        word, front = color_word(name, rng), rng.random() < 0.22
        return (
            (rng.choice(_PLAIN_BEFORE).format(c=word), "")
            if front
            else ("", rng.choice(_PLAIN_AFTER).format(c=word))
        )
    phrase, noun, kind = rng.choice(LANDSCAPE_PHRASES[name]), rng.choice(LANDSCAPE_NOUNS[name]), rng.random()
    if kind < 0.04:
        return "", rng.choice((". It is {}", ". The background is {}", ". Put it {}")).format(phrase)
    if kind < 0.04:
        return "", rng.choice((". it is {}", ". the background is {}", ". put it {}")).format(phrase)
    if kind < 0.55:
        return "", rng.choice(("", ", ")) + phrase
    if kind < 0.72:
        return phrase + rng.choice((",", "", " there is", ":")), ""
    if kind < 0.86:
        return "", rng.choice(_SCENE_AFTER).format(n=noun)
    return rng.choice(_SCENE_BEFORE).format(n=noun), ""
