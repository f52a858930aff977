"""What a whole checkpoint in one file says about itself: the configuration of every part, from shapes and facts of its family."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models import layout
from diorama_local_diffusers.models.headers import read_gguf_header, read_safetensors_header, tensor_shapes
from diorama_local_diffusers.models.tokenizers import CLIP_END, tokenizer_config
from diorama_local_diffusers.models.unchanged import kept_while_unchanged

DENOISER_PREFIX = "model.diffusion_model."
"""What whole checkpoints put before the names of the denoiser's tensors."""
VAE_PREFIXES = ("first_stage_model.", "vae.")
CLIP_L, CLIP_G = "text_encoders.clip_l.transformer.", "text_encoders.clip_g.transformer."
T5 = "text_encoders.t5xxl.transformer."
TEXT_PREFIXES: dict[str, dict[str, str]] = {
    "sd": {"text_encoder": "cond_stage_model."},
    "sdxl": {"text_encoder": "conditioner.embedders.0.", "text_encoder_2": "conditioner.embedders.1."},
    "sd3": {"text_encoder": CLIP_L, "text_encoder_2": CLIP_G, "text_encoder_3": T5},
    "flux": {"text_encoder": CLIP_L, "text_encoder_2": T5},
    "flux-kontext": {"text_encoder": CLIP_L, "text_encoder_2": T5},
}
"""Beginnings of the names of each text encoder's tensors, by family and part; other families have no whole checkpoints."""
OPTIONAL_PARTS = frozenset({"text_encoder_3"})
"""Stable Diffusion 3 also runs without T5, and reads prompts less closely then."""

ODD = (LookupError, ValueError, ArithmeticError)
"""What reading a configuration off shapes that no network has may end in."""

_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
          "steps_offset": 1}  # fmt: skip
