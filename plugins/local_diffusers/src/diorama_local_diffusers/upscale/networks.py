"""The two networks of Real-ESRGAN's official weights, and how to tell from the weights which one they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Tensors = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """What a network's weights say about it.

    Attributes:
        kind: ``rrdb`` (ESRGAN) or ``compact`` (SRVGGNetCompact).
        scale: Enlargement.
        features: Width.
        depth: Number of residual blocks, or of convolutions between the first and the last.
        growth: Width of the dense layers of a residual block; 0 for compact.
        unshuffle: Each side is folded by this into channels before the first layer.
        reach: How many input pixels away a pixel can still change the result.
    """

    kind: str
    scale: int
    features: int
    depth: int
    growth: int = 0
    unshuffle: int = 1
    reach: int = 0


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
    return _classes()[shape.kind](shape).eval()


def _classes() -> dict[str, Callable[[Shape], Any]]:
    import torch
    from torch import nn
    from torch.nn import functional as F  # noqa: N812

    class DenseBlock(nn.Module):
        """Five convolutions, each of which sees all results before it."""

        conv5: Any

        def __init__(self, features: int, growth: int) -> None:
            super().__init__()
            for index in range(1, 6):
                outputs = growth if index < 5 else features
                setattr(
                    self, f"conv{index}", nn.Conv2d(features + (index - 1) * growth, outputs, 3, padding=1)
                )

        def forward(self, x: Any) -> Any:
            seen = [x]
            for index in range(1, 5):
                layer = getattr(self, f"conv{index}")
                seen.append(F.leaky_relu(layer(torch.cat(seen, 1)), 0.2))
            return x + 0.2 * self.conv5(torch.cat(seen, 1))

    class ResidualBlock(nn.Module):
        """Three dense blocks in a row, added to the input."""

        rdb1: Any
        rdb2: Any
        rdb3: Any

        def __init__(self, features: int, growth: int) -> None:
            super().__init__()
            for index in range(1, 4):
                setattr(self, f"rdb{index}", DenseBlock(features, growth))

        def forward(self, x: Any) -> Any:
            return x + 0.2 * self.rdb3(self.rdb2(self.rdb1(x)))

    class Rrdb(nn.Module):
        """The large network; it always enlarges four times, after folding the input for smaller factors."""

        conv_body: Any
        conv_up1: Any
        conv_up2: Any
        conv_hr: Any

        def __init__(self, shape: Shape) -> None:
            super().__init__()
            features = shape.features
            self.unshuffle = shape.unshuffle
            self.conv_first = nn.Conv2d(3 * shape.unshuffle**2, features, 3, padding=1)
            self.body = nn.Sequential(*(ResidualBlock(features, shape.growth) for _ in range(shape.depth)))
            for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
                setattr(self, name, nn.Conv2d(features, features, 3, padding=1))
            self.conv_last = nn.Conv2d(features, 3, 3, padding=1)

        def forward(self, x: Any) -> Any:
            first = self.conv_first(F.pixel_unshuffle(x, self.unshuffle))
            x = first + self.conv_body(self.body(first))
            for layer in (self.conv_up1, self.conv_up2):
                x = F.leaky_relu(layer(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
            return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))

    class Compact(nn.Module):
        """The small network: plain convolutions whose result is added to the enlarged input."""

        def __init__(self, shape: Shape) -> None:
            super().__init__()
            features, self.scale = shape.features, shape.scale
            layers: list[Any] = [nn.Conv2d(3, features, 3, padding=1), nn.PReLU(features)]
            for _ in range(shape.depth):
                layers += [nn.Conv2d(features, features, 3, padding=1), nn.PReLU(features)]
            self.body = nn.Sequential(*layers, nn.Conv2d(features, 3 * shape.scale**2, 3, padding=1))

        def forward(self, x: Any) -> Any:
            fine = F.pixel_shuffle(self.body(x), self.scale)
            return fine + F.interpolate(x, scale_factor=self.scale, mode="nearest")

    return {"rrdb": Rrdb, "compact": Compact}
