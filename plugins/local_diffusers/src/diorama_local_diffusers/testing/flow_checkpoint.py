"""Write tiny SD3 and FLUX.1 pipelines as one file, with the tensor names of their makers and of those who share them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from diorama_local_diffusers.testing.checkpoint import save_tensors, vae_tensors

_SD3 = (
    (r"^pos_embed\.pos_embed$", "pos_embed"),
    (r"^pos_embed\.proj\.", "x_embedder.proj."),
    (r"^time_text_embed\.timestep_embedder\.linear_1\.", "t_embedder.mlp.0."),
    (r"^time_text_embed\.timestep_embedder\.linear_2\.", "t_embedder.mlp.2."),
    (r"^time_text_embed\.text_embedder\.linear_1\.", "y_embedder.mlp.0."),
    (r"^time_text_embed\.text_embedder\.linear_2\.", "y_embedder.mlp.2."),
    (r"^proj_out\.", "final_layer.linear."),
    (r"^norm_out\.linear\.", "final_layer.adaLN_modulation.1."),
    (r"^transformer_blocks\.", "joint_blocks."),
    (r"\.norm1\.linear\.", ".x_block.adaLN_modulation.1."),
    (r"\.norm1_context\.linear\.", ".context_block.adaLN_modulation.1."),
    (r"\.ff\.net\.0\.proj\.", ".x_block.mlp.fc1."),
    (r"\.ff\.net\.2\.", ".x_block.mlp.fc2."),
    (r"\.ff_context\.net\.0\.proj\.", ".context_block.mlp.fc1."),
    (r"\.ff_context\.net\.2\.", ".context_block.mlp.fc2."),
    (r"\.(attn2?)\.to_out\.0\.", r".x_block.\1.proj."),
    (r"\.attn\.to_add_out\.", ".context_block.attn.proj."),
    (r"\.(attn2?)\.norm_([qk])\.", r".x_block.\1.ln_\2."),
    (r"\.attn\.norm_added_([qk])\.", r".context_block.attn.ln_\1."),
)
_FLUX = (
    (r"^time_text_embed\.timestep_embedder\.", "time_in."),
    (r"^time_text_embed\.text_embedder\.", "vector_in."),
    (r"^time_text_embed\.guidance_embedder\.", "guidance_in."),
    (r"^(\w+_in)\.linear_1\.", r"\1.in_layer."),
    (r"^(\w+_in)\.linear_2\.", r"\1.out_layer."),
    (r"^context_embedder\.", "txt_in."),
    (r"^x_embedder\.", "img_in."),
    (r"^proj_out\.", "final_layer.linear."),
    (r"^norm_out\.linear\.", "final_layer.adaLN_modulation.1."),
    (r"^transformer_blocks\.", "double_blocks."),
    (r"^single_transformer_blocks\.(\d+)\.norm\.linear\.", r"single_blocks.\1.modulation.lin."),
    (r"^single_transformer_blocks\.(\d+)\.proj_out\.", r"single_blocks.\1.linear2."),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_q\.weight", r"single_blocks.\1.norm.query_norm.scale"),
    (r"^single_transformer_blocks\.(\d+)\.attn\.norm_k\.weight", r"single_blocks.\1.norm.key_norm.scale"),
    (r"\.norm1\.linear\.", ".img_mod.lin."),
    (r"\.norm1_context\.linear\.", ".txt_mod.lin."),
    (r"\.ff\.net\.0\.proj\.", ".img_mlp.0."),
    (r"\.ff\.net\.2\.", ".img_mlp.2."),
    (r"\.ff_context\.net\.0\.proj\.", ".txt_mlp.0."),
    (r"\.ff_context\.net\.2\.", ".txt_mlp.2."),
    (r"\.attn\.to_out\.0\.", ".img_attn.proj."),
    (r"\.attn\.to_add_out\.", ".txt_attn.proj."),
    (r"\.attn\.norm_added_q\.weight", ".txt_attn.norm.query_norm.scale"),
    (r"\.attn\.norm_added_k\.weight", ".txt_attn.norm.key_norm.scale"),
    (r"\.attn\.norm_q\.weight", ".img_attn.norm.query_norm.scale"),
    (r"\.attn\.norm_k\.weight", ".img_attn.norm.key_norm.scale"),
)
"""Names in diffusers to names in checkpoints, applied one after the other."""
_JOINED = {
    "joint_blocks": ((".attn.to_{}.", "qkv", ".x_block.attn.qkv."), (".attn2.to_{}.", "qkv", ".x_block.attn2.qkv."),
                     (".attn.add_{}_proj.", "qkv", ".context_block.attn.qkv.")),
    "double_blocks": ((".attn.to_{}.", "qkv", ".img_attn.qkv."), (".attn.add_{}_proj.", "qkv", ".txt_attn.qkv.")),
}  # fmt: skip
"""Matrices that checkpoints keep as one, by the kind of block."""


def write_sd3_checkpoint(
    pipe: Any, place: Path, *, texts: tuple[str, ...] = ("clip_l", "clip_g", "t5xxl")
) -> Path:
    """Write an sd3 pipeline as one file; ``texts`` are the text encoders that go into it."""
    encoders = {"clip_l": pipe.text_encoder, "clip_g": pipe.text_encoder_2, "t5xxl": pipe.text_encoder_3}
    network = sd3_tensors(pipe.transformer)
    return save_tensors(_whole(network, pipe.vae, {name: encoders[name] for name in texts}), place)


def write_flux_checkpoint(pipe: Any, place: Path) -> Path:
    """Write a FLUX.1 pipeline as one file."""
    encoders = {"clip_l": pipe.text_encoder, "t5xxl": pipe.text_encoder_2}
    return save_tensors(_whole(flux_tensors(pipe.transformer), pipe.vae, encoders, vae_prefix="vae."), place)


def sd3_tensors(network: Any) -> dict[str, Any]:
    """Return the tensors of a transformer by the names of SD3's makers."""
    state = network.state_dict()
    last = f"transformer_blocks.{network.config.num_layers - 1}.norm1_context.linear."
    state = {
        key: _swapped(value) if key.startswith(("norm_out.", last)) else value for key, value in state.items()
    }
    return {_renamed(key, _SD3): value for key, value in _joined(state, "joint_blocks").items()}


