"""The folder of configurations that completes a checkpoint in one file: made from the file itself, without a network.

Only a tokenizer's vocabulary is in no checkpoint. It is taken from any model of this machine that has the same one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from diorama.contract import BackendSettings

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models import layout
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, missing_weights, read_folder, read_json
from diorama_local_diffusers.models.headers import read_gguf_header, read_safetensors_header, tensor_shapes
from diorama_local_diffusers.models.locate import hub_cache, locate_path

DENOISER_PREFIX = "model.diffusion_model."
"""What whole checkpoints put before the names of the denoiser's tensors."""
_NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
          "steps_offset": 1}  # fmt: skip
_PNDM = {"_class_name": "PNDMScheduler", "set_alpha_to_one": False, "skip_prk_steps": True, **_NOISE}
_DDIM = {"_class_name": "DDIMScheduler", "set_alpha_to_one": False, "clip_sample": False, **_NOISE}
_EULER = {"_class_name": "EulerDiscreteScheduler", "timestep_spacing": "leading", **_NOISE}
_SAME_PARTS = {"flux": ("black-forest-labs/FLUX.1-schnell", "black-forest-labs/FLUX.1-Kontext-dev")}
"""Models that differ in nothing but the denoiser."""
_BEGIN, _END = "<|startoftext|>", "<|endoftext|>"

Files = dict[str, dict[str, Any]]
"""Content of JSON files by their place in the folder."""


def single_folder(file: Path, settings: BackendSettings) -> Path | None:
    """Return the folder that describes a whole checkpoint, making it when needed.

    ``None`` when the file holds less than a whole model, is of another family, or no model here has its tokenizer.
    """
    facts = file.stat()
    text = f"{file}|{facts.st_size}|{facts.st_mtime_ns}"
    place = settings.cache_dir / "single" / hashlib.sha256(text.encode()).hexdigest()[:24]
    if place.is_dir():
        return place
    files = described(file)
    if files is None:
        return None
    words = {
        name: files[f"{name.replace('tokenizer', 'text_encoder')}/config.json"] for name in _tokenizers(files)
    }
    sources = {name: find_tokenizer(config["vocab_size"], settings) for name, config in words.items()}
    if not all(sources.values()):
        return None
    _write(place, files, {name: source for name, source in sources.items() if source is not None})
    return place


def completing_folder(entry: ModelEntry, file: Path, settings: BackendSettings) -> PipelineFolder | None:
    """Return the folder that completes a single file: its ``base``, else one made from itself, else its family's base.

    Raises:
        InvalidRequest: the base is there and is no pipeline.
    """
    if not entry.base and (made := single_folder(file, settings)):
        return read_folder(made)
    for base in [entry.base] if entry.base else _bases(entry):
        place = locate_path(base, "", settings) if base else None
        if place is not None and (place / "model_index.json").is_file():
            return read_folder(place)
    return None


def base_of(entry: ModelEntry) -> str:
    """Return the hub id or folder whose parts complete a single file."""
    return entry.base or family_named(entry.type).base


def single_lacks(
    entry: ModelEntry, file: Path, folder: PipelineFolder | None, settings: BackendSettings
) -> str:
    """Return in words what a single file still needs on this machine, empty when nothing."""
    whole = is_whole(file)
    if folder is None:
        if not entry.base and described(file) is not None:
            return f"the tokenizer of {base_of(entry)} (a few MB)"
        return f"the {'configuration' if whole else 'other parts'} of {base_of(entry)}"
    if whole:
        return ""
    denoiser = family_named(entry.type).denoiser
    problems = [line for line in missing_weights(folder) if not line.startswith(denoiser + " ")]
    return f"parts of {base_of(entry)}: {'; '.join(problems)}" if problems else ""


def is_whole(file: Path) -> bool:
    """Whether a checkpoint holds a VAE too, and so a whole pipeline."""
    if file.suffix.lower() != ".safetensors":
        return False
    return any(key.startswith(("first_stage_model.", "vae.")) for key in read_safetensors_header(file))


def _bases(entry: ModelEntry) -> list[str]:
    """Return the models whose other parts are those of a file's family, the usual one first."""
    base = family_named(entry.type).base
    return [base, *(other for other in _SAME_PARTS.get(entry.type, ()) if other != base)]


def described(file: Path) -> Files | None:
    """Return the configurations of a whole checkpoint, ``None`` when it is not one whose layout tells them."""
    if file.suffix.lower() != ".safetensors":
        return None
    shapes = tensor_shapes(read_safetensors_header(file))
    if "edm_mean" in shapes:
        return None  # Playground v2.5 computes its noise in a way of its own
    try:
        return (
            _sdxl(shapes) if "conditioner.embedders.1.model.positional_embedding" in shapes else _sd(shapes)
        )
    except (KeyError, IndexError, StopIteration):
        return None


def described_denoiser(file: Path, name: str, cache_dir: Path) -> Path | None:
    """Return a folder with the configuration of a FLUX.1 denoiser, made from its file; ``None`` for other files."""
    gguf = file.suffix.lower() == ".gguf"
    shapes = read_gguf_header(file)[1] if gguf else tensor_shapes(read_safetensors_header(file))
    try:
        config = layout.flux_config(
            {key.removeprefix(DENOISER_PREFIX): shape for key, shape in shapes.items()}
        )
    except KeyError:
        return None
    text = json.dumps(config, indent=1)
    place = cache_dir / "single" / hashlib.sha256(text.encode()).hexdigest()[:24]
    if not place.is_dir():
        _write(place, {f"{name}/config.json": config}, {})
    return place


