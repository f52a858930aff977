"""Colours of things and of plain backgrounds, as 8-bit RGB."""

RGB = tuple[int, int, int]

COLORS: dict[str, RGB] = {
    "red": (220, 38, 44),
    "orange": (246, 138, 30),
    "yellow": (251, 210, 42),
    "green": (56, 162, 72),
    "blue": (38, 96, 222),
    "purple": (130, 58, 186),
    "pink": (250, 132, 182),
    "brown": (132, 82, 46),
    "black": (28, 28, 32),
    "white": (252, 252, 252),
    "grey": (142, 147, 154),
}


def shade(color: RGB, factor: float) -> RGB:
    """Darken (`factor` < 1) or lighten towards white (`factor` > 1, at most 2) a colour."""
    if factor <= 1:
        return tuple(round(c * factor) for c in color)  # type: ignore[return-value]
    return tuple(round(c + (255 - c) * (factor - 1)) for c in color)  # type: ignore[return-value]


def edge(color: RGB) -> RGB:
    """Outline colour that keeps a thing visible on a background of its own colour."""
    if sum(color) < 150:
        return (104, 106, 116)
    if min(color) > 235:
        return (120, 126, 140)
    return shade(color, 0.55)
