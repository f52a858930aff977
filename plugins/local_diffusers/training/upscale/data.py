"""Pairs of small and large pictures, drawn by the code that draws for the pocket model."""

import io
from random import Random

import numpy as np
import torch
from PIL import Image, ImageFilter
from pocket import scenes
from pocket.backdrops import backdrop
from torch import Tensor

SCALE = 4
LARGE = 256
"""Side of a large picture; scenes are drawn twice as large and averaged, so that edges are smooth."""
_FILTERS = (
    Image.Resampling.BOX,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.HAMMING,
)


def large_picture(seed: int) -> Image.Image:
    """One scene at `LARGE` pixels."""
    scene = scenes.sample_scene(Random(seed))
    empty = backdrop(scene.background, scenes.SIZE * 4, Random(scene.seed))
    canvas = empty.copy()
    for thing in scene.things:
        scenes._draw_thing(canvas, empty, thing)
    return canvas.reduce(scenes.SIZE * 4 // LARGE)


def small_picture(large: Image.Image, rng: Random) -> Image.Image:
    """The same at a quarter of the side, as it could come from a camera, a model or the web."""
    side = LARGE // SCALE
    if rng.random() < 0.3:
        large = large.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))
    small = large.resize((side, side), rng.choice(_FILTERS))
    if rng.random() < 0.3:
        noise = np.random.default_rng(rng.randrange(2**32)).normal(0, rng.uniform(1, 6), (side, side, 3))
        small = Image.fromarray((np.asarray(small) + noise).clip(0, 255).astype(np.uint8))
    if rng.random() < 0.3:
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=rng.randint(60, 95))
        small = Image.open(buffer).convert("RGB")
    return small


def tensor(image: Image.Image) -> Tensor:
    """Values 0 to 1, channels first."""
    return torch.from_numpy(np.asarray(image).copy()).permute(2, 0, 1).float() / 255


def crops(pairs: list[tuple[Tensor, Tensor]], count: int, side: int, rng: Random) -> tuple[Tensor, Tensor]:
    """A batch of `count` crops of `side` small pixels, turned and mirrored at random."""
    small_batch, large_batch = [], []
    for _ in range(count):
        small, large = rng.choice(pairs)
        y, x = rng.randrange(small.shape[1] - side), rng.randrange(small.shape[2] - side)
        low = small[:, y : y + side, x : x + side]
        high = large[:, y * SCALE : (y + side) * SCALE, x * SCALE : (x + side) * SCALE]
        turn, mirror = rng.randrange(4), rng.random() < 0.5
        small_batch.append(_turned(low, turn, mirror))
        large_batch.append(_turned(high, turn, mirror))
    return torch.stack(small_batch), torch.stack(large_batch)


def _turned(picture: Tensor, turn: int, mirror: bool) -> Tensor:
    picture = torch.rot90(picture, turn, (1, 2))
    return picture.flip(2) if mirror else picture
