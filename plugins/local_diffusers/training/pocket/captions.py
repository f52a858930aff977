"""A grammar that words a scene in many ways, and the attributes that each wording really states."""

from random import Random

from .backdrops import BACKGROUNDS
from .changes import change_caption
from .palette import COLORS
from .phrases import background_phrase, color_word, noun, noun_phrase, plural_phrase
from .scenes import POSITIONS, RELATIONS, SIZES, THINGS, Scene, Thing
from .words import NOISE_WORDS, POSITION_WORDS, PREFIXES, SUFFIXES

NONE = "none"
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    "count": (NONE, "1", "2"),
    "kind1": (NONE, *THINGS), "color1": (NONE, *COLORS), "size1": (NONE, *SIZES),
    "kind2": (NONE, *THINGS), "color2": (NONE, *COLORS), "size2": (NONE, *SIZES),
    "position": (NONE, *POSITIONS), "relation": (NONE, *RELATIONS), "background": (NONE, *BACKGROUNDS),
    "change": (NONE, "yes"),
}  # fmt: skip
"""What a caption can state; slot 1 is the left or upper thing."""

Stated = dict[str, str]


def caption(scene: Scene, rng: Random, changes: bool = True) -> tuple[str, Stated]:
    """One wording of a scene, and the attributes that it states; with `changes`, sometimes a request for a change."""
    if changes and rng.random() < 0.14:
        return change_caption(scene, rng)
    stated = _stated(scene)
    body = _one(scene, rng) if len(scene.things) == 1 else _two(scene, rng)
    if scene.says_background:
        body = _with_background(body, scene, rng)
    return _dress(body, rng), stated


def _stated(scene: Scene) -> Stated:
    """Attributes that a plain (not a change) caption of the scene states."""
    stated = {"count": str(len(scene.things))}
    for slot, thing in enumerate(scene.things, 1):
        stated[f"kind{slot}"] = thing.kind if thing.says_kind else NONE
        stated[f"color{slot}"] = thing.color if thing.says_color else NONE
        stated[f"size{slot}"] = thing.size if thing.says_size else NONE
    stated["position"] = scene.position or NONE
    stated["relation"] = scene.relation or NONE
    stated["background"] = scene.background if scene.says_background else NONE
    return stated


def _one(scene: Scene, rng: Random) -> str:
    (thing,) = scene.things
    phrase = noun_phrase(thing, rng)
    if scene.position is None:
        return phrase
    place = rng.choice(POSITION_WORDS[scene.position])
    forms = (
        f"{phrase} {place}",
        f"{phrase} {place}",
        f"{phrase}, {place}",
        f"{place}, {phrase}",
        f"{place} {phrase}",
        f"{place} is {phrase}",
        f"{phrase} is {place}",
        f"{place}: {phrase}",
    )
    return rng.choice(forms)


_BESIDE = (
    "to the left of",
    "left of",
    "on the left of",
    "on the left side of",
    "next to",
    "beside",
    "and",
    "and",
    "with",
    "near",
    "by",
    "left from",
    ",",
)
_BESIDE_TURNED = ("to the right of", "right of", "on the right of", "on the right side of", "right from")
_ABOVE = (
    "above",
    "above",
    "over",
    "on top of",
    "on",
    "high above",
    "right above",
    "directly above",
    "hovering over",
    "standing on",
    "flying over",
    "floating above",
    "sitting on",
    "higher than",
)
_BELOW = (
    "under",
    "under",
    "below",
    "beneath",
    "underneath",
    "right under",
    "just below",
    "directly below",
    "lower than",
    "standing under",
    "sitting under",
)
_BESIDE_FORMS = (
    "{a} on the left and {b} on the right", "{a} on the left, {b} on the right",
    "on the left {a}, on the right {b}", "left: {a}, right: {b}", "{a} left and {b} right",
    "{b} on the right and {a} on the left", "on the right {b}, on the left {a}", "{a} and to the right {b}",
    "{a} and to its right {b}", "{b} and to its left {a}", "{a} with {b} on its right",
    "{b} with {a} on its left", "{a} stands left of {b}", "{a} and {b} side by side",
    "{a} and {b} next to each other", "{a} with {b} next to it", "both {a} and {b}", "{a} together with {b}",
    "{a} plus {b}", "{a} and also {b}", "two things: {a} and {b}", "{a}, {b}",
    "{a} on the left of the picture and {b} on the right of the picture",
    "on the left side {a} and on the right side {b}", "{a} beside {b}", "{a} next to {b}",
)  # fmt: skip
_ABOVE_FORMS = (
    "{a} at the top and {b} at the bottom", "{a} on top, {b} at the bottom", "{a} above and {b} below",
    "top: {a}, bottom: {b}", "at the top {a}, at the bottom {b}", "{b} at the bottom and {a} at the top",
    "{b} with {a} above it", "{a} with {b} below it", "{b} with {a} over it", "{a} with {b} under it",
    "{a} with {b} underneath", "{b} and above it {a}", "{a} and below it {b}", "{a} and under it {b}",
    "above {b} there is {a}", "above {b} is {a}", "below {a} there is {b}", "under {a} there is {b}",
    "under {a} {b}", "{b} and {a} above", "{b} and {a} above it", "{a} shining on {b}",
    "{b} below and {a} above", "{b} with {a} on top", "{a} shines over {b}", "{a} stands on {b}",
    "{b}, above it {a}", "{a}, below {b}", "{b} in the lower half, {a} in the upper half",
)  # fmt: skip


