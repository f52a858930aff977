"""GGUF files with the K quantisations, which the Python package can read but not write: their blocks are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

RECIPES: dict[str, tuple[str, str]] = {
    "Q2_K": ("Q2_K", "Q3_K"),
    "Q3_K": ("Q3_K", "Q4_K"),
    "Q4_K_M": ("Q4_K", "Q6_K"),
    "Q5_K_S": ("Q5_K", "Q5_K"),
    "Q6_K": ("Q6_K", "Q6_K"),
    "Q8_0": ("Q8_0", "Q8_0"),
}
"""What a file's name means: the type of most matrices, and of every fourth one."""
_SCALES = {
    "Q2_K": (2e-3, (80, 82)),
    "Q3_K": (1e-3, (108,)),
    "Q4_K": (1e-4, (0, 2)),
    "Q5_K": (5e-5, (0, 2)),
    "Q6_K": (3e-5, (208,)),
    "Q8_0": (1e-3, (0,)),
}
"""A scale that makes the weights about as large as those of networks, and where the 16-bit scales of a block stand."""


def write_drawn_gguf(model: Any, place: Path, recipe: str, seed: int = 0) -> dict[str, Any]:
    """Write a network whose matrices are random blocks of a recipe, and return the weights that this file means.

    Args:
        model: Gives names and shapes; matrices whose rows do not divide into blocks keep their weights.
        place: The file.
        recipe: A key of :data:`RECIPES`.
        seed: Of the blocks.
    """
    import gguf
    import numpy as np
    import torch

    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(place), "tiny")
    means: dict[str, Any] = {}
    quantised = 0
    for key, value in model.state_dict().items():
        name = RECIPES[recipe][quantised % 4 == 3]
        kind = gguf.GGMLQuantizationType[name]
        length, size = gguf.GGML_QUANT_SIZES[kind]
        if value.ndim != 2 or value.shape[-1] % length:
            writer.add_tensor(key, value.float().numpy())
            means[key] = value
            continue
        quantised += 1
        blocks = _drawn(random, value.shape[0] * value.shape[1] // length, size, _SCALES[name])
        rows = blocks.reshape(value.shape[0], -1)
        writer.add_tensor(key, rows, raw_dtype=kind)
        means[key] = torch.from_numpy(gguf.quants.dequantize(rows, kind).copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return means


def _drawn(random: Any, count: int, size: int, scales: tuple[float, tuple[int, ...]]) -> Any:
    import numpy as np

    blocks = random.integers(0, 256, (count, size), dtype=np.uint8)
    usual, offsets = scales
    for offset in offsets:
        scale = random.uniform(0.5 * usual, 1.5 * usual, count).astype(np.float16)
        blocks[:, offset : offset + 2] = scale.view(np.uint8).reshape(count, 2)
    return blocks
