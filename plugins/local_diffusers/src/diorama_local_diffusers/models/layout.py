"""The configuration of a network, told from the shapes of its tensors in the layout in which checkpoints are shared.

What shapes cannot tell (activation functions, number of heads, scaling of latents) are facts of each family.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from math import gcd, isqrt
from typing import Any

Shapes = Mapping[str, tuple[int, ...]]
Config = dict[str, Any]

HEAD_WIDTH = 64
"""Width of one attention head, in CLIP and in every UNet but that of Stable Diffusion 1, which has 8 heads."""


def part(shapes: Shapes, prefix: str) -> dict[str, tuple[int, ...]]:
    """Return the tensors below a prefix, without it."""
    return {key.removeprefix(prefix): shape for key, shape in shapes.items() if key.startswith(prefix)}


def count(shapes: Shapes, pattern: str) -> int:
    """Return how many numbers occur where ``pattern`` has its group: one more than the largest, 0 for none."""
    found = [int(match[1]) for key in shapes if (match := re.match(pattern, key)) and len(match[1]) < 5]
    return max(found, default=-1) + 1


def groups(widths: Iterable[int]) -> int:
    """Return the groups that normalisation has: 32 in all of them, fewer only where the layers are too narrow for that."""
    return gcd(32, *widths)


def unet_config(shapes: Shapes) -> Config:
    """Return the configuration of a UNet of Stable Diffusion 1, 2 or XL.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    levels = _levels(shapes)
    widths = [width for width, _, _ in levels]
    depths = [depth for _, depth, _ in levels]
    last = count(shapes, r"middle_block\.1\.transformer_blocks\.(\d+)\.")
    cross = next(shape[-1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight"))
    linear = len(shapes["middle_block.1.proj_in.weight"]) == 2
    config: Config = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": shapes["input_blocks.0.0.weight"][1],
        "out_channels": shapes["out.2.weight"][0],
        "block_out_channels": widths,
        "norm_num_groups": groups(widths),
        "layers_per_block": levels[0][2],
        "down_block_types": ["CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths],
        "up_block_types": ["CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)],
        "mid_block_type": "UNetMidBlock2DCrossAttn",
        "cross_attention_dim": cross,
        "attention_head_dim": [max(width // HEAD_WIDTH, 1) for width in widths] if linear else 8,
        "use_linear_projection": linear,
        "transformer_layers_per_block": [*(depth or 1 for depth in depths[:-1]), depths[-1] or last],
        "sample_size": {768: 64, 1024: 96}.get(cross, 128),
    }
    if "label_emb.0.0.weight" in shapes:
        config |= {
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 256,
            "projection_class_embeddings_input_dim": shapes["label_emb.0.0.weight"][1],
        }
    return config


def _levels(shapes: Shapes) -> list[tuple[int, int, int]]:
    """Return width, depth of attention and number of layers of each level on the way down."""
    blocks = count(shapes, r"input_blocks\.(\d+)\.")
    levels: list[tuple[int, int, int]] = []
    width = depth = layers = 0
    for number in range(1, blocks):
        if f"input_blocks.{number}.0.op.weight" in shapes:
            levels.append((width, depth, layers))
            layers = 0
            continue
        width = shapes[f"input_blocks.{number}.0.out_layers.3.weight"][0]
        depth = count(shapes, rf"input_blocks\.{number}\.1\.transformer_blocks\.(\d+)\.")
        layers += 1
    return [*levels, (width, depth, layers)]


def vae_config(
    shapes: Shapes, scaling_factor: float, sample_size: int, shift_factor: float | None = None
) -> Config:
    """Return the configuration of a VAE; the numbers given are facts of the family.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    levels = count(shapes, r"encoder\.down\.(\d+)\.")
    widths = [shapes[f"encoder.down.{level}.block.0.conv2.weight"][0] for level in range(levels)]
    return {
        "_class_name": "AutoencoderKL",
        "in_channels": shapes["encoder.conv_in.weight"][1],
        "out_channels": shapes["decoder.conv_out.weight"][0],
        "latent_channels": shapes["decoder.conv_in.weight"][1],
        "block_out_channels": widths,
        "norm_num_groups": groups(widths),
        "layers_per_block": count(shapes, r"encoder\.down\.0\.block\.(\d+)\."),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "scaling_factor": scaling_factor,
        "shift_factor": shift_factor,
        "sample_size": sample_size,
        "use_quant_conv": "quant_conv.weight" in shapes,
        "use_post_quant_conv": "post_quant_conv.weight" in shapes,
    }


def clip_config(shapes: Shapes, *, pooled: bool = False, act: str = "quick_gelu") -> Config:
    """Return the configuration of CLIP's text encoder in its own layout.

    Args:
        shapes: Its tensors.
        pooled: Whether the family takes the pooled vector from it too.
        act: Activation between its layers; OpenAI's and LAION's differ.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    body = part(shapes, "text_model.")
    words, width = body["embeddings.token_embedding.weight"]
    projection = shapes.get("text_projection.weight", (width,))
    return _clip(words, width, body["embeddings.position_embedding.weight"][0]) | {
        "architectures": ["CLIPTextModelWithProjection" if pooled else "CLIPTextModel"],
        "intermediate_size": body["encoder.layers.0.mlp.fc1.weight"][0],
        "num_hidden_layers": count(body, r"encoder\.layers\.(\d+)\."),
        "hidden_act": act,
        "projection_dim": projection[0],
    }


def open_clip_config(shapes: Shapes, *, penultimate: bool) -> Config:
    """Return the configuration of a text encoder in OpenCLIP's layout.

    Args:
        shapes: Its tensors.
        penultimate: Whether the last layer is left out for good, as in Stable Diffusion 2.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    words, width = shapes["token_embedding.weight"]
    layers = count(shapes, r"transformer\.resblocks\.(\d+)\.")
    return _clip(words, width, shapes["positional_embedding"][0]) | {
        "architectures": ["CLIPTextModel" if penultimate else "CLIPTextModelWithProjection"],
        "intermediate_size": shapes["transformer.resblocks.0.mlp.c_fc.weight"][0],
        "num_hidden_layers": layers - 1 if penultimate else layers,
        "hidden_act": "gelu",
        "projection_dim": shapes["text_projection"][1] if "text_projection" in shapes else width,
    }


def _clip(words: int, width: int, positions: int) -> Config:
    return {
        "model_type": "clip_text_model",
        "vocab_size": words,
        "hidden_size": width,
        "num_attention_heads": max(width // HEAD_WIDTH, 1),
        "max_position_embeddings": positions,
        "bos_token_id": 0,
        "eos_token_id": 2,  # means: the token with the highest id ends the prompt
        "pad_token_id": 1,
    }


def t5_config(shapes: Shapes) -> Config:
    """Return the configuration of the encoder of T5 1.1.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    words, width = shapes["shared.weight"]
    first = "encoder.block.0.layer"
    buckets, heads = shapes[f"{first}.0.SelfAttention.relative_attention_bias.weight"]
    return {
        "model_type": "t5",
        "architectures": ["T5EncoderModel"],
        "vocab_size": words,
        "d_model": width,
        "d_kv": shapes[f"{first}.0.SelfAttention.q.weight"][0] // heads,
        "d_ff": shapes[f"{first}.1.DenseReluDense.wi_0.weight"][0],
        "num_layers": count(shapes, r"encoder\.block\.(\d+)\."),
        "num_heads": heads,
        "relative_attention_num_buckets": buckets,
        "relative_attention_max_distance": 128,
        "feed_forward_proj": "gated-gelu",
        "layer_norm_epsilon": 1e-6,
        "is_encoder_decoder": True,
        "tie_word_embeddings": False,
        "decoder_start_token_id": 0,
        "pad_token_id": 0,
        "eos_token_id": 1,
    }


def sd3_config(shapes: Shapes) -> Config:
    """Return the configuration of a transformer of Stable Diffusion 3 or 3.5 in the layout of its makers.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    width, channels, patch, _ = shapes["x_embedder.proj.weight"]
    head = shapes.get("joint_blocks.0.x_block.attn.ln_q.weight", (HEAD_WIDTH,))[0]
    if width % head:
        raise KeyError("joint_blocks.0.x_block.attn.ln_q.weight")  # heads of a width that only it could tell
    second = {int(key.split(".")[1]) for key in shapes if ".x_block.attn2." in key}
    return {
        "_class_name": "SD3Transformer2DModel",
        "sample_size": 128,
        "patch_size": patch,
        "in_channels": channels,
        "out_channels": shapes["final_layer.linear.weight"][0] // patch**2,
        "num_layers": count(shapes, r"joint_blocks\.(\d+)\."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": shapes["context_embedder.weight"][1],
        "caption_projection_dim": shapes["context_embedder.weight"][0],
        "pooled_projection_dim": shapes["y_embedder.mlp.0.weight"][1],
        "pos_embed_max_size": isqrt(shapes["pos_embed"][1]),
        "dual_attention_layers": sorted(second),
        "qk_norm": "rms_norm" if "joint_blocks.0.x_block.attn.ln_q.weight" in shapes else None,
    }


def flux_config(shapes: Shapes) -> Config:
    """Return the configuration of a FLUX.1 transformer in the layout of its makers.

    Raises:
        KeyError: a tensor is absent, so it is something else.
    """
    width, channels = shapes["img_in.weight"]
    head = shapes["double_blocks.0.img_attn.norm.key_norm.scale"][0]
    side = 2 * (head * 7 // 32)
    return {
        "_class_name": "FluxTransformer2DModel",
        "patch_size": 1,
        "in_channels": channels,
        "out_channels": shapes["final_layer.linear.weight"][0],
        "num_layers": count(shapes, r"double_blocks\.(\d+)\."),
        "num_single_layers": count(shapes, r"single_blocks\.(\d+)\."),
        "attention_head_dim": head,
        "num_attention_heads": width // head,
        "joint_attention_dim": shapes["txt_in.weight"][1],
        "pooled_projection_dim": shapes["vector_in.in_layer.weight"][1],
        "guidance_embeds": any(key.startswith("guidance_in.") for key in shapes),
        "axes_dims_rope": [head - 2 * side, side, side],
    }