_PNDM = {"_class_name": "PNDMScheduler", "set_alpha_to_one": False, "skip_prk_steps": True, **_NOISE}
_DDIM = {"_class_name": "DDIMScheduler", "set_alpha_to_one": False, "clip_sample": False, **_NOISE}
_EULER = {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", **_NOISE}
_FLOW = {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000}

Files = dict[str, dict[str, Any]]
"""Content of JSON files by their place in the folder."""


@kept_while_unchanged(512)
def held_parts(file: Path, family: str) -> frozenset[str]:
    """Return the parts of a pipeline whose weights are in a file and are taken from it.

    That is the denoiser alone in GGUF files, and in those of families whose whole checkpoints have no layout known here:
    whatever else lies in them comes from their base.
    """
    parts = {family_named(family).denoiser}
    if file.suffix.lower() == ".safetensors" and family in TEXT_PREFIXES:
        keys = tuple(read_safetensors_header(file))
        prefixes: dict[str, str | tuple[str, ...]] = {"vae": VAE_PREFIXES, **TEXT_PREFIXES[family]}
        parts |= {part for part, prefix in prefixes.items() if any(key.startswith(prefix) for key in keys)}
    return frozenset(parts)


def absent_parts(file: Path, family: str) -> frozenset[str]:
    """Return the parts that a pipeline of this family can do without, and that a whole checkpoint does not hold."""
    return (OPTIONAL_PARTS & TEXT_PREFIXES[family].keys()) - held_parts(file, family)


def is_whole(file: Path, family: str) -> bool:
    """Whether a checkpoint holds all that a pipeline of its family cannot do without."""
    needed = {"vae", *TEXT_PREFIXES.get(family, {})} - OPTIONAL_PARTS
    return family in TEXT_PREFIXES and needed <= held_parts(file, family)


@kept_while_unchanged(128)
def described(file: Path, family: str) -> Files | None:
    """Return the configurations of a whole checkpoint, ``None`` when it is not one whose layout tells them."""
    if file.suffix.lower() != ".safetensors" or not is_whole(file, family):
        return None
    shapes = tensor_shapes(read_safetensors_header(file))
    if "edm_mean" in shapes:
        return None  # Playground v2.5 computes its noise in a way of its own
    makers: dict[str, Callable[[layout.Shapes], Files]] = {
        "sd": _sd,
        "sdxl": _sdxl,
        "sd3": _sd3,
        "flux": _flux,
    }
    try:
        files = makers[family.removesuffix("-kontext")](shapes)
    except (*ODD, StopIteration):
        return None
    if family == "flux-kontext":
        files["model_index.json"]["_class_name"] = "FluxKontextPipeline"
    return files


@kept_while_unchanged(128)
def described_denoiser(file: Path, name: str) -> Files | None:
    """Return the configuration of a FLUX.1 or SD3 denoiser and of its sampler, told from its file; ``None`` for others."""
    gguf = file.suffix.lower() == ".gguf"
    shapes = read_gguf_header(file)[1] if gguf else tensor_shapes(read_safetensors_header(file))
    own = {key.removeprefix(DENOISER_PREFIX): shape for key, shape in shapes.items()}
    for config, sampler in ((layout.flux_config, _flux_sampler), (layout.sd3_config, _sd3_sampler)):
        try:
            found = config(own)
        except ODD:
            continue
        return {f"{name}/config.json": found, "scheduler/scheduler_config.json": sampler(found)}
    return None


def _sd(shapes: layout.Shapes) -> Files:
    unet = layout.unet_config(layout.part(shapes, DENOISER_PREFIX))
    second = "cond_stage_model.model.token_embedding.weight" in shapes
    if second:
        text = layout.open_clip_config(layout.part(shapes, "cond_stage_model.model."), penultimate=True)
    else:
        text = layout.clip_config(layout.part(shapes, "cond_stage_model.transformer."))
    kind = "StableDiffusionInpaintPipeline" if unet["in_channels"] == 9 else "StableDiffusionPipeline"
    index = {"_class_name": kind, "safety_checker": [None, None], "feature_extractor": [None, None],
             "requires_safety_checker": False}  # fmt: skip
    scheduler = (_DDIM if second else _PNDM) | _prediction(shapes, "v_prediction" if second else "epsilon")
    vae = layout.vae_config(_vae(shapes), 0.18215, 768 if second else 512)
    return _files(index, {"unet": unet, "vae": vae}, scheduler, [text], pads=["!" if second else CLIP_END])


def _sdxl(shapes: layout.Shapes) -> Files:
    unet = layout.unet_config(layout.part(shapes, DENOISER_PREFIX))
    texts = [
        layout.clip_config(layout.part(shapes, "conditioner.embedders.0.transformer.")),
        layout.open_clip_config(layout.part(shapes, "conditioner.embedders.1.model."), penultimate=False),
    ]
    kind = "StableDiffusionXLInpaintPipeline" if unet["in_channels"] == 9 else "StableDiffusionXLPipeline"
    index = {"_class_name": kind, "force_zeros_for_empty_prompt": True}
    vae = layout.vae_config(_vae(shapes), 0.13025, 1024)
    scheduler = _EULER | _prediction(shapes, "epsilon")
    return _files(index, {"unet": unet, "vae": vae}, scheduler, texts, pads=[CLIP_END, "!"])


def _sd3(shapes: layout.Shapes) -> Files:
    network = layout.sd3_config(layout.part(shapes, DENOISER_PREFIX))
    texts = [
        layout.clip_config(layout.part(shapes, CLIP_L), pooled=True),
        layout.clip_config(layout.part(shapes, CLIP_G), pooled=True, act="gelu"),
    ]
    if read := layout.part(shapes, T5):
        texts.append(layout.t5_config(read))
    vae = layout.vae_config(_vae(shapes), 1.5305, 1024, shift_factor=0.0609)
    index = {"_class_name": "StableDiffusion3Pipeline"}
    parts = {"transformer": network, "vae": vae}
    return _files(index, parts, _sd3_sampler(network), texts, pads=[CLIP_END, "!", "<pad>"][: len(texts)])


def _flux(shapes: layout.Shapes) -> Files:
    network = layout.flux_config(layout.part(shapes, DENOISER_PREFIX))
    texts = [layout.clip_config(layout.part(shapes, CLIP_L)), layout.t5_config(layout.part(shapes, T5))]
    vae = layout.vae_config(_vae(shapes), 0.3611, 1024, shift_factor=0.1159)
    index = {"_class_name": "FluxPipeline"}
    parts = {"transformer": network, "vae": vae}
    return _files(index, parts, _flux_sampler(network), texts, pads=[CLIP_END, "<pad>"])


def _vae(shapes: layout.Shapes) -> layout.Shapes:
    return next(found for prefix in VAE_PREFIXES if (found := layout.part(shapes, prefix)))


def _prediction(shapes: layout.Shapes, usual: str) -> dict[str, Any]:
    """Return what the network predicts; models trained otherwise than usual hold empty tensors that say so."""
    found: dict[str, Any] = {"prediction_type": "v_prediction" if "v_pred" in shapes else usual}
    return found | {"rescale_betas_zero_snr": True} if "ztsnr" in shapes else found


def _flux_sampler(network: dict[str, Any]) -> dict[str, Any]:
    """Return the sampler of dev, which shifts its noise by the picture's size, or of schnell, which does not."""
    dev = bool(network["guidance_embeds"])
    return _FLOW | {
        "shift": 3.0 if dev else 1.0, "use_dynamic_shifting": dev, "base_shift": 0.5, "max_shift": 1.15,
        "base_image_seq_len": 256, "max_image_seq_len": 4096,
    }  # fmt: skip


def _sd3_sampler(network: dict[str, Any]) -> dict[str, Any]:
    return _FLOW | {"shift": 3.0}


def _files(
    index: dict[str, Any], networks: Files, scheduler: dict[str, Any], texts: list[dict[str, Any]], pads: Iterable[str],
) -> Files:  # fmt: skip
    files: Files = {f"{name}/config.json": config for name, config in networks.items()}
    files["scheduler/scheduler_config.json"] = scheduler
    parts = {name: ["diffusers", config["_class_name"]] for name, config in networks.items()}
    parts["scheduler"] = ["diffusers", scheduler["_class_name"]]
    for number, (text, pad) in enumerate(zip(texts, pads, strict=True), 1):
        end = "" if number == 1 else f"_{number}"
        files[f"text_encoder{end}/config.json"] = text
        files[f"tokenizer{end}/tokenizer_config.json"] = words = tokenizer_config(text, pad)
        parts |= {
            f"text_encoder{end}": ["transformers", text["architectures"][0]],
            f"tokenizer{end}": ["transformers", words["tokenizer_class"]],
        }
    files["model_index.json"] = index | parts
    return files
