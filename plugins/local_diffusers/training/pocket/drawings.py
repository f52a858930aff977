"""One function per thing: how it looks, drawn with a `Pen` in its main colour."""

from collections.abc import Callable
from math import atan2, cos, pi, sin

from .palette import COLORS, RGB, edge, shade
from .pen import Pen, Point, disc, poly, ring_points

WOOD = COLORS["brown"]
LEAF = (70, 160, 70)
CREAM = (250, 240, 214)
INK = (36, 36, 44)


def ball(pen: Pen, color: RGB) -> None:
    """A disc with a highlight."""
    pen.solid([disc(0, 0, 0.96)], color)
    pen.fill(disc(-0.36, -0.4, 0.2, 0.15), shade(color, 1.55))


def box(pen: Pen, color: RGB) -> None:
    """A square."""
    pen.solid([poly((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9))], color)


def triangle(pen: Pen, color: RGB) -> None:
    """A triangle with a level base."""
    pen.solid([poly((0, -0.92), (0.96, 0.82), (-0.96, 0.82))], color)


def star(pen: Pen, color: RGB) -> None:
    """A star with five points."""
    outer, inner = ring_points(5, 1.0), ring_points(5, 0.44, pi / 5)
    pen.solid([poly(*[p for pair in zip(outer, inner, strict=True) for p in pair])], color)


def heart(pen: Pen, color: RGB) -> None:
    """A heart."""
    points: list[Point] = []
    for k in range(60):
        a = 2 * pi * k / 60
        y = 13 * cos(a) - 5 * cos(2 * a) - 2 * cos(3 * a) - cos(4 * a)
        points.append((16 * sin(a) ** 3 / 16.8, -(y + 2.4) / 15.6))
    pen.solid([poly(*points)], color)


def ring(pen: Pen, color: RGB) -> None:
    """The full disc; `HOLES` says which part the caller cuts out."""
    pen.solid([disc(0, 0, 0.96)], color)


def house(pen: Pen, color: RGB) -> None:
    """Walls, a darker roof with a chimney, a door and a lit window."""
    pen.solid(
        [poly((0.42, -0.86), (0.62, -0.86), (0.62, -0.3), (0.42, -0.3))], shade(color, 0.6), edge(color)
    )
    pen.solid([poly((-0.74, -0.16), (0.74, -0.16), (0.74, 0.92), (-0.74, 0.92))], color)
    pen.solid([poly((0, -0.92), (0.98, -0.1), (-0.98, -0.1))], shade(color, 0.62), shade(edge(color), 0.8))
    pen.solid([poly((0.08, 0.32), (0.46, 0.32), (0.46, 0.92), (0.08, 0.92))], (96, 58, 36), INK)
    pen.solid([poly((-0.5, 0.18), (-0.14, 0.18), (-0.14, 0.54), (-0.5, 0.54))], (255, 236, 150), INK)


def tree(pen: Pen, color: RGB) -> None:
    """A round crown on a trunk."""
    pen.solid([poly((-0.15, 0.1), (0.15, 0.1), (0.2, 0.96), (-0.2, 0.96))], (112, 70, 40))
    pen.solid(
        [disc(0, -0.46, 0.5), disc(-0.4, -0.06, 0.42), disc(0.4, -0.06, 0.42), disc(0, -0.02, 0.4)], color
    )


def sun(pen: Pen, color: RGB) -> None:
    """A disc with ten rays."""
    rays = []
    for x, y in ring_points(10, 1.0):
        rays.append(
            poly((x, y), (0.66 * x - 0.2 * y, 0.66 * y + 0.2 * x), (0.66 * x + 0.2 * y, 0.66 * y - 0.2 * x))
        )
    for shape in rays:
        pen.solid([shape], color)
    pen.solid([disc(0, 0, 0.62)], color)


