"""Which of the two networks of Real-ESRGAN some weights belong to, told from their shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network's weights say about it.

    Attributes:
        kind: ``rrdb`` (ESRGAN), ``compact`` (SRVGGNetCompact), or the name of another architecture.
        scale: Enlargement.
        features: Width.
        depth: Number of residual blocks, or of convolutions between the first and the last.
        growth: Width of the dense layers of a residual block; 0 for compact.
        unshuffle: Each side is folded by this into channels before the first layer.
        reach: How many input pixels away a pixel can still change the result; ``None`` when that is not known.
    """

    kind: str
    scale: int
    features: int
    depth: int
    growth: int = 0
    unshuffle: int = 1
    reach: int | None = 0


def shape_of(tensors: dict[str, tuple[int, ...]]) -> Shape | None:
    """Return the shape of a network by the shapes of its weights, ``None`` when it is neither of the two."""
    if "conv_first.weight" in tensors and "body.0.rdb1.conv1.weight" in tensors:
        features, channels = tensors["conv_first.weight"][:2]
        depth = 1 + max(int(found[1]) for key in tensors if (found := re.match(r"body\.(\d+)\.", key)))
        unshuffle = {3: 1, 12: 2, 48: 4}.get(channels, 0)
        growth = tensors["body.0.rdb1.conv1.weight"][0]
        reach = unshuffle * (15 * depth + 4)
        return Shape("rrdb", 4 // unshuffle, features, depth, growth, unshuffle, reach) if unshuffle else None
    layers = sorted(int(found[1]) for key in tensors if (found := re.fullmatch(r"body\.(\d+)\.weight", key)))
    if not layers or len(tensors.get("body.0.weight", ())) != 4:
        return None
    outputs = tensors[f"body.{layers[-1]}.weight"][0]
    scale = round((outputs / 3) ** 0.5)
    depth = sum(1 for layer in layers if len(tensors[f"body.{layer}.weight"]) == 4) - 2
    return Shape("compact", scale, tensors["body.0.weight"][0], depth, reach=depth + 2) if scale else None


def build(shape: Shape) -> Any:
    """Return an untrained network of this shape; it maps (N, 3, H, W) in 0..1 to (N, 3, scale H, scale W)."""
    from diorama_local_diffusers.upscale.architectures import Compact, Rrdb

    kind: type[Compact | Rrdb] = Compact if shape.kind == "compact" else Rrdb
    return kind(shape).eval()
