"""A diffusers folder, understood from its small JSON files alone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diorama.contract import InvalidRequest

TRUSTED_LIBRARIES = frozenset(
    {"diffusers", "transformers", "stable_diffusion", "stable_diffusion_xl", "ltx2", "wan"}
)
"""Where components may come from; anything else would be code shipped with the weights."""
NO_WEIGHTS = ("Scheduler", "Tokenizer", "TokenizerFast", "Processor", "Extractor", "ImageProcessorPil")
"""Endings of class names of components without weights."""


@dataclass(frozen=True, slots=True)
class PipelineFolder:
    """What a pipeline folder holds.

    Attributes:
        path: The folder.
        class_name: Pipeline class of ``model_index.json``.
        components: Component name to (library, class).
        index: The whole ``model_index.json``.
        configs: Configuration of each component that has one.
    """

    path: Path
    class_name: str
    components: dict[str, tuple[str, str]]
    index: dict[str, Any]
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def config(self, component: str) -> dict[str, Any]:
        """Return the component's ``config.json``, empty when it has none."""
        if component not in self.configs:
            self.configs[component] = read_json(self.path / component / "config.json")
        return self.configs[component]

    def has(self, component: str) -> bool:
        """Whether the component is present and not ``null``."""
        return component in self.components

    def weighty(self) -> list[str]:
        """Names of the components that have weights."""
        return [name for name, (_, kind) in self.components.items() if not kind.endswith(NO_WEIGHTS)]


def read_json(path: Path) -> dict[str, Any]:
    """Return a JSON object, empty when the file is missing or is something else."""
    try:
        value = json.loads(path.read_bytes()) if path.is_file() else {}
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def read_folder(path: Path) -> PipelineFolder:
    """Read ``model_index.json``.

    Raises:
        InvalidRequest: there is none, or it names code that does not belong to diffusers or transformers.
    """
    index = read_json(path / "model_index.json")
    class_name = index.get("_class_name")
    if not isinstance(class_name, str):
        raise InvalidRequest(
            f"{path} is not a diffusers folder: it has no model_index.json that names a pipeline.",
            field="source",
            fix="Give a folder written by save_pretrained, or a .safetensors or .gguf file.",
        )
    components: dict[str, tuple[str, str]] = {}
    for name, value in index.items():
        if name.startswith("_") or not (
            isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
        ):
            continue
        library, kind = value
        if library not in TRUSTED_LIBRARIES:
            raise InvalidRequest(
                f"Component {name!r} of {path.name} comes from {library!r}: code shipped with weights is never run.",
                field="source",
                fix="Only components of diffusers and transformers are loaded.",
            )
        components[name] = (library, str(kind))
    return PipelineFolder(path, class_name, components, index)


def weight_files(path: Path) -> list[Path]:
    """Return the safetensors files of one component, without those of other variants.

    Plain files are preferred to ``fp16`` ones only where both exist.
    """
    files = sorted(path.glob("*.safetensors"))
    plain = [file for file in files if variant_of(file) == ""]
    return plain or files


def variant_of(file: Path) -> str:
    """Return the variant in a weight file's name (``model.fp16.safetensors``), empty for plain files."""
    parts = file.name.removesuffix(".safetensors").split(".")
    words = [word for word in parts[1:] if not word.startswith("index")]
    return words[0].partition("-")[0] if words else ""


def folder_variant(folder: PipelineFolder) -> str | None:
    """Return the variant that must be named when loading, ``None`` when plain files are there."""
    for name in folder.weighty():
        files = weight_files(folder.path / name)
        if files and variant_of(files[0]):
            return variant_of(files[0])
    return None


def missing_weights(folder: PipelineFolder) -> list[str]:
    """Return sentences about components whose weights are absent, incomplete or pickles only."""
    problems = []
    for name in folder.weighty():
        place = folder.path / name
        if not list(place.glob("*.safetensors")):
            pickles = list(place.glob("*.bin"))
            reason = (
                "has its weights as a pickle only, which is never loaded" if pickles else "has no weights"
            )
            problems.append(f"{name} {reason}")
            continue
        for index in place.glob("*.safetensors.index*.json"):
            shards = set(read_json(index).get("weight_map", {}).values())
            absent = [shard for shard in shards if not (place / shard).exists()]
            if absent and len(absent) < len(shards):
                problems.append(f"{name} lacks {len(absent)} of {len(shards)} files")
    return problems


def folder_bytes(path: Path) -> int:
    """Return the bytes of all files below a folder; links of a hub cache count as what they point to."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