def moon(pen: Pen, color: RGB) -> None:
    """A crescent."""
    outer = [
        (0.96 * cos(a) + 0.2, 0.96 * sin(a))
        for a in (pi / 3.4 + k * (2 * pi - 2 * pi / 3.4) / 40 for k in range(41))
    ]
    (x1, y1), (x0, y0) = outer[0], outer[-1]
    centre, radius = 0.66, ((x1 - 0.66) ** 2 + y1**2) ** 0.5
    start, end = _angle(x0 - centre, y0), _angle(x1 - centre, y1)
    inner = [
        (centre + radius * cos(start + (end - start) * k / 24), radius * sin(start + (end - start) * k / 24))
        for k in range(1, 24)
    ]
    pen.solid([poly(*outer, *inner)], color)


def _angle(x: float, y: float) -> float:
    angle = atan2(y, x)
    return angle if angle >= 0 else angle + 2 * pi


def flower(pen: Pen, color: RGB) -> None:
    """Six petals around a middle, on a stem with a leaf."""
    pen.line([(0, -0.1), (0, 0.98)], edge(LEAF), 0.17)
    pen.solid([disc(0.26, 0.66, 0.24, 0.12)], LEAF)
    pen.line([(0, -0.1), (0, 0.97)], LEAF, 0.1)
    pen.solid([disc(0.42 * x, 0.42 * y - 0.34, 0.27) for x, y in ring_points(6, 1.0)], color)
    middle = (140, 84, 30) if color in (COLORS["yellow"], COLORS["orange"]) else (255, 208, 50)
    pen.solid([disc(0, -0.34, 0.22)], middle)


def mountain(pen: Pen, color: RGB) -> None:
    """Two peaks, the higher one with snow."""
    pen.solid([poly((0.42, -0.3), (0.98, 0.8), (-0.2, 0.8))], shade(color, 0.75), edge(color))
    pen.solid([poly((-0.2, -0.86), (0.66, 0.8), (-0.98, 0.8))], color)
    snow = (255, 255, 255) if color != COLORS["white"] else (196, 214, 236)
    pen.fill(
        poly((-0.2, -0.84), (0.02, -0.42), (-0.1, -0.32), (-0.2, -0.44), (-0.32, -0.3), (-0.41, -0.42)), snow
    )


def boat(pen: Pen, color: RGB) -> None:
    """A hull with a mast and white sails."""
    pen.line([(0.02, -0.92), (0.02, 0.4)], (96, 62, 40), 0.1)
    pen.solid([poly((0.12, -0.8), (0.8, 0.22), (0.12, 0.22))], (255, 255, 255), (120, 126, 140))
    pen.solid([poly((-0.1, -0.56), (-0.1, 0.22), (-0.6, 0.22))], (236, 238, 244), (120, 126, 140))
    pen.solid([poly((-0.98, 0.38), (0.98, 0.38), (0.62, 0.88), (-0.66, 0.88))], color)


def fish(pen: Pen, color: RGB) -> None:
    """A body with a tail, a fin and an eye."""
    pen.solid([poly((0.4, 0), (0.98, -0.5), (0.86, 0), (0.98, 0.5))], shade(color, 0.78), edge(color))
    pen.solid([poly((-0.1, -0.4), (0.3, -0.72), (0.36, -0.3))], shade(color, 0.78), edge(color))
    pen.solid([disc(-0.22, 0, 0.76, 0.5)], color)
    pen.solid([disc(-0.56, -0.12, 0.13)], (255, 255, 255), INK)
    pen.fill(disc(-0.58, -0.12, 0.07), INK)


def cloud(pen: Pen, color: RGB) -> None:
    """Four puffs on a flat base."""
    pen.solid(
        [
            disc(-0.5, 0.16, 0.44),
            disc(0.52, 0.2, 0.4),
            disc(-0.1, -0.18, 0.5),
            disc(0.3, -0.04, 0.42),
            poly((-0.5, 0.2), (0.52, 0.2), (0.52, 0.6), (-0.5, 0.6)),
        ],
        color,
    )


def car(pen: Pen, color: RGB) -> None:
    """A body with two windows and two wheels."""
    pen.solid(
        [
            poly((-0.56, 0.02), (-0.34, -0.5), (0.3, -0.5), (0.6, 0.02)),
            poly((-0.96, 0), (0.84, 0), (0.98, 0.12), (0.98, 0.44), (-0.96, 0.44)),
        ],
        color,
    )
    pen.solid([poly((-0.4, 0), (-0.26, -0.36), (-0.06, -0.36), (-0.06, 0))], (206, 236, 252), edge(color))
    pen.solid([poly((0.08, 0), (0.08, -0.36), (0.24, -0.36), (0.42, 0))], (206, 236, 252), edge(color))
    for x in (-0.52, 0.52):
        pen.solid([disc(x, 0.46, 0.25)], (44, 44, 52))
        pen.fill(disc(x, 0.46, 0.11), (200, 204, 210))


