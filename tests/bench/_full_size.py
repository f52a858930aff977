"""FLUX-, SDXL- and Wan-shaped pipelines: denoiser and VAE at full size, random weights, short text encoders.

Text encoders have the true width and one layer: they run once per picture and are not what these benches look at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from diorama_local_diffusers.testing.tiny import makers
from diorama_local_diffusers.testing.tokenizers import clip_tokenizer, t5_tokenizer

SHAPES = ("flux", "sdxl", "wan")
SIZES: dict[str, dict[str, int]] = {
    "flux": {"width": 1024, "height": 1024, "num_inference_steps": 28},
    "sdxl": {"width": 1024, "height": 1024, "num_inference_steps": 30},
    "wan": {"width": 832, "height": 480, "num_inference_steps": 20, "num_frames": 33},
}
TINY = {"width": 64, "height": 64, "num_inference_steps": 4}
GUIDANCE = {"flux": 3.5, "sdxl": 5.0, "wan": 5.0}


def build(shape: str, device: str, dtype: Any, *, tiny: bool) -> Any:
    """Return a pipeline of a shape on a device."""
    import torch

    torch.manual_seed(0)
    if tiny:
        pipe = makers()[shape]()
    else:
        with torch.device(device):
            torch.set_default_dtype(dtype)
            try:
                pipe = FULL[shape]()
            finally:
                torch.set_default_dtype(torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device=device, dtype=dtype)


def request_sizes(shape: str, *, tiny: bool) -> dict[str, int]:
    """Return size, steps and frames of a request."""
    sizes = dict(TINY) if tiny else dict(SIZES[shape])
    if shape == "wan":
        sizes.setdefault("num_frames", 5)
    return sizes


def _clip(width: int, layers: int, projection: int = 0) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    size = len(clip_tokenizer())
    config = CLIPTextConfig(
        vocab_size=size, hidden_size=width, intermediate_size=width, num_hidden_layers=layers, num_attention_heads=8,
        projection_dim=projection or width, bos_token_id=size - 2, eos_token_id=size - 1, pad_token_id=size - 1,
        max_position_embeddings=77,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def _t5(kind: str) -> Any:
    import transformers

    config = getattr(transformers, f"{kind}Config")(
        vocab_size=len(t5_tokenizer()), d_model=4096, d_kv=64, d_ff=4096, num_layers=1, num_heads=8,
        feed_forward_proj="gated-gelu", decoder_start_token_id=0,
    )  # fmt: skip
    return getattr(transformers, f"{kind}EncoderModel")(config)


def _image_vae(channels: int, **more: Any) -> Any:
    from diffusers import AutoencoderKL

    widths = [128, 256, 512, 512]
    return AutoencoderKL(
        block_out_channels=widths, down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4, latent_channels=channels, layers_per_block=2, sample_size=1024, **more,
    )  # fmt: skip


def _flux() -> Any:
    import diffusers

    return diffusers.FluxPipeline(
        transformer=diffusers.FluxTransformer2DModel(guidance_embeds=True),
        vae=_image_vae(16, shift_factor=0.1159, scaling_factor=0.3611, use_quant_conv=False, use_post_quant_conv=False),
        text_encoder=_clip(768, 1), tokenizer=clip_tokenizer(), text_encoder_2=_t5("T5"), tokenizer_2=t5_tokenizer(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
    )  # fmt: skip


def _sdxl() -> Any:
    import diffusers

    unet = diffusers.UNet2DConditionModel(
        sample_size=128, in_channels=4, out_channels=4, block_out_channels=(320, 640, 1280), layers_per_block=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=(5, 10, 20),
        transformer_layers_per_block=(1, 2, 10), cross_attention_dim=2048, use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=256, projection_class_embeddings_input_dim=2816,
    )  # fmt: skip
    return diffusers.StableDiffusionXLPipeline(
        unet=unet, vae=_image_vae(4, scaling_factor=0.13025), text_encoder=_clip(768, 3), tokenizer=clip_tokenizer(),
        text_encoder_2=_clip(1280, 3, projection=1280), tokenizer_2=clip_tokenizer(),
        scheduler=diffusers.EulerDiscreteScheduler(timestep_spacing="leading", steps_offset=1),
    )  # fmt: skip


def _wan() -> Any:
    import diffusers

    return diffusers.WanPipeline(
        transformer=diffusers.WanTransformer3DModel(), vae=diffusers.AutoencoderKLWan(), text_encoder=_t5("UMT5"),
        tokenizer=t5_tokenizer(), scheduler=diffusers.UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0,
        ),
    )  # fmt: skip


FULL: dict[str, Callable[[], Any]] = {"flux": _flux, "sdxl": _sdxl, "wan": _wan}
