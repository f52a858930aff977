"""Tiny image pipelines, one function per family."""

from __future__ import annotations

from typing import Any

from diorama_local_diffusers.testing.encoders import clip_text
from diorama_local_diffusers.testing.tokenizers import WIDTH, clip_tokenizer


def image_vae(channels: int = 4, **more: Any) -> Any:
    """Return a VAE with four levels, so that one latent stands for 8 x 8 pixels as in the real ones."""
    from diffusers import AutoencoderKL

    widths = [4, 4, 8, 8]
    return AutoencoderKL(
        block_out_channels=widths,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=channels,
        norm_num_groups=4,
        layers_per_block=1,
        sample_size=64,
        **more,
    )


def image_unet(**more: Any) -> Any:
    """Return a UNet with one plain and one attending level, for pictures of 64 pixels."""
    from diffusers import UNet2DConditionModel

    settings: dict[str, Any] = {
        "block_out_channels": (8, 16),
        "layers_per_block": 1,
        "sample_size": 8,
        "in_channels": 4,
        "out_channels": 4,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": WIDTH,
        "norm_num_groups": 4,
    }
    return UNet2DConditionModel(**(settings | more))


def sd(in_channels: int = 4) -> Any:
    """Stable Diffusion 1; with 9 input channels the UNet of the dedicated inpainting models."""
    import diffusers

    kind = diffusers.StableDiffusionPipeline if in_channels == 4 else diffusers.StableDiffusionInpaintPipeline
    return kind(
        unet=image_unet(in_channels=in_channels),
        vae=image_vae(),
        text_encoder=clip_text(),
        tokenizer=clip_tokenizer(),
        scheduler=diffusers.DDIMScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            clip_sample=False,
            steps_offset=1,
        ),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