def mushroom(pen: Pen, color: RGB) -> None:
    """A dotted cap on a pale stem."""
    pen.solid([poly((-0.28, 0), (0.28, 0), (0.34, 0.9), (-0.34, 0.9))], CREAM)
    cap = [(0.96 * cos(pi + pi * k / 30), 0.94 * sin(pi + pi * k / 30) + 0.12) for k in range(31)]
    pen.solid([poly(*cap)], color)
    dots = (255, 255, 255) if color != COLORS["white"] else (206, 196, 190)
    for x, y, r in ((-0.48, -0.2, 0.15), (0.04, -0.52, 0.17), (0.5, -0.16, 0.15)):
        pen.fill(disc(x, y, r), dots)


def balloon(pen: Pen, color: RGB) -> None:
    """A balloon with a highlight and a string."""
    pen.line([(0, 0.4), (0.1, 0.62), (-0.06, 0.8), (0.04, 0.99)], (90, 90, 100), 0.07)
    pen.solid([poly((0, 0.3), (0.14, 0.52), (-0.14, 0.52))], color)
    pen.solid([disc(0, -0.32, 0.56, 0.65)], color)
    pen.fill(disc(-0.22, -0.58, 0.11, 0.15), shade(color, 1.55))


def cat(pen: Pen, color: RGB) -> None:
    """The face of a cat, with ears, whiskers and a smile."""
    pen.solid(
        [
            poly((-0.86, -0.86), (-0.1, -0.46), (-0.82, 0.16)),
            poly((0.86, -0.86), (0.1, -0.46), (0.82, 0.16)),
            disc(0, 0.1, 0.88, 0.76),
        ],
        color,
    )
    face = (232, 234, 240) if sum(color) < 330 else INK
    for sign in (-1.0, 1.0):
        pen.fill(disc(sign * 0.36, -0.02, 0.12, 0.16), (150, 220, 110) if sum(color) < 330 else INK)
        pen.fill(disc(sign * 0.36, -0.02, 0.05, 0.13), INK)
        for y in (0.3, 0.46):
            pen.line([(sign * 0.34, 0.3), (sign * 0.86, y - 0.04)], face, 0.05)
    pen.fill(
        poly((-0.12, 0.2), (0.12, 0.2), (0, 0.34)),
        (245, 140, 150) if color != COLORS["pink"] else (200, 60, 110),
    )
    pen.line([(-0.17, 0.42), (0, 0.52), (0.17, 0.42)], face, 0.06)


def apple(pen: Pen, color: RGB) -> None:
    """An apple with a leaf."""
    pen.line([(0, -0.4), (0.1, -0.96)], (90, 56, 34), 0.14)
    pen.solid([disc(0.42, -0.74, 0.32, 0.15)], LEAF)
    pen.solid(
        [
            disc(-0.36, 0.02, 0.56, 0.6),
            disc(0.36, 0.02, 0.56, 0.6),
            disc(-0.24, 0.46, 0.44, 0.46),
            disc(0.24, 0.46, 0.44, 0.46),
        ],
        color,
    )


HOLES: dict[str, float] = {"ring": 0.5}
"""Radius of the hole in things through which the background shows."""

FLIPPED = frozenset({"moon", "boat", "fish", "car", "cloud", "mountain"})
"""Things that may look the other way."""

DRAWINGS: dict[str, Callable[[Pen, RGB], None]] = {
    "ball": ball, "box": box, "triangle": triangle, "star": star, "heart": heart, "ring": ring,
    "house": house, "tree": tree, "sun": sun, "moon": moon, "flower": flower, "mountain": mountain,
    "boat": boat, "fish": fish, "cloud": cloud, "car": car, "mushroom": mushroom, "balloon": balloon,
    "cat": cat, "apple": apple,
}  # fmt: skip
