"""Running a network over a picture in tiles that overlap, so that memory does not grow with the picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def tiles(size: int, tile: int, step: int) -> Iterator[tuple[int, int]]:
    """Cut a side into ``(start, end)`` pieces of at most ``tile`` pixels, all starts multiples of ``step``."""
    tile = max(tile // step * step, step)
    for start in range(0, size, tile):
        yield start, min(start + tile, size)


def enlarge(
    network: Any,
    picture: Any,
    *,
    scale: int,
    step: int,
    tile: int,
    overlap: int,
    told: Callable[[int, int], None],
) -> Any:
    """Return the network's result for a picture (3, H, W).

    With an overlap that is at least the network's reach, the result is that of the whole picture at once: each tile
    sees everything that can change it, and the picture's own edges are the only ones that count.

    Args:
        network: Maps (1, 3, H, W) to (1, 3, scale H, scale W).
        picture: Values 0..1; sides multiples of ``step``.
        scale: The network's enlargement.
        step: What sides and places of tiles must be a multiple of.
        tile: Side of a tile without overlap, in pixels.
        overlap: Pixels seen around a tile.
        told: Called with tiles done and tiles in all; may raise to stop.
    """
    import torch

    _, height, width = picture.shape
    overlap = -(-overlap // step) * step
    pieces = [(rows, columns) for rows in tiles(height, tile, step) for columns in tiles(width, tile, step)]
    result = torch.empty((3, height * scale, width * scale), dtype=torch.float32)
    for index, ((top, bottom), (left, right)) in enumerate(pieces):
        told(index, len(pieces))
        y, x = max(top - overlap, 0), max(left - overlap, 0)
        seen = picture[None, :, y : min(bottom + overlap, height), x : min(right + overlap, width)]
        with torch.inference_mode():
            made = network(seen)[0].float().cpu()
        inner = made[:, (top - y) * scale : (bottom - y) * scale, (left - x) * scale : (right - x) * scale]
        result[:, top * scale : bottom * scale, left * scale : right * scale] = inner
    told(len(pieces), len(pieces))
    return result
