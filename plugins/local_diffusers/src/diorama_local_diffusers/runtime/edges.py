"""An edge map of a picture, as ControlNets for canny want it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


def canny(image: Image, low: float = 0.1, high: float = 0.25) -> Image:
    """Return white edges on black, one pixel thin.

    Args:
        image: Any picture.
        low: Gradient (part of the largest one) that still belongs to an edge which touches a strong one.
        high: Gradient from which an edge starts.
    """
    import numpy as np
    from PIL import Image, ImageFilter

    grey = np.asarray(image.convert("L").filter(ImageFilter.GaussianBlur(1.4)), np.float32) / 255
    down, across = np.gradient(grey)
    strength = np.hypot(across, down)
    thin = strength * _is_ridge(strength, across, down)
    top = float(strength.max()) or 1.0
    edges = _connected(thin > high * top, thin > low * top)
    return Image.fromarray((edges * 255).astype(np.uint8)).convert("RGB")


def _is_ridge(strength: Any, across: Any, down: Any) -> Any:
    """Keep a pixel when it is not weaker than both neighbours along its gradient."""
    import numpy as np

    sector = (np.round(np.arctan2(down, across) / (np.pi / 4)).astype(int)) % 4
    padded = np.pad(strength, 1)
    height, width = strength.shape
    keep = np.zeros_like(strength, bool)
    for index, (x, y) in enumerate(((1, 0), (1, 1), (0, 1), (-1, 1))):
        ahead = padded[1 + y : 1 + y + height, 1 + x : 1 + x + width]
        behind = padded[1 - y : 1 - y + height, 1 - x : 1 - x + width]
        keep |= (sector == index) & (strength >= ahead) & (strength >= behind)
    return keep


def _connected(strong: Any, weak: Any) -> Any:
    """Grow the strong pixels through the weak ones until nothing is added."""
    import numpy as np

    found = strong & weak
    while True:
        padded = np.pad(found, 1)
        height, width = found.shape
        near = np.zeros_like(found)
        for y in range(3):
            for x in range(3):
                near |= padded[y : y + height, x : x + width]
        grown = near & weak
        if grown.sum() == found.sum():
            return found
        found = grown
