"""Weights in 8 bits with a scale beside them, as programs around ComfyUI share them, made into the plain ones that they mean."""

from __future__ import annotations

from typing import Any

from diorama.contract import InvalidRequest

SCALES = (".scale_weight", ".weight_scale")
"""Endings of the tensors that hold the scale of the weight beside them."""
_BESIDE = (".scale_input", ".input_scale", ".comfy_quant", "scaled_fp8")
"""Endings of what only says how another program computes with the weights."""
_PACKED = (".weight_scale_2", ".weight_absmax", ".absmax")
"""Endings that only layouts with several weights in one number have."""


def is_scaled(names: Any) -> bool:
    """Whether tensors of these names are weights with scales."""
    return any(name.endswith(SCALES) for name in names)


def plain_tensors(tensors: dict[str, Any], dtype: Any) -> dict[str, Any]:
    """Return tensors with every scale multiplied into its weight.

    Args:
        tensors: Of one network, by name.
        dtype: Number type of the result where there was a scale.

    Raises:
        InvalidRequest: several weights are packed into one number, which only the program that wrote them reads.
    """
    if packed := next((name for name in tensors if name.endswith(_PACKED)), None):
        raise InvalidRequest(
            f"Its weights are packed in a layout that diffusers does not read ({packed}).",
            field="model",
            fix="Take the GGUF, fp8 or bf16 version of this model.",
        )
    found = {name: value for name, value in tensors.items() if not name.endswith((*SCALES, *_BESIDE))}
    for ending in SCALES:
        for name in [name for name in tensors if name.endswith(ending)]:
            weight = name.removesuffix(ending) + ".weight"
            if weight in found:
                found[weight] = _scaled(found[weight], tensors[name], dtype)
    return found


def _scaled(weight: Any, scale: Any, dtype: Any) -> Any:
    import torch

    factor = scale.to(torch.float32)
    if factor.numel() == 1:
        factor = factor.reshape(())
    elif factor.numel() == weight.shape[0]:
        factor = factor.reshape(-1, *[1] * (weight.ndim - 1))
    else:
        raise InvalidRequest(
            "Its weights have scales for blocks of them, which diffusers does not read.",
            field="model",
            fix="Take the GGUF, fp8 or bf16 version of this model.",
        )
    return (weight.to(torch.float32) * factor).to(dtype)