def _two(scene: Scene, rng: Random) -> str:
    first, second = scene.things
    if _alike(first, second) and scene.relation == "beside" and rng.random() < 0.85:
        return plural_phrase(first, rng)
    if (
        first.kind == second.kind
        and _colors_only(first, second)
        and scene.relation == "beside"
        and rng.random() < 0.5
    ):
        return f"a {color_word(first.color, rng)} and a {color_word(second.color, rng)} {noun(first, rng)}"
    a, b = noun_phrase(first, rng), noun_phrase(second, rng)
    beside = scene.relation == "beside"
    if rng.random() < 0.45:
        return rng.choice(_BESIDE_FORMS if beside else _ABOVE_FORMS).format(a=a, b=b)
    turned = rng.random() < (0.35 if beside else 0.5)
    words = (_BESIDE_TURNED if turned else _BESIDE) if beside else (_BELOW if turned else _ABOVE)
    link, left, right = rng.choice(words), *((b, a) if turned else (a, b))
    return rng.choice(
        (
            f"{left} {link} {right}",
            f"{left} {link} {right}",
            f"{left} {link} {right}",
            f"{left} is {link} {right}",
            f"{left} that is {link} {right}",
            f"{left}, {link} {right}",
        )
    )


def _colors_only(first: Thing, second: Thing) -> bool:
    return all(thing.says_color and not thing.says_size for thing in (first, second))


def _alike(first: Thing, second: Thing) -> bool:
    return (first.kind, first.color, first.size, first.says_color) == (
        second.kind,
        second.color,
        second.size,
        second.says_color,
    )


def _with_background(body: str, scene: Scene, rng: Random) -> str:
    before, after = background_phrase(scene.background, rng)
    if before:
        return f"{before} {body}"
    return f"{body}{after}" if after.startswith((",", ".", ";")) else f"{body} {after}"


def _dress(body: str, rng: Random) -> str:
    """Prefixes, suffixes, noise, punctuation."""
    if rng.random() < 0.35:
        body = f"{rng.choice(PREFIXES)} {body}"
    if rng.random() < 0.2:
        body = f"{body}{rng.choice((', ', ', ', ' '))}{rng.choice(SUFFIXES)}"
    if rng.random() < 0.1:
        body = f"{body}, {', '.join(rng.sample(NOISE_WORDS, rng.randint(1, 3)))}"
    if rng.random() < 0.06:
        body = _scatter(body, rng)
    if rng.random() < 0.15:
        body += rng.choice((".", ".", "!", "?"))
    return body


def _scatter(body: str, rng: Random) -> str:
    """Put one noise word or a made-up word before the last word of the caption, or drop the small words."""
    words = body.split(" ")
    if rng.random() < 0.5:
        return " ".join(w for w in words if w not in ("a", "an", "the")) or body
    junk = (
        rng.choice(NOISE_WORDS)
        if rng.random() < 0.5
        else "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 7)))
    )
    words.insert(rng.choice((0, len(words))), junk)
    return " ".join(words)
