from __future__ import annotations

import io
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diorama.assets.png import encode_png
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4]), st.integers(0, 2**32 - 1))
def test_every_pixel_survives(width: int, height: int, channels: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    read = np.asarray(Image.open(io.BytesIO(encode_png(pixels))))
    assert np.array_equal(read, pixels[:, :, 0] if channels == 1 else pixels)


def test_large_pictures_are_cut_into_several_chunks() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (900, 900, 3), np.uint8)
    packed = encode_png(pixels)
    assert packed.count(b"IDAT") >= 2
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(packed))), pixels)


def test_a_view_that_is_not_contiguous_is_read_right(picture: Callable[..., Any]) -> None:
    pixels = picture()[::2, ::3, ::-1]
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_without_isal_zlib_does_the_same(
    picture: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    pixels = picture()
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(encode_png(pixels)))), pixels)


def test_texts_are_readable_by_pillow(picture: Callable[..., Any]) -> None:
    opened = Image.open(io.BytesIO(encode_png(picture(), text=(("plain", "Größe"), ("wide", "球 🎈")))))
    assert opened.text == {"plain": "Größe", "wide": "球 🎈"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 4, 2), (2, 4, 4, 3), (5,)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="uint8"):
        encode_png(np.zeros(shape, np.uint8))


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        encode_png(np.zeros((4, 4, 3)))
