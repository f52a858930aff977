"""Backgrounds: plain colours and simple landscapes, drawn on a supersampled canvas."""

from collections.abc import Callable
from math import pi, sin
from random import Random

from PIL import Image, ImageDraw

from .palette import COLORS, RGB

Draw = ImageDraw.ImageDraw


def _hill(draw: Draw, size: int, level: float, swing: float, phase: float, color: RGB) -> None:
    points = [
        (x, size * (level + swing * sin(phase + 2 * pi * x / size))) for x in range(0, size + 1, size // 32)
    ]
    draw.polygon([*points, (size, size), (0, size)], fill=color)


def _dots(
    draw: Draw, size: int, rng: Random, count: int, color: RGB, top: float, bottom: float, radius: float
) -> None:
    for _ in range(count):
        x, y, r = rng.uniform(0, size), rng.uniform(top, bottom) * size, rng.uniform(0.8, 1.2) * radius * size
        draw.ellipse((x - r, y - r, x + r, y + r), fill=color)


def _meadow(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(150, 212, 250))
    _hill(draw, size, rng.uniform(0.58, 0.64), 0.03, rng.uniform(0, 6.3), (120, 200, 84))


def _sea(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(190, 230, 250))
    draw.rectangle((0, round(size * 0.52), size, size), fill=(34, 120, 190))
    for row in (0.62, 0.76, 0.9):
        shift = rng.uniform(0, 0.4)
        for k in range(-1, 3):
            x, y, w = (k * 0.4 + shift) * size, row * size, 0.16 * size
            draw.arc((x, y, x + w, y + 0.4 * w), 20, 160, fill=(120, 186, 228), width=size // 64)


def _night(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(20, 26, 74))
    _dots(draw, size, rng, 16, (250, 246, 200), 0.02, 0.8, 0.0125)
    _hill(draw, size, 0.86, 0.03, rng.uniform(0, 6.3), (12, 16, 44))


def _sunset(draw: Draw, size: int, rng: Random) -> None:
    bands: list[tuple[float, RGB]] = [
        (0.0, (112, 66, 138)), (0.2, (190, 84, 130)), (0.4, (240, 118, 96)), (0.58, (252, 168, 82)),
    ]  # fmt: skip
    for top, color in bands:
        draw.rectangle((0, round(top * size), size, size), fill=color)
    _hill(draw, size, 0.8, 0.03, rng.uniform(0, 6.3), (84, 46, 84))


def _snow(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(176, 204, 230))
    _dots(draw, size, rng, 18, (255, 255, 255), 0.02, 0.6, 0.014)
    _hill(draw, size, 0.66, 0.03, rng.uniform(0, 6.3), (248, 250, 255))


def _desert(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(254, 232, 190))
    _hill(draw, size, 0.56, 0.04, rng.uniform(0, 6.3), (240, 196, 120))
    _hill(draw, size, 0.74, 0.05, rng.uniform(0, 6.3), (224, 170, 92))


def _sky(draw: Draw, size: int, rng: Random) -> None:
    draw.rectangle((0, 0, size, size), fill=(120, 196, 248))
    for top, color in ((0.5, (150, 212, 250)), (0.76, (184, 226, 252))):
        draw.rectangle((0, round(top * size), size, size), fill=color)


LANDSCAPES: dict[str, Callable[[Draw, int, Random], None]] = {
    "meadow": _meadow, "sea": _sea, "night": _night, "sunset": _sunset,
    "snow": _snow, "desert": _desert, "sky": _sky,
}  # fmt: skip

BACKGROUNDS: tuple[str, ...] = (*COLORS, *LANDSCAPES)


def backdrop(name: str, size: int, rng: Random) -> Image.Image:
    """Draw the background `name` (a colour or a landscape) on a new canvas of `size` pixels."""
    if name in COLORS:
        return Image.new("RGB", (size, size), COLORS[name])
    canvas = Image.new("RGB", (size, size))
    LANDSCAPES[name](ImageDraw.Draw(canvas), size, rng)
    return canvas
