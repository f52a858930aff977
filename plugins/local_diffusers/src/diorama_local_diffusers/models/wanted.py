"""Which files a model needs from the hub: its own, or those that complete a single file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from diorama.contract import BackendNotReady, BackendSettings, InvalidRequest

from diorama_local_diffusers.models.described import held_parts, is_whole
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import NO_WEIGHTS
from diorama_local_diffusers.models.hub import hub_errors, repository_files
from diorama_local_diffusers.models.locate import HUB_ID, locate
from diorama_local_diffusers.models.quantized import default_type, matching
from diorama_local_diffusers.models.single import base_of

SMALL_KINDS = frozenset({".json", ".txt", ".model", ".jinja"})
"""Endings of configuration and tokenizer files."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a repository at one commit.

    Attributes:
        repository: ``owner/name``.
        commit: Hash of the revision.
        name: Path inside the repository.
        size: Bytes.
        revision: Branch or tag that was asked for.
    """

    repository: str
    commit: str
    name: str
    size: int
    revision: str = "main"


def source_of(entry: ModelEntry, settings: BackendSettings) -> str:
    """Return the hub repository that a model's files come from: its own, or the one that completes a single file.

    Raises:
        BackendNotReady: it needs nothing from the hub.
    """
    if HUB_ID.fullmatch(entry.path):
        return entry.path
    place = locate(entry, settings)
    base = base_of(entry)
    if place is not None and place.is_file() and entry.type != "upscaler" and HUB_ID.fullmatch(base):
        return base
    raise BackendNotReady(f"{entry.name} is not from the hub; there is nothing to download.")


def completing_files(entry: ModelEntry, settings: BackendSettings, token: str | None) -> list[RemoteFile]:
    """Return what a single file needs beside itself: its family's small files, and the parts that are not in it."""
    place = locate(entry, settings)
    whole = place is not None and is_whole(place, entry.type)
    held = held_parts(place, entry.type) if place is not None else frozenset()
    return [
        file
        for file in repository_parts(base_of(entry), "", token)
        if not file.name.endswith(".safetensors") or not (whole or file.name.partition("/")[0] in held)
    ]


def wanted_files(entry: ModelEntry, token: str | None, quantization: str = "") -> list[RemoteFile]:
    """Return what a model needs: its repository's parts, and further files that its row names."""
    files = repository_parts(entry.path, entry.revision, token)
    if entry.gguf:
        files = [
            file
            for file in files
            if not (file.name.startswith("transformer/") and file.name.endswith(".safetensors"))
        ]
    if entry.gguf:
        files.append(quantized_remote(entry, quantization or default_type(entry), token))
    if entry.lora:
        repository, name = entry.lora.rsplit("/", 1)
        commit, sizes = repository_files(repository, "", token)
        files.append(RemoteFile(repository, commit, name, sizes.get(name, 0)))
    return files


def repository_parts(repository: str, revision: str, token: str | None) -> list[RemoteFile]:
    """Return the files of a diffusers repository that a pipeline needs."""
    from huggingface_hub import hf_hub_download

    commit, sizes = repository_files(repository, revision, token)
    with hub_errors(repository):
        index = json.loads(
            Path(hf_hub_download(repository, "model_index.json", revision=commit, token=token)).read_bytes()
        )
    names = needed_names(index, list(sizes))
    return [RemoteFile(repository, commit, name, sizes[name], revision or "main") for name in names]


def quantized_remote(entry: ModelEntry, kind: str, token: str | None) -> RemoteFile:
    """Return the GGUF file of one quantisation on the hub."""
    commit, sizes = repository_files(entry.gguf, "", token)
    name = matching(kind, list(sizes))
    if name is None:
        raise InvalidRequest(f"{entry.gguf} has no {kind} file.", field="quantization")
    return RemoteFile(entry.gguf, commit, name, sizes[name])


def needed_names(index: dict[str, Any], names: list[str]) -> list[str]:
    """Choose the files of a diffusers repository: components of ``model_index.json``, safetensors, one variant.

    The half-precision variant is taken where every part has one: it is half the size and loads everywhere.
    """
    parts = {key: value[1] for key, value in index.items() if isinstance(value, list) and value[0]}
    weights: dict[str, list[str]] = {
        part: [] for part, kind in parts.items() if not str(kind).endswith(NO_WEIGHTS)
    }
    small = []
    for name in names:
        path = PurePosixPath(name)
        if len(path.parts) == 2 and path.parts[0] in parts:
            if path.suffix == ".safetensors" and path.parts[0] in weights:
                weights[path.parts[0]].append(name)
            elif path.suffix in SMALL_KINDS:
                small.append(name)
        elif name == "model_index.json":
            small.append(name)
    half = bool(weights) and all(any(_is_half(name) for name in found) for found in weights.values() if found)
    chosen = [name for found in weights.values() for name in found if _is_half(name) == half]
    kept = [name for name in small if ".index." not in name or (".fp16." in name) == half]
    return sorted(kept) + sorted(chosen)


def _is_half(name: str) -> bool:
    return ".fp16" in PurePosixPath(name).name