def _sd(shapes: layout.Shapes) -> Files:
    unet = layout.unet_config(layout.part(shapes, DENOISER_PREFIX))
    second = "cond_stage_model.model.token_embedding.weight" in shapes
    if second:
        text = layout.open_clip_config(layout.part(shapes, "cond_stage_model.model."), penultimate=True)
    else:
        text = layout.clip_config(layout.part(shapes, "cond_stage_model.transformer.text_model."))
    kind = "StableDiffusionInpaintPipeline" if unet["in_channels"] == 9 else "StableDiffusionPipeline"
    index = {"_class_name": kind, "safety_checker": [None, None], "feature_extractor": [None, None],
             "requires_safety_checker": False}  # fmt: skip
    scheduler = (_DDIM if second else _PNDM) | _prediction(shapes, "v_prediction" if second else "epsilon")
    vae = layout.vae_config(layout.part(shapes, "first_stage_model."), 0.18215, 768 if second else 512)
    return _files(index, unet, vae, scheduler, [text], pads=["!" if second else _END])


def _sdxl(shapes: layout.Shapes) -> Files:
    unet = layout.unet_config(layout.part(shapes, DENOISER_PREFIX))
    texts = [
        layout.clip_config(layout.part(shapes, "conditioner.embedders.0.transformer.text_model.")),
        layout.open_clip_config(layout.part(shapes, "conditioner.embedders.1.model."), penultimate=False),
    ]
    kind = "StableDiffusionXLInpaintPipeline" if unet["in_channels"] == 9 else "StableDiffusionXLPipeline"
    index = {"_class_name": kind, "force_zeros_for_empty_prompt": True}
    vae = layout.vae_config(layout.part(shapes, "first_stage_model."), 0.13025, 1024)
    return _files(index, unet, vae, _EULER | _prediction(shapes, "epsilon"), texts, pads=[_END, "!"])


def _prediction(shapes: layout.Shapes, usual: str) -> dict[str, Any]:
    """Return what the network predicts; models trained otherwise than usual hold empty tensors that say so."""
    found: dict[str, Any] = {"prediction_type": "v_prediction" if "v_pred" in shapes else usual}
    return found | {"rescale_betas_zero_snr": True} if "ztsnr" in shapes else found


def _files(
    index: dict[str, Any], unet: dict[str, Any], vae: dict[str, Any], scheduler: dict[str, Any],
    texts: list[dict[str, Any]], pads: list[str],
) -> Files:  # fmt: skip
    files: Files = {
        "unet/config.json": unet,
        "vae/config.json": vae,
        "scheduler/scheduler_config.json": scheduler,
    }
    parts = {
        "unet": ["diffusers", unet["_class_name"]],
        "vae": ["diffusers", vae["_class_name"]],
        "scheduler": ["diffusers", scheduler["_class_name"]],
    }
    for number, (text, pad) in enumerate(zip(texts, pads, strict=True), 1):
        end = "" if number == 1 else f"_{number}"
        files[f"text_encoder{end}/config.json"] = text
        files[f"tokenizer{end}/tokenizer_config.json"] = {
            "tokenizer_class": "CLIPTokenizer", "model_max_length": text["max_position_embeddings"],
            "bos_token": _BEGIN, "eos_token": _END, "unk_token": _END, "pad_token": pad,
        }  # fmt: skip
        parts |= {
            f"text_encoder{end}": ["transformers", text["architectures"][0]],
            f"tokenizer{end}": ["transformers", "CLIPTokenizer"],
        }
    files["model_index.json"] = index | parts
    return files


def _tokenizers(files: Files) -> list[str]:
    return [place.partition("/")[0] for place in files if place.startswith("tokenizer")]


def _write(place: Path, files: Files, tokenizers: dict[str, Path]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    for name, content in files.items():
        (draft / name).parent.mkdir(exist_ok=True)
        (draft / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    for name, source in tokenizers.items():
        for vocabulary in _vocabulary(source):
            shutil.copyfile(vocabulary, draft / name / vocabulary.name)
    try:
        os.replace(draft, place)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)


def find_tokenizer(words: int, settings: BackendSettings) -> Path | None:
    """Return a folder with a CLIP vocabulary of ``words`` entries: of any model in the known folders or the hub's cache."""
    for folder in _tokenizer_folders(settings):
        files = _vocabulary(folder)
        if files and _size(files[0]) == words:
            return folder
    return None


def _tokenizer_folders(settings: BackendSettings) -> Iterator[Path]:
    from diorama_local_diffusers.models.shelf import user_entries

    mine = [Path(entry.path).expanduser() for entry in user_entries(settings)]
    for model in mine:
        yield from sorted(model.glob("tokenizer*")) if model.is_absolute() and model.is_dir() else ()
    for folder in settings.models_dirs:
        yield from sorted(folder.glob("*/tokenizer*"))
    for snapshot in sorted(hub_cache().glob("models--*/snapshots/*")):
        yield snapshot
        yield from sorted(snapshot.glob("tokenizer*"))


def _vocabulary(folder: Path) -> list[Path]:
    """Return the files that make a CLIP vocabulary, empty when the folder has none."""
    pair = [folder / "vocab.json", folder / "merges.txt"]
    if all(file.is_file() for file in pair):
        return pair
    one = folder / "tokenizer.json"
    return [one] if one.is_file() else []


def _size(file: Path) -> int:
    """Return the number of words of a vocabulary, 0 when it is none of CLIP's."""
    table: Any = read_json(file)
    if file.name == "tokenizer.json":
        table = (table.get("model") or {}).get("vocab")
    return len(table) if isinstance(table, dict) and _END in table else 0
