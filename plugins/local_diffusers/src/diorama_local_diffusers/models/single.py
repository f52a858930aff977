"""The folder of configurations that completes a checkpoint in one file: made from the file itself, without a network."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from diorama.contract import BackendSettings

from diorama_local_diffusers.families import family_named
from diorama_local_diffusers.models.described import (
    Files,
    described,
    described_denoiser,
    held_parts,
    is_whole,
)
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder, missing_weights, read_folder, read_json
from diorama_local_diffusers.models.locate import locate_path
from diorama_local_diffusers.models.tokenizers import find_tokenizer, tokenizer_files

_FLUX = ("black-forest-labs/FLUX.1-dev", "black-forest-labs/FLUX.1-Kontext-dev")
_SAME_PARTS = {"flux": _FLUX, "flux-kontext": _FLUX}
"""Models that differ from the family's base in nothing but denoiser and sampler."""
FORM = "2"
"""Goes up when other folders are made of the same files, so that none of an earlier release is taken."""


def single_folder(file: Path, family: str, settings: BackendSettings) -> Path | None:
    """Return the folder that describes a whole checkpoint, making it when needed.

    ``None`` when the file holds less than a whole model, is of another family, or no model here has its tokenizers.
    """
    facts = file.stat()
    place = _place(settings.cache_dir, f"{file}|{facts.st_size}|{facts.st_mtime_ns}|{family}")
    if place.is_dir():
        return place
    files = described(file, family)
    if files is None or _missing_words(files, settings):
        return None
    sources = {}
    for name in _tokenizers(files):
        encoder = files[_encoder_of(name)]
        source = find_tokenizer(encoder, settings)
        sources[name] = tokenizer_files(source, encoder) if source is not None else []
    _write(place, files, sources)
    return place


def completing_folder(entry: ModelEntry, file: Path, settings: BackendSettings) -> PipelineFolder | None:
    """Return the folder that completes a single file: its ``base``, else one made from itself, else its family's base.

    Raises:
        InvalidRequest: the base is there and is no pipeline.
    """
    if not entry.base and (made := single_folder(file, entry.type, settings)):
        return read_folder(made)
    places = [
        locate_path(base, "", settings) for base in ([entry.base] if entry.base else _bases(entry)) if base
    ]
    folders = [
        read_folder(place) for place in places if place is not None and (place / "model_index.json").is_file()
    ]
    if not folders:
        return None
    whole = is_whole(file, entry.type)
    folder = next((folder for folder in folders if whole or not _absent(folder, file, entry)), folders[0])
    name = family_named(entry.type).denoiser
    if own := denoiser_folder(file, name, settings.cache_dir):
        folder.configs[name] = read_json(own / name / "config.json")
    return folder


def _absent(folder: PipelineFolder, file: Path, entry: ModelEntry) -> list[str]:
    """Return sentences about parts that are neither in a file nor in the folder that completes it."""
    held = held_parts(file, entry.type)
    return [line for line in missing_weights(folder) if line.partition(" ")[0] not in held]


def base_of(entry: ModelEntry) -> str:
    """Return the hub id or folder whose parts complete a single file."""
    return entry.base or _bases(entry)[0]


def single_lacks(
    entry: ModelEntry, file: Path, folder: PipelineFolder | None, settings: BackendSettings
) -> str:
    """Return in words what a single file still needs on this machine, empty when nothing."""
    if folder is None:
        files = None if entry.base else described(file, entry.type)
        if files is not None:
            words = _missing_words(files, settings)
            return f"{' and '.join(words)} of {base_of(entry)} (a few MB)"
        whole = is_whole(file, entry.type)
        return f"the {'configuration' if whole else 'other parts'} of {base_of(entry)}"
    if is_whole(file, entry.type):
        return ""
    problems = _absent(folder, file, entry)
    return f"parts of {base_of(entry)}: {'; '.join(problems)}" if problems else ""


def denoiser_folder(file: Path, name: str, cache_dir: Path) -> Path | None:
    """Return a folder with the configuration of a denoiser and its sampler, made from its file; ``None`` where it tells none."""
    facts = file.stat()
    place = _place(cache_dir, f"{file}|{facts.st_size}|{facts.st_mtime_ns}|{name}")
    if not place.is_dir():
        files = described_denoiser(file, name)
        if files is None:
            return None
        _write(place, files, {})
    return place


def _bases(entry: ModelEntry) -> list[str]:
    """Return the models whose other parts are those of a file's family, the usual one first."""
    base = family_named(entry.type).base
    return [base, *_SAME_PARTS.get(entry.type, ())]


def _tokenizers(files: Files) -> list[str]:
    return [place.partition("/")[0] for place in files if place.startswith("tokenizer")]


def _encoder_of(tokenizer: str) -> str:
    return f"{tokenizer.replace('tokenizer', 'text_encoder')}/config.json"


def _missing_words(files: Files, settings: BackendSettings) -> list[str]:
    """Return in words which tokenizers of a checkpoint no model here has."""
    missing: dict[str, None] = {}
    for name in _tokenizers(files):
        encoder = files[_encoder_of(name)]
        if find_tokenizer(encoder, settings) is None:
            missing[f"the {'T5' if encoder.get('model_type') == 't5' else 'CLIP'} tokenizer"] = None
    return list(missing)


def _place(cache_dir: Path, text: str) -> Path:
    return cache_dir / "single" / hashlib.sha256(f"{FORM}|{text}".encode()).hexdigest()[:24]


def _write(place: Path, files: Files, tokenizers: dict[str, list[Path]]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    for name, content in files.items():
        (draft / name).parent.mkdir(exist_ok=True)
        (draft / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    for name, sources in tokenizers.items():
        for source in sources:
            shutil.copyfile(source, draft / name / source.name)
    try:
        os.replace(draft, place)
    except OSError:  # another process was faster
        shutil.rmtree(draft, ignore_errors=True)
