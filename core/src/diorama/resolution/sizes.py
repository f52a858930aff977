"""Output sizes: free, listed, by ratio, or the input's own."""

from __future__ import annotations

import math
import re

from diorama.contract import InvalidRequest, Sizes
from diorama.resolution.notebook import Notebook

SANE_SIDE = 16_384
"""No model makes a longer side; a request beyond it is a mistake, not a wish."""
_RATIO = re.compile(r"(\d{1,5}(?:\.\d+)?)\s*[:x/]\s*(\d{1,5}(?:\.\d+)?)")


def resolve_size(
    sizes: Sizes | None,
    *,
    width: int | None,
    height: int | None,
    aspect_ratio: str | None,
    source: tuple[int, int] | None,
    notes: Notebook,
) -> tuple[int | None, int | None, str | None]:
    """Return ``(width, height, aspect_ratio)`` to run with; ``None`` where the backend decides.

    Args:
        sizes: What the model can make.
        width: Asked width.
        height: Asked height.
        aspect_ratio: Asked ratio, used when no width and height are given.
        source: Size of the first input image.
        notes: Where adjustments are recorded.

    Raises:
        InvalidRequest: a side is not between 1 and 16384, or the ratio cannot be read.
    """
    for name, value in (("width", width), ("height", height)):
        if value is not None and not 1 <= value <= SANE_SIDE:
            raise InvalidRequest(
                f"{name} {value} is not between 1 and {SANE_SIDE}.",
                field=name,
                fix="Give pixels, such as 1024.",
            )
    ratio = _parse_ratio(aspect_ratio)
    if sizes is None:
        note_ignored(notes, width, height, aspect_ratio, "This model does not let the size be chosen.")
        return None, None, None
    if sizes.match_input and source is not None:
        _note_unmatched(notes, width, height, aspect_ratio, source)
        return _applied(notes, source, None)
    if not sizes.free and not sizes.choices and sizes.ratios:
        return _by_name(sizes, width, height, aspect_ratio, ratio, source, notes)
    wanted = _wanted(sizes, width, height, ratio, source)
    if wanted is None:
        return None, None, None
    fitted = _fit(sizes, wanted)
    if fitted != wanted and (width or height):
        notes.adjust("size", f"{wanted[0]}x{wanted[1]}", f"{fitted[0]}x{fitted[1]}", _why(sizes))
    return _applied(notes, fitted, aspect_ratio if ratio and not (width or height) else None)


def _applied(notes: Notebook, size: tuple[int, int], aspect_ratio: str | None) -> tuple[int, int, str | None]:
    notes.apply("width", size[0])
    notes.apply("height", size[1])
    notes.apply("aspect_ratio", aspect_ratio)
    return size[0], size[1], aspect_ratio


def _parse_ratio(text: str | None) -> float | None:
    if not text:
        return None
    match = _RATIO.fullmatch(text.strip())
    parts = (float(match[1]), float(match[2])) if match else (0.0, 0.0)
    if min(parts) <= 0 or not 0.01 <= parts[0] / parts[1] <= 100:
        raise InvalidRequest(
            f"{text[:40]!r} is no aspect ratio.", field="aspect_ratio", fix="Write it like 16:9."
        )
    return parts[0] / parts[1]


def _wanted(
    sizes: Sizes, width: int | None, height: int | None, ratio: float | None, source: tuple[int, int] | None
) -> tuple[int, int] | None:
    base = source or sizes.default
    if width and height:
        return width, height
    if width or height:
        shape = ratio or (base[0] / base[1] if base else 1.0)
        return (
            (width, max(1, round(width / shape)))
            if width
            else (max(1, round((height or 1) * shape)), height or 1)
        )
    if ratio:
        for name, size in sizes.ratios.items():
            if _same_shape(_parse_ratio(name), ratio):
                return size
        pixels = base[0] * base[1] if base else 1024 * 1024
        return max(1, round(math.sqrt(pixels * ratio))), max(1, round(math.sqrt(pixels / ratio)))
    return base


def _same_shape(left: float | None, right: float) -> bool:
    return left is not None and abs(left - right) < 0.005 * right


def _fit(sizes: Sizes, wanted: tuple[int, int]) -> tuple[int, int]:
    if sizes.choices:
        return min(sizes.choices, key=lambda size: _distance(size, wanted))
    width, height = wanted
    longest = max(width, height)
    shrink = min(1.0, sizes.maximum / longest)
    if sizes.max_pixels:
        shrink = min(shrink, math.sqrt(sizes.max_pixels / (width * height)))
    grow = max(1.0, sizes.minimum / min(width, height)) if shrink == 1.0 else 1.0
    return _side(sizes, width * shrink * grow), _side(sizes, height * shrink * grow)


def _side(sizes: Sizes, value: float) -> int:
    unit = sizes.multiple_of
    low, high = math.ceil(sizes.minimum / unit) * unit, sizes.maximum // unit * unit
    return min(max(round(value / unit) * unit, low), high)


def _distance(size: tuple[int, int], wanted: tuple[int, int]) -> float:
    shape = abs(math.log(size[0] * wanted[1] / (size[1] * wanted[0])))
    area = abs(math.log(size[0] * size[1] / (wanted[0] * wanted[1])))
    return 2 * shape + area


def _by_name(
    sizes: Sizes,
    width: int | None,
    height: int | None,
    aspect_ratio: str | None,
    ratio: float | None,
    source: tuple[int, int] | None,
    notes: Notebook,
) -> tuple[int | None, int | None, str | None]:
    """For models that take the name of a ratio and nothing else."""
    if width and height:
        shape = width / height
    elif ratio:
        shape = ratio
    else:
        base = source or sizes.default
        if base is None:
            return None, None, None
        shape = base[0] / base[1]
    name = min(sizes.ratios, key=lambda item: abs(math.log((_parse_ratio(item) or 1.0) / shape)))
    size = sizes.ratios[name]
    if (width and height and (width, height) != size) or (
        aspect_ratio and not _same_shape(_parse_ratio(name), shape)
    ):
        asked = f"{width}x{height}" if width and height else aspect_ratio
        notes.adjust("aspect_ratio", asked, name, f"This model offers the ratios {', '.join(sizes.ratios)}.")
    return _applied(notes, size, name)


def _why(sizes: Sizes) -> str:
    if sizes.choices:
        return "This model makes only these sizes: " + ", ".join(f"{w}x{h}" for w, h in sizes.choices) + "."
    limit = f", at most {sizes.max_pixels / 1e6:.2g} megapixels" if sizes.max_pixels else ""
    return f"Sides are {sizes.minimum} to {sizes.maximum} in steps of {sizes.multiple_of}{limit}."


def note_ignored(
    notes: Notebook, width: int | None, height: int | None, aspect_ratio: str | None, why: str
) -> None:
    """Note that a size which was asked for has no effect."""
    for name, value in (("width", width), ("height", height), ("aspect_ratio", aspect_ratio)):
        if value is not None:
            notes.ignore(name, value, why)


def _note_unmatched(
    notes: Notebook, width: int | None, height: int | None, aspect_ratio: str | None, source: tuple[int, int]
) -> None:
    why = f"This model keeps the size of its input, {source[0]}x{source[1]}."
    for name, value, actual in (("width", width, source[0]), ("height", height, source[1])):
        if value is not None and value != actual:
            notes.ignore(name, value, why)
    if aspect_ratio is not None:
        notes.ignore("aspect_ratio", aspect_ratio, why)
