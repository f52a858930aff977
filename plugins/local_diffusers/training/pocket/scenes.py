"""Scenes: what is in a picture, where, and how to draw it. Everything follows from a seed."""

from dataclasses import dataclass, replace
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from .backdrops import LANDSCAPES, backdrop
from .drawings import DRAWINGS, FLIPPED, HOLES
from .palette import COLORS, edge
from .pen import Pen

SIZE = 128
"""Width and height of a picture, in pixels."""
_SUPER = 4
_STROKE = 1.5

THINGS: tuple[str, ...] = tuple(DRAWINGS)
SIZES: tuple[str, ...] = ("small", "medium", "large")
POSITIONS: dict[str, tuple[float, float]] = {
    "middle": (0.5, 0.5), "left": (0.26, 0.5), "right": (0.74, 0.5), "top": (0.5, 0.26), "bottom": (0.5, 0.74),
    "top left": (0.27, 0.27), "top right": (0.73, 0.27), "bottom left": (0.27, 0.73), "bottom right": (0.73, 0.73),
}  # fmt: skip
"""Centre of a thing for each named place, as fractions of the picture."""
RELATIONS: tuple[str, ...] = ("beside", "above")
"""`beside`: the first thing is left of the second; `above`: the first is over the second."""

NATURAL: dict[str, tuple[str, ...]] = {
    "ball": ("red",), "box": ("brown", "blue"), "triangle": ("green", "blue"), "star": ("yellow",),
    "heart": ("red",), "ring": ("yellow", "orange"), "house": ("red", "white"), "tree": ("green",),
    "sun": ("yellow",), "moon": ("yellow", "white"), "flower": ("pink", "red"), "mountain": ("grey", "brown"),
    "boat": ("red", "brown"), "fish": ("orange", "blue"), "cloud": ("white",), "car": ("red", "blue"),
    "mushroom": ("red",), "balloon": ("red",), "cat": ("grey", "orange", "black"), "apple": ("red", "green"),
}  # fmt: skip
"""Colours for things whose colour is left open."""
_FLYING = frozenset({"sun", "moon", "cloud", "star", "balloon"})
_STANDING = frozenset(
    {"house", "tree", "flower", "mountain", "car", "mushroom", "cat", "box", "ball", "apple"}
)
_WET = frozenset({"boat", "fish"})

_OFFSETS = (7, 2, 8, 5, 1, 9, 3, 10, 6, 4, 0)
HELD_OUT: frozenset[tuple[str, str]] = frozenset(
    pair
    for k, thing in enumerate(THINGS)
    for pair in {(thing, list(COLORS)[(_OFFSETS[k % 11] + j * 5) % 11]) for j in range(2)}
    if pair[1] not in NATURAL[thing]
)
"""(thing, colour) pairs that no training picture shows; the evaluation asks for them."""


@dataclass(frozen=True)
class Thing:
    """One thing: what it is, and its centre and width in pixels. `None` in `said_*` fields: left open."""

    kind: str
    color: str
    size: str
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    flip: bool = False
    says_kind: bool = True
    says_color: bool = True
    says_size: bool = False


@dataclass(frozen=True)
class Scene:
    """One picture and which of its attributes its captions name."""

    things: tuple[Thing, ...]
    background: str
    position: str | None
    relation: str | None
    says_background: bool
    seed: int


def sample_scene(rng: Random, held_out: bool = False, pairs: float = 0.4) -> Scene:
    """Draw a random scene. `held_out` asks for pairs of `HELD_OUT` only; otherwise none occurs."""
    two = rng.random() < pairs
    things = tuple(_sample_thing(rng, held_out) for _ in range(2 if two else 1))
    if two and rng.random() < 0.08:
        things = (things[0], things[0])
    elif two and rng.random() < 0.05:
        other = _sample_thing(rng, held_out, things[0].kind)
        things = (things[0], other)
    elif not two and things[0].says_color and rng.random() < 0.03:
        things = (replace(things[0], says_kind=False),)
    says_background = rng.random() < 0.8
    background = _said_background(rng) if says_background else _open_background(rng, things)
    scene = Scene(things, background, None, None, says_background, rng.randrange(2**31))
    return _place_two(rng, scene) if two else _place_one(rng, scene)


def _sample_thing(rng: Random, held_out: bool, kind_wanted: str | None = None) -> Thing:
    while True:
        kind, says_color = kind_wanted or rng.choice(THINGS), rng.random() < 0.88
        color = rng.choice(list(COLORS)) if says_color or rng.random() < 0.1 else rng.choice(NATURAL[kind])
        if ((kind, color) in HELD_OUT) == held_out:
            break
    size = rng.choices(SIZES, (0.2, 0.6, 0.2))[0]
    says_size = size != "medium" or rng.random() < 0.1
    flip = kind in FLIPPED and rng.random() < 0.5
    return Thing(kind, color, size, flip=flip, says_color=says_color, says_size=says_size)