def flux_tensors(network: Any) -> dict[str, Any]:
    """Return the tensors of a transformer by the names of FLUX.1's makers."""
    import torch

    state = {
        key: _swapped(value) if key.startswith("norm_out.") else value
        for key, value in network.state_dict().items()
    }
    found: dict[str, Any] = {}
    for key, value in _joined(state, "double_blocks").items():
        single = re.match(r"single_transformer_blocks\.(\d+)\.(attn\.to_([qkv])|proj_mlp)\.(\w+)", key)
        if single is None:
            found[_renamed(key, _FLUX)] = value
        elif single[3] == "q":
            parts = [f"attn.to_{name}" for name in "qkv"] + ["proj_mlp"]
            rows = [state[f"single_transformer_blocks.{single[1]}.{part}.{single[4]}"] for part in parts]
            found[f"single_blocks.{single[1]}.linear1.{single[4]}"] = torch.cat(rows)
    return found


def _whole(
    network: dict[str, Any], vae: Any, texts: dict[str, Any], *, vae_prefix: str = "first_stage_model."
) -> dict[str, Any]:
    tensors = {f"model.diffusion_model.{key}": value for key, value in network.items()}
    tensors |= vae_tensors(vae, vae_prefix)
    for name, encoder in texts.items():
        for key, value in encoder.state_dict().items():
            flat = name != "t5xxl" and not key.startswith(("text_model.", "text_projection."))
            tensors[f"text_encoders.{name}.transformer.{'text_model.' if flat else ''}{key}"] = value
    return tensors


def _joined(state: dict[str, Any], kind: str) -> dict[str, Any]:
    import torch

    found = dict(state)
    for pattern, letters, target in _JOINED[kind]:
        first = re.escape(pattern.format(letters[0]))
        for key in [key for key in state if re.match(r"transformer_blocks\.\d+" + first, key)]:
            names = [key.replace(pattern.format(letters[0]), pattern.format(letter)) for letter in letters]
            found[key.replace(pattern.format(letters[0]), target)] = torch.cat(
                [found.pop(name) for name in names]
            )
    return found


def _renamed(key: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, target in table:
        key = re.sub(pattern, target, key)
    return key


def _swapped(value: Any) -> Any:
    """Return the halves of a tensor in the other order: checkpoints have shift before scale."""
    import torch

    first, second = value.chunk(2)
    return torch.cat([second, first])
