"""Tiny ControlNets and IP-Adapters for tiny pipelines."""

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


def write_adapter(folder: Path, place: Path, seed: int = 5) -> Path:
    """Write a random IP-Adapter for the tiny pipeline (sd, sdxl) in ``folder``, with its vision encoder."""
    import diffusers
    import torch
    from safetensors.torch import save_file

    from diorama_local_diffusers.testing.encoders import clip_vision

    torch.manual_seed(seed)
    unet = diffusers.UNet2DConditionModel.from_pretrained(folder / "unet", local_files_only=True)
    clip_vision().save_pretrained(place / "image_encoder")
    width = unet.config.cross_attention_dim
    tensors = {
        "image_proj.proj.weight": torch.randn(4 * width, 32) * 0.3,
        "image_proj.proj.bias": torch.randn(4 * width) * 0.3,
        "image_proj.norm.weight": torch.ones(width),
        "image_proj.norm.bias": torch.zeros(width),
    }
    layers = [key for key in unet.attn_processors if key.endswith("attn2.processor")]
    for number, key in enumerate(layers):
        rows = unet.get_submodule(key.removesuffix(".processor")).to_k.weight.shape[0]
        for part in ("to_k_ip", "to_v_ip"):
            tensors[f"ip_adapter.{2 * number + 1}.{part}.weight"] = torch.randn(rows, width) * 0.3
    save_file(tensors, place / "ip_adapter.safetensors")
    return place