def _said_background(rng: Random) -> str:
    return rng.choice(list(COLORS)) if rng.random() < 0.5 else rng.choice(list(LANDSCAPES))


def _open_background(rng: Random, things: tuple[Thing, ...]) -> str:
    """A background that suits the things, for captions that leave it open."""
    kinds = {thing.kind for thing in things}
    if kinds & _WET and rng.random() < 0.75:
        return "sea"
    if "moon" in kinds and rng.random() < 0.75:
        return "night"
    if kinds & (_STANDING | {"sun"}) - {"ball", "box", "apple"} or "sun" in kinds:
        return rng.choices(("meadow", "sky", "snow", "white"), (0.8, 0.08, 0.04, 0.08))[0]
    return rng.choices(("white", "meadow", "sky", "yellow", "night"), (0.5, 0.26, 0.14, 0.05, 0.05))[0]


def _natural_height(rng: Random, kind: str, background: str) -> float:
    """Where the centre of a thing lies when nobody says where, as a fraction of the height."""
    if background in COLORS:
        return 0.5
    if kind in _FLYING:
        return 0.4
    if kind == "fish" and background == "sea":
        return 0.68
    return 0.6 if kind in _STANDING or kind in _WET else 0.5


_WIDTH_ONE = {"small": (0.3, 0.36), "medium": (0.46, 0.56), "large": (0.66, 0.76)}
_WIDTH_TWO = {"small": (0.26, 0.31), "medium": (0.38, 0.44), "large": (0.47, 0.5)}


def _place_one(rng: Random, scene: Scene) -> Scene:
    (thing,) = scene.things
    position: str | None = None
    x, y = 0.5, _natural_height(rng, thing.kind, scene.background)
    if rng.random() < 0.5 and thing.size != "large":
        position = "middle" if rng.random() < 0.2 else rng.choice(list(POSITIONS)[1:])
        x, y = POSITIONS[position]
    placed = _fit(rng, thing, x, y, _WIDTH_ONE, 0.035)
    return replace(scene, things=(placed,), position=position)


def _place_two(rng: Random, scene: Scene) -> Scene:
    relation = rng.choice(RELATIONS)
    first, second = scene.things
    if relation == "beside":
        heights = [
            0.5 + 0.8 * (_natural_height(rng, t.kind, scene.background) - 0.5) for t in (first, second)
        ]
        spots = [(0.265, heights[0]), (0.735, heights[1])]
    else:
        shift = rng.uniform(-0.1, 0.1)
        spots = [(0.5 + shift, 0.265), (0.5 - shift, 0.735)]
    things = tuple(
        _fit(rng, t, x, y, _WIDTH_TWO, 0.012) for t, (x, y) in zip(scene.things, spots, strict=True)
    )
    return replace(scene, things=things, relation=relation)


def _fit(
    rng: Random, thing: Thing, x: float, y: float, widths: dict[str, tuple[float, float]], jitter: float
) -> Thing:
    """Give a thing its width and centre in whole pixels, inside the picture with a small margin."""
    width = round(rng.uniform(*widths[thing.size]) * SIZE)
    low, high = width / 2 + 3, SIZE - width / 2 - 3
    cx = min(max((x + rng.uniform(-jitter, jitter)) * SIZE, low), high)
    cy = min(max((y + rng.uniform(-jitter, jitter)) * SIZE, low), high)
    return replace(thing, x=float(round(cx)), y=float(round(cy)), width=float(width))


def render(scene: Scene) -> tuple[Image.Image, np.ndarray]:
    """Draw a scene. Returns the RGB picture of `SIZE` pixels and a boolean mask of its things."""
    empty = backdrop(scene.background, SIZE * _SUPER, Random(scene.seed))
    canvas = empty.copy()
    for thing in scene.things:
        _draw_thing(canvas, empty, thing)
    picture = canvas.reduce(_SUPER)
    mask = (np.asarray(picture) != np.asarray(empty.reduce(_SUPER))).any(axis=2)
    return picture, mask


def _draw_thing(canvas: Image.Image, empty: Image.Image, thing: Thing) -> None:
    half, color = thing.width * _SUPER / 2, COLORS[thing.color]
    pen = Pen(ImageDraw.Draw(canvas), thing.x * _SUPER, thing.y * _SUPER, half, _STROKE * _SUPER, thing.flip)
    DRAWINGS[thing.kind](pen, color)
    if thing.kind in HOLES:
        hole, rim = HOLES[thing.kind] * half, _STROKE * _SUPER
        pen.draw.ellipse((pen.cx - hole, pen.cy - hole, pen.cx + hole, pen.cy + hole), fill=edge(color))
        window = Image.new("L", canvas.size, 0)
        inner = hole - rim
        ImageDraw.Draw(window).ellipse(
            (pen.cx - inner, pen.cy - inner, pen.cx + inner, pen.cy + inner), fill=255
        )
        canvas.paste(empty, (0, 0), window)
