from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diorama.assets.placeholder import placeholder, thumb_hash
from PIL import Image


def average(packed: bytes) -> tuple[float, float, float]:
    """The average colour that a reader of the format gets."""
    head = int.from_bytes(packed[:3], "little")
    light, yellow, red = (head & 63) / 63, (head >> 6 & 63) / 31.5 - 1, (head >> 12 & 63) / 31.5 - 1
    blue = light - 2 / 3 * yellow
    r = (3 * light - blue + red) / 2
    return r, r - red, blue


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 128, 255), (40, 200, 90), (0, 0, 0), (255, 255, 255)])
def test_the_average_colour_comes_back(colour: tuple[int, int, int]) -> None:
    packed = base64.b64decode(placeholder(Image.new("RGB", (90, 60), colour)))
    assert np.allclose(average(packed), np.array(colour) / 255, atol=0.03)


def test_it_is_small_and_tells_shape_and_transparency(picture: Callable[..., Any]) -> None:
    wide = thumb_hash(np.dstack([picture(96, 48), np.full((48, 96), 255, np.uint8)]))
    assert len(wide) <= 25
    assert wide[4] & 0x80  # landscape
    assert not wide[2] & 0x80
    tall = thumb_hash(np.dstack([picture(48, 96), np.full((96, 48), 60, np.uint8)]))
    assert not tall[4] & 0x80
    assert tall[2] & 0x80  # transparent


def test_a_picture_without_any_opacity_has_one_too() -> None:
    assert placeholder(Image.new("RGBA", (30, 30), (0, 0, 0, 0)))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (2, 3)])
def test_odd_shapes(size: tuple[int, int]) -> None:
    assert 5 <= len(base64.b64decode(placeholder(Image.new("RGB", size, (10, 200, 30))))) <= 25


GOLDEN = {
    (60, 40): "5ef80d259a7076777077877788688777b0900bf878",
    (31, 77): "5e080e231a70707777767777b0900af878",
    (100, 9): "1df90d219c61767770886888d2941ff877",
}
"""From an independent implementation of the format, for pictures of :func:`gradient`."""


def gradient(width: int, height: int) -> np.ndarray[Any, Any]:
    y, x = np.mgrid[0:height, 0:width]
    channels = [
        x * 255 // max(1, width - 1),
        y * 255 // max(1, height - 1),
        (x * y) % 256,
        np.full((height, width), 255),
    ]
    return np.stack(channels, -1).astype(np.uint8)


@pytest.mark.parametrize(("size", "expected"), GOLDEN.items())
def test_it_equals_another_implementation(size: tuple[int, int], expected: str) -> None:
    assert thumb_hash(gradient(*size)).hex() == expected
