"""The two networks of Real-ESRGAN's official weights. Imports torch: only what opens a network imports this."""

# ruff: noqa: TID253
from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from diorama_local_diffusers.upscale.networks import Shape


def convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a layer that sees 3 x 3 pixels and keeps the size."""
    return nn.Conv2d(inputs, outputs, 3, padding=1)


class DenseBlock(nn.Module):
    """Five convolutions, each of which sees all results before it."""

    conv5: Any

    def __init__(self, features: int, growth: int) -> None:
        super().__init__()
        for index in range(1, 6):
            outputs = growth if index < 5 else features
            setattr(self, f"conv{index}", convolution(features + (index - 1) * growth, outputs))

    def forward(self, x: Any) -> Any:
        """Return the input with what the convolutions add."""
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
        """Return the input with what the blocks add."""
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
        self.conv_first = convolution(3 * shape.unshuffle**2, features)
        self.body = nn.Sequential(*(ResidualBlock(features, shape.growth) for _ in range(shape.depth)))
        for name in ("conv_body", "conv_up1", "conv_up2", "conv_hr"):
            setattr(self, name, convolution(features, features))
        self.conv_last = convolution(features, 3)

    def forward(self, x: Any) -> Any:
        """Return the enlarged picture."""
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
        layers: list[nn.Module] = [convolution(3, features), nn.PReLU(features)]
        for _ in range(shape.depth):
            layers += [convolution(features, features), nn.PReLU(features)]
        self.body = nn.Sequential(*layers, convolution(features, 3 * shape.scale**2))

    def forward(self, x: Any) -> Any:
        """Return the enlarged picture."""
        fine = F.pixel_shuffle(self.body(x), self.scale)
        return fine + F.interpolate(x, scale_factor=self.scale, mode="nearest")
