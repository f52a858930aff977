"""Tiny ControlNets for tiny pipelines."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def write_controlnet(folder: Path, place: Path, seed: int = 3) -> Path:
    """Write a ControlNet for the tiny pipeline in ``folder`` and return where.

    Its output layers are random, not zero as in a fresh one, so that it has an effect.
    """
    import diffusers
    import torch

    torch.manual_seed(seed)
    pipe = diffusers.DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    network = _network_for(pipe)
    for weight in network.parameters():
        if weight.abs().max() == 0:
            torch.nn.init.normal_(weight, std=0.5)
    network.save_pretrained(place)
    return place


def _network_for(pipe: Any) -> Any:
    import diffusers

    if hasattr(pipe, "unet"):
        return diffusers.ControlNetModel.from_unet(pipe.unet, conditioning_channels=3)
    denoiser = pipe.transformer
    sizes = {"attention_head_dim": 16, "num_attention_heads": 2}
    if isinstance(denoiser, diffusers.SD3Transformer2DModel):
        return diffusers.SD3ControlNetModel.from_transformer(
            denoiser, num_layers=1, num_extra_conditioning_channels=0
        )
    if isinstance(denoiser, diffusers.QwenImageTransformer2DModel):
        return diffusers.QwenImageControlNetModel.from_transformer(denoiser, num_layers=1, **sizes)
    return diffusers.FluxControlNetModel.from_transformer(
        denoiser, num_layers=1, num_single_layers=1, **sizes
    )
