"""Tiny image pipelines, one function per family."""

from __future__ import annotations

from typing import Any

from diorama_local_diffusers.testing.encoders import (
    clip_text,
    qwen3_language,
    qwen_vision_language,
    t5_encoder,
)
from diorama_local_diffusers.testing.tokenizers import WIDTH, clip_tokenizer, qwen_tokenizer, t5_tokenizer


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


def sd(in_channels: int = 4, layers: int = 3) -> Any:
    """Stable Diffusion 1; with 9 input channels the UNet of the dedicated inpainting models.

    ``layers`` is the depth of the text encoder; CLIP skip is offered from 8 on.
    """
    import diffusers

    kind = diffusers.StableDiffusionPipeline if in_channels == 4 else diffusers.StableDiffusionInpaintPipeline
    return kind(
        unet=image_unet(in_channels=in_channels),
        vae=image_vae(),
        text_encoder=clip_text(layers=layers),
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


def sdxl() -> Any:
    """Stable Diffusion XL."""
    import diffusers

    unet = image_unet(
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        cross_attention_dim=2 * WIDTH,
    )
    return diffusers.StableDiffusionXLPipeline(
        unet=unet,
        vae=image_vae(),
        text_encoder=clip_text(),
        text_encoder_2=clip_text(projection=WIDTH),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(
            beta_start=0.00085,
            beta_end=0.012,
            beta_schedule="scaled_linear",
            steps_offset=1,
            timestep_spacing="leading",
        ),
    )


def flow_scheduler(**settings: Any) -> Any:
    """Return the sampler of the flow-matching families."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(**settings)


def wide_vae(**numbers: float) -> Any:
    """Return the 16-channel VAE of SD3 and FLUX.1."""
    return image_vae(16, use_quant_conv=False, use_post_quant_conv=False, **numbers)


def sd3() -> Any:
    """Stable Diffusion 3."""
    import diffusers

    transformer = diffusers.SD3Transformer2DModel(
        sample_size=8,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=8,
        num_attention_heads=4,
        joint_attention_dim=WIDTH,
        caption_projection_dim=32,
        pooled_projection_dim=2 * WIDTH,
        pos_embed_max_size=16,
    )
    return diffusers.StableDiffusion3Pipeline(
        transformer=transformer,
        vae=wide_vae(shift_factor=0.0609, scaling_factor=1.5305),
        text_encoder=clip_text(projection=WIDTH),
        text_encoder_2=clip_text(projection=WIDTH),
        text_encoder_3=t5_encoder(),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        tokenizer_3=t5_tokenizer(),
        scheduler=flow_scheduler(shift=3.0),
    )


def flux_parts(guidance: bool = True) -> dict[str, Any]:
    """Return the parts of FLUX.1: dev has guidance inside, schnell has not."""
    import diffusers

    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=64,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        guidance_embeds=guidance,
        axes_dims_rope=(4, 4, 8),
    )
    return {
        "transformer": transformer,
        "vae": wide_vae(shift_factor=0.1159, scaling_factor=0.3611),
        "text_encoder": clip_text(),
        "text_encoder_2": t5_encoder(),
        "tokenizer": clip_tokenizer(),
        "tokenizer_2": t5_tokenizer(),
        "scheduler": flow_scheduler(use_dynamic_shifting=guidance),
    }


def flux(guidance: bool = True) -> Any:
    """FLUX.1 dev, or schnell without guidance."""
    import diffusers

    return diffusers.FluxPipeline(**flux_parts(guidance))


def flux_kontext() -> Any:
    """FLUX.1 Kontext."""
    import diffusers

    return diffusers.FluxKontextPipeline(**flux_parts())


def flux2() -> Any:
    """FLUX.2 klein."""
    import diffusers

    vae = diffusers.AutoencoderKLFlux2(
        block_out_channels=(4, 4, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=4,
        sample_size=64,
    )
    transformer = diffusers.Flux2Transformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=3 * 16,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    return diffusers.Flux2KleinPipeline(
        transformer=transformer,
        vae=vae,
        text_encoder=qwen3_language(layers=28),
        tokenizer=qwen_tokenizer(),
        scheduler=flow_scheduler(use_dynamic_shifting=True),
        is_distilled=False,
    )


def qwen_parts(wide: bool = False) -> dict[str, Any]:
    """Return the parts that all Qwen-Image pipelines share; ``wide`` has rows of 256, as K quantisations need."""
    import diffusers

    vae = diffusers.AutoencoderKLQwenImage(
        base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    transformer = diffusers.QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=1 if wide else 2,
        attention_head_dim=128 if wide else 16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(16, 56, 56) if wide else (4, 6, 6),
    )
    return {
        "transformer": transformer,
        "vae": vae,
        "text_encoder": qwen_vision_language(),
        "tokenizer": qwen_tokenizer(),
        "scheduler": flow_scheduler(
            use_dynamic_shifting=True,
            time_shift_type="exponential",
            base_shift=0.5,
            max_shift=0.9,
            shift_terminal=0.02,
        ),
    }


def qwen_image(wide: bool = False) -> Any:
    """Qwen-Image."""
    import diffusers

    return diffusers.QwenImagePipeline(**qwen_parts(wide))


def qwen_image_edit(plus: bool = False) -> Any:
    """Qwen-Image-Edit; its folder names the processor's stock class, as those of the real models do."""
    import diffusers
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    from diorama_local_diffusers.runtime.picture_processor import PictureProcessor

    pictures = Qwen2VLImageProcessorPil(min_pixels=28 * 28, max_pixels=56 * 56)
    kind = diffusers.QwenImageEditPlusPipeline if plus else diffusers.QwenImageEditPipeline
    pipe = kind(**qwen_parts(), processor=PictureProcessor(pictures, qwen_tokenizer()))
    pipe.register_to_config(processor=("transformers", "Qwen2VLProcessor"))
    return pipe
