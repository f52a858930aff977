"""Small pictures of unfinished latents, through a linear map that is fitted once per model.

A VAE's decoder is close to linear in colour at low resolution. Instead of a table of constants per VAE, the map is
found by least squares from one drawn test card, which works for any VAE, fine-tuned ones included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diorama_local_diffusers.families.base import Family

CARD_LATENTS = 32
"""Side of the test card, in latents."""


def linear_preview(pipe: Any, family: Family) -> Callable[[Any], Any]:
    """Return a function from latents (channels, height, width) to an RGB uint8 array.

    Args:
        pipe: An open pipeline with a VAE.
        family: Knows the form that the latents have.
    """
    import torch
    from torch.nn.functional import adaptive_avg_pool2d

    card = _test_card(CARD_LATENTS * pixels_per_latent(pipe))
    with torch.inference_mode():
        latents = family.card_latents(pipe, encode_card(pipe, card)).float().cpu()
    inputs = torch.cat([latents.flatten(1).T, torch.ones(latents[0].numel(), 1)], 1)
    targets = adaptive_avg_pool2d(card[None], latents.shape[1:])[0].flatten(1).T
    weights = torch.linalg.lstsq(inputs, targets, driver="gelsd").solution

    def show(grid: Any) -> Any:
        flat = grid.detach().float().cpu().flatten(1).T
        colours = flat @ weights[:-1] + weights[-1]
        pixels = ((colours / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return pixels.reshape(grid.shape[1], grid.shape[2], 3).numpy()

    return show


def pixels_per_latent(pipe: Any) -> int:
    """Return how many pixels one latent stands for, along a side; each pipeline has its own name for it."""
    names = (
        "vae_scale_factor",
        "vae_scale_factor_spatial",
        "vae_spatial_scale_factor",
        "vae_spatial_compression_ratio",
    )
    return next((int(getattr(pipe, name)) for name in names if hasattr(pipe, name)), 8)


def encode_card(pipe: Any, card: Any) -> Any:
    """Return the card's latents (channels, height, width) as the denoiser sees them."""
    import torch

    vae = pipe.vae
    picture = card[None].to(device=pipe._execution_device, dtype=vae.dtype)
    video = next(weight.ndim for weight in vae.encoder.parameters() if weight.ndim >= 4) == 5
    mode = vae.encode(picture[:, :, None] if video else picture).latent_dist.mode()
    mode = mode[:, :, 0] if mode.ndim == 5 else mode
    config = vae.config
    if getattr(config, "latents_mean", None) is not None and getattr(config, "latents_std", None) is not None:
        mean = torch.as_tensor(config.latents_mean).view(1, -1, 1, 1).to(mode)
        deviation = torch.as_tensor(config.latents_std).view(1, -1, 1, 1).to(mode)
        return ((mode - mean) / deviation)[0]
    return ((mode - (getattr(config, "shift_factor", None) or 0.0)) * getattr(config, "scaling_factor", 1.0))[
        0
    ]


def _test_card(side: int) -> Any:
    import torch

    generator = torch.Generator("cpu").manual_seed(0)
    cells = torch.rand(3, 8, 8, generator=generator) * 2 - 1
    flat = torch.nn.functional.interpolate(cells[None], size=(side, side), mode="nearest")
    smooth = torch.nn.functional.interpolate(cells[None].flip(-1), size=(side, side), mode="bilinear")
    return torch.cat([flat[..., : side // 2], smooth[..., side // 2 :]], -1)[0]
