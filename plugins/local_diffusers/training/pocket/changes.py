"""Captions that ask for a change of a picture: other colours, things, backgrounds, sizes and places."""

from random import Random

from .backdrops import LANDSCAPES
from .palette import COLORS
from .phrases import color_word, noun, noun_phrase
from .scenes import THINGS, Scene, Thing
from .words import COLOR_WORDS, LANDSCAPE_NOUNS, LANDSCAPE_PHRASES, OTHER_THINGS, POSITION_WORDS, THING_WORDS

Stated = dict[str, str]

_RECOLOR = (
    "make the {n} {c}", "make the {n} {c}", "turn the {n} {c}", "turn the {n} into a {c} one",
    "now the {n} should be {c}", "the {n} should be {c}", "change the color of the {n} to {c}",
    "change the colour of the {n} to {c}", "color the {n} {c}", "paint the {n} {c}", "make that {n} {c}",
    "the {n} should be {c} now", "i want the {n} to be {c}", "change the {n} to {c}",
    "recolor the {n} to {c}", "make the {o} {n} {c}", "change the {o} {n} to {c}",
    "turn the {o} {n} into a {c} {n}", "now make the {n} {c}", "please make the {n} {c}",
    "can you make the {n} {c}", "the {n} in {c} please", "{c} {n} instead of {o}",
    "the {n} must be {c}, not {o}", "a {c} {n} instead of a {o} one", "let the {n} be {c}",
    "a {o} {n}, but make it {c}", "same {n} but {c}", "give the {n} a {c} color",
    "replace the {o} {n} by a {c} one", "replace the {o} {n} with a {c} {n}", "turn the {o} {n} {c}",
    "the {n} becomes {c}", "now a {c} {n}", "make the {n} look {c}", "i would like the {n} to be {c}",
    "please color the {n} in {c}", "the {n} is {c} now", "a {c} {n} now",
)  # fmt: skip
_REPLACE = (
    "replace the {x} by {p}", "replace the {x} with {p}", "turn the {x} into {p}", "change the {x} into {p}",
    "change the {x} to {p}", "swap the {x} for {p}", "{p} instead of the {x}", "{p} instead of a {x}",
    "instead of the {x}, {p}", "make the {x} {p}", "exchange the {x} for {p}", "i want {p}, not a {x}",
    "put {p} in place of the {x}", "the {x} should become {p}", "transform the {x} into {p}",
    "now {p} instead of the {x}", "replace {x} with {p}", "make it {p}", "turn it into {p}",
    "change it to {p}", "use {p} instead", "now {p}", "let it be {p}", "the {x} becomes {p}",
    "convert the {x} to {p}", "make {p} out of the {x}",
)  # fmt: skip
_BACKGROUND_PLAIN = (
    "make the background {c}", "change the background to {c}", "turn the background {c}",
    "put it on a {c} background", "the background should be {c}", "now with a {c} background",
    "paint the background {c}", "a {c} background instead", "replace the background by plain {c}",
    "{c} background please", "now the background should be {c}", "use a {c} background",
    "set the background to {c}", "background {c}", "color the background {c}",
)  # fmt: skip
_BACKGROUND_SCENE = (
    "change the background to {n}", "make the background a {n}", "make it {n}", "put it {s}", "now {s}",
    "place it {s}", "the same {s}", "with {n} behind it now", "replace the background by {n}",
    "let it be {n}", "turn the background into a {n}", "move it {s}", "the background should be {n}",
    "show it {s}", "{n} instead of the background",
)  # fmt: skip
_RESIZE = {
    "small": (
        "make the {n} smaller",
        "make the {n} small",
        "shrink the {n}",
        "a smaller {n}",
        "the {n} should be smaller",
        "make the {n} tiny",
    ),
    "large": (
        "make the {n} bigger",
        "make the {n} larger",
        "make the {n} big",
        "a bigger {n}",
        "enlarge the {n}",
        "the {n} should be bigger",
        "make the {n} huge",
    ),
}
_MOVE = (
    "move the {n} {w}",
    "put the {n} {w}",
    "place the {n} {w}",
    "the {n} should be {w}",
    "shift the {n} {w}",
    "now the {n} {w}",
)


def change_caption(scene: Scene, rng: Random) -> tuple[str, Stated]:
    """A request to change a picture into (something like) this scene; everything else stays open."""
    thing = rng.choice(scene.things)
    kinds = ["recolor"] * 10 + ["replace"] * 7 + ["background"] * 5
    if thing.size in _RESIZE and len(scene.things) == 1:
        kinds += ["resize"] * 4
    if scene.position:
        kinds += ["move"] * 3
    text, stated = _CHANGES[rng.choice(kinds)](scene, thing, rng)
    if rng.random() < 0.1:
        text += rng.choice((" please", ", please", ".", "!"))
    return text, {"count": "none", "change": "yes", **stated}


def _recolor(scene: Scene, thing: Thing, rng: Random) -> tuple[str, Stated]:
    other, color = rng.choice([c for c in COLORS if c != thing.color]), color_word(thing.color, rng)
    if rng.random() < 0.12:
        form = rng.choice(
            (
                "make it {c}",
                "change the color to {c}",
                "turn it {c}",
                "now in {c}",
                "color it {c}",
                "paint it {c}",
                "{c} please",
                "it should be {c}",
            )
        )
        return form.format(c=color), {"color1": thing.color}
    text = rng.choice(_RECOLOR).format(n=noun(thing, rng), c=color, o=rng.choice(COLOR_WORDS[other]))
    return text, {"kind1": thing.kind, "color1": thing.color}


def _replace(scene: Scene, thing: Thing, rng: Random) -> tuple[str, Stated]:
    old = rng.choice([k for k in THINGS if k != thing.kind])
    x = rng.choice(THING_WORDS[old]) if rng.random() < 0.9 else rng.choice(OTHER_THINGS)
    if rng.random() < 0.4:
        x = f"{rng.choice(COLOR_WORDS[rng.choice(list(COLORS))])} {x}"
    stated = {
        "kind1": thing.kind,
        "color1": thing.color if thing.says_color else "none",
        "size1": thing.size if thing.says_size else "none",
    }
    return rng.choice(_REPLACE).format(x=x, p=noun_phrase(thing, rng)), stated


def _background(scene: Scene, thing: Thing, rng: Random) -> tuple[str, Stated]:
    if scene.background in LANDSCAPES:
        noun, where = (
            rng.choice(LANDSCAPE_NOUNS[scene.background]),
            rng.choice(LANDSCAPE_PHRASES[scene.background]),
        )
        return rng.choice(_BACKGROUND_SCENE).format(n=noun, s=where), {"background": scene.background}
    return rng.choice(_BACKGROUND_PLAIN).format(c=color_word(scene.background, rng)), {
        "background": scene.background
    }


def _resize(scene: Scene, thing: Thing, rng: Random) -> tuple[str, Stated]:
    return rng.choice(_RESIZE[thing.size]).format(n=noun(thing, rng)), {
        "kind1": thing.kind,
        "size1": thing.size,
    }


def _move(scene: Scene, thing: Thing, rng: Random) -> tuple[str, Stated]:
    place = rng.choice(POSITION_WORDS[scene.position or "middle"])
    return rng.choice(_MOVE).format(n=noun(thing, rng), w=place), {
        "kind1": thing.kind,
        "position": scene.position or "none",
    }


_CHANGES = {
    "recolor": _recolor,
    "replace": _replace,
    "background": _background,
    "resize": _resize,
    "move": _move,
}
