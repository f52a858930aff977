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
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
}
_VAE_ATTENTION = {"to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out", "group_norm": "norm"}


def write_sd_checkpoint(pipe: Any, place: Path) -> Path:
    """Write an sd pipeline with the tensor names of the original release, as checkpoints are shared."""
    return save_tensors(checkpoint_tensors(pipe), place)


def write_sdxl_checkpoint(pipe: Any, place: Path) -> Path:
    """Write an sdxl pipeline with the tensor names of the original release."""
    return save_tensors(checkpoint_tensors(pipe), place)


def checkpoint_tensors(pipe: Any) -> dict[str, Any]:
    """Return the tensors of an sd or sdxl pipeline by their names in the original release."""
    layers = pipe.unet.config.layers_per_block
    attends = [kind.startswith("CrossAttn") for kind in pipe.unet.config.up_block_types]
    tensors = {
        f"model.diffusion_model.{_unet_name(key, layers, attends)}": value
        for key, value in pipe.unet.state_dict().items()
    }
    tensors |= vae_tensors(pipe.vae, "first_stage_model.")
    second = getattr(pipe, "text_encoder_2", None)
    prefix = "cond_stage_model" if second is None else "conditioner.embedders.0"
    for key, value in pipe.text_encoder.state_dict().items():
        tensors[f"{prefix}.transformer.text_model.{key.removeprefix('text_model.')}"] = value
    if second is not None:
        for key, value in _open_clip(second.state_dict()).items():
            tensors[f"conditioner.embedders.1.model.{key}"] = value
    return tensors


def vae_tensors(vae: Any, prefix: str) -> dict[str, Any]:
    """Return the tensors of a VAE by their names in the original release."""
    levels = len(vae.config.block_out_channels)
    found = {}
    for key, value in vae.state_dict().items():
        name = _vae_name(key, levels)
        square = "attn_1" in name and "norm" not in name and value.ndim == 2
        found[prefix + name] = value[:, :, None, None] if square else value
    return found


def save_tensors(tensors: dict[str, Any], place: Path) -> Path:
    """Write tensors into a safetensors file and return its place."""
    from safetensors.torch import save_file

    save_file({key: value.contiguous().clone() for key, value in tensors.items()}, place)
    return place


_OPEN_CLIP = (
    ("text_model.embeddings.token_embedding.weight", "token_embedding.weight"),
    ("text_model.embeddings.position_embedding.weight", "positional_embedding"),
    ("text_model.final_layer_norm.", "ln_final."),
    ("text_model.encoder.layers.", "transformer.resblocks."),
    (".layer_norm1.", ".ln_1."),
    (".layer_norm2.", ".ln_2."),
    (".mlp.fc1.", ".mlp.c_fc."),
    (".mlp.fc2.", ".mlp.c_proj."),
    (".self_attn.out_proj.", ".attn.out_proj."),
)


def _open_clip(state: dict[str, Any]) -> dict[str, Any]:
    import torch

    found: dict[str, Any] = {}
    for key, value in state.items():
        if ".q_proj." in key:
            rows = [state[key.replace(".q_proj.", f".{name}_proj.")] for name in "qkv"]
            name = key.replace("text_model.encoder.layers.", "transformer.resblocks.")
            found[name.replace(".self_attn.q_proj.", ".attn.in_proj_")] = torch.cat(rows)
        elif key == "text_projection.weight":
            found["text_projection"] = value.T
        elif ".k_proj." not in key and ".v_proj." not in key:
            for ours, theirs in _OPEN_CLIP:
                key = key.replace(ours, theirs)
            found[key] = value
    return found


def _unet_name(key: str, layers: int, attends: list[bool]) -> str:
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
        place = 2 if attends[int(level)] else 1
        return f"output_blocks.{int(level) * (layers + 1) + layers}.{place}.{inner}"
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
