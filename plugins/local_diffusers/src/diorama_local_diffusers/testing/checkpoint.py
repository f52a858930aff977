"""Write tiny models in the layouts that communities share: whole checkpoints in one file, GGUF."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_TOP = {
    "conv_in.": "input_blocks.0.0.",
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_VAE_ATTENTION = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "group_norm": "norm"}


def write_sd_checkpoint(pipe: Any, place: Path) -> Path:
    """Write an sd pipeline with the tensor names of the original release, as checkpoints are shared."""
    from safetensors.torch import save_file

    layers = pipe.unet.config.layers_per_block
    tensors = {
        f"model.diffusion_model.{_unet_name(key, layers)}": value
        for key, value in pipe.unet.state_dict().items()
    }
    levels = len(pipe.vae.config.block_out_channels)
    for key, value in pipe.vae.state_dict().items():
        name = _vae_name(key, levels)
        square = "attn_1" in name and "norm" not in name and value.ndim == 2
        tensors[f"first_stage_model.{name}"] = value[:, :, None, None] if square else value
    for key, value in pipe.text_encoder.state_dict().items():
        tensors[f"cond_stage_model.transformer.text_model.{key.removeprefix('text_model.')}"] = value
    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, place)
    return place


def _unet_name(key: str, layers: int) -> str:
    for ours, theirs in _TOP.items():
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    side, rest = key.split(".", 1)
    if side == "mid_block":
        kind, index, inner = rest.split(".", 2)
        place = 1 if kind == "attentions" else 2 * int(index)
        return f"middle_block.{place}.{_resnet_name(inner) if kind == 'resnets' else inner}"
    level, kind, index, inner = rest.split(".", 3)
    down = side == "down_blocks"
    if kind == "downsamplers":
        return f"input_blocks.{(int(level) + 1) * (layers + 1)}.0.op.{inner.removeprefix('conv.')}"
    if kind == "upsamplers":
        # The tiny UNet attends on its first way up only, so its upsampler comes third there.
        return f"output_blocks.{int(level) * (layers + 1) + layers}.2.{inner}"
    number = int(level) * (layers + 1) + int(index) + (1 if down else 0)
    blocks = "input_blocks" if down else "output_blocks"
    return f"{blocks}.{number}.{0 if kind == 'resnets' else 1}.{_resnet_name(inner) if kind == 'resnets' else inner}"


def _resnet_name(inner: str) -> str:
    part, dot, rest = inner.partition(".")
    return _RESNET[part] + dot + rest


def _vae_name(key: str, levels: int) -> str:
    key = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", key)
    if "mid_block.attentions.0." in key:
        head, _, tail = key.partition("mid_block.attentions.0.")
        part = next(name for name in _VAE_ATTENTION if tail.startswith(name + "."))
        return f"{head}mid.attn_1.{_VAE_ATTENTION[part]}{tail.removeprefix(part)}"
    key = re.sub(r"down_blocks\.(\d)\.resnets", r"down.\1.block", key)
    key = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", key)
    for ours, theirs in (("resnets", "block"), ("upsamplers.0", "upsample")):
        pattern = rf"up_blocks\.(\d)\.{re.escape(ours)}"
        key = re.sub(pattern, lambda found, name=theirs: f"up.{levels - 1 - int(found[1])}.{name}", key)  # type: ignore[misc]
    return key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")


def write_gguf(model: Any, place: Path, kind: str = "Q8_0", prefix: str = "") -> Path:
    """Write a network as GGUF: matrices whose rows divide into blocks are quantised, the rest stays float."""
    import gguf

    quantization = gguf.GGMLQuantizationType[kind]
    block = gguf.GGML_QUANT_SIZES[quantization][0]
    writer = gguf.GGUFWriter(str(place), "tiny")
    for key, value in model.state_dict().items():
        array = value.float().numpy()
        if array.ndim == 2 and array.shape[-1] % block == 0:
            writer.add_tensor(prefix + key, gguf.quants.quantize(array, quantization), raw_dtype=quantization)
        else:
            writer.add_tensor(prefix + key, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return place
