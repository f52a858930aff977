"""A pen that draws filled and outlined shapes in a unit square placed on a picture."""

from collections.abc import Sequence
from math import cos, pi, sin

from PIL import ImageDraw

from .palette import RGB, edge

Point = tuple[float, float]
Shape = tuple[str, Sequence[Point]]


def disc(x: float, y: float, rx: float, ry: float | None = None) -> Shape:
    """An ellipse around (x, y)."""
    ry = rx if ry is None else ry
    return "disc", [(x - rx, y - ry), (x + rx, y + ry)]


def poly(*points: Point) -> Shape:
    """A closed polygon."""
    return "poly", points


def ring_points(count: int, radius: float, turn: float = 0.0) -> list[Point]:
    """`count` points on a circle, the first one at the top, turned by `turn` radians."""
    return [
        (radius * sin(turn + 2 * pi * k / count), -radius * cos(turn + 2 * pi * k / count))
        for k in range(count)
    ]


class Pen:
    """Draws in coordinates from -1 to 1 (y points down) around a centre, in pixels of a supersampled canvas."""

    def __init__(
        self, draw: ImageDraw.ImageDraw, cx: float, cy: float, half: float, stroke: float, flip: bool
    ) -> None:
        self.draw, self.cx, self.cy, self.half, self.stroke = draw, cx, cy, half, stroke
        self.sign = -1.0 if flip else 1.0

    def _place(self, points: Sequence[Point]) -> list[Point]:
        return [(self.cx + self.sign * x * self.half, self.cy + y * self.half) for x, y in points]

    def fill(self, shape: Shape, color: RGB, grow: float = 0.0) -> None:
        """Fill one shape, grown by `grow` canvas pixels on every side."""
        kind, points = shape
        placed = self._place(points)
        if kind == "disc":
            (x0, y0), (x1, y1) = placed
            x0, x1 = min(x0, x1), max(x0, x1)
            self.draw.ellipse((x0 - grow, y0 - grow, x1 + grow, y1 + grow), fill=color)
            return
        self.draw.polygon(placed, fill=color)
        if grow:
            self.draw.line([*placed, placed[0], placed[1]], fill=color, width=round(2 * grow), joint="curve")

    def solid(self, shapes: Sequence[Shape], color: RGB, outline: RGB | None = None) -> None:
        """Fill the union of shapes and draw one outline around it."""
        rim = edge(color) if outline is None else outline
        for shape in shapes:
            self.fill(shape, rim, self.stroke)
        for shape in shapes:
            self.fill(shape, color)

    def line(self, points: Sequence[Point], color: RGB, width: float) -> None:
        """A stroke of `width` (in units of the half size) with round joints."""
        self.draw.line(self._place(points), fill=color, width=max(1, round(width * self.half)), joint="curve")
