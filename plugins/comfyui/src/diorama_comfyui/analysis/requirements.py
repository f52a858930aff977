"""What a workflow needs that the server does not have: node classes and model files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PureWindowsPath
from typing import Any

from diorama_comfyui.convert.api import is_link
from diorama_comfyui.convert.coerce import is_file_choice, looks_like_file
from diorama_comfyui.convert.report import Conversion, ModelFile
from diorama_comfyui.schema import Kind, ObjectInfo, expand_inputs

from .links import Prompt


@dataclass(frozen=True, slots=True)
class MissingClass:
    """A node class that the server does not have, with the package that provides it, if the file says so."""

    class_type: str
    node_ids: tuple[str, ...]
    package: str = ""


@dataclass(frozen=True, slots=True)
class MissingFile:
    """A model file that the server does not list. ``url`` is empty if the workflow names no source."""

    name: str
    node_id: str
    input_name: str
    directory: str = ""
    url: str = ""
    sha256: str = ""


def missing_classes(conversion: Conversion, info: ObjectInfo) -> tuple[MissingClass, ...]:
    """The node classes of a prompt that the server does not have."""
    found: dict[str, list[str]] = {}
    for node_id, node in conversion.prompt.items():
        if node["class_type"] not in info:
            found.setdefault(node["class_type"], []).append(node_id)
    packages = _packages(conversion.workflow or {})
    return tuple(MissingClass(name, tuple(ids), packages.get(name, "")) for name, ids in found.items())


def missing_files(conversion: Conversion, info: ObjectInfo) -> tuple[MissingFile, ...]:
    """The model files that a prompt names and the server does not list. Uploaded media do not count."""
    links = {_base(file.name): file for file in conversion.models}
    found: dict[str, MissingFile] = {}
    for node_id, input_name, value in _named_files(conversion.prompt, info):
        source = links.get(_base(value), ModelFile(value, ""))
        found.setdefault(
            value, MissingFile(value, node_id, input_name, source.directory, source.url, source.sha256)
        )
    return tuple(found.values())


def _named_files(prompt: Prompt, info: ObjectInfo) -> list[tuple[str, str, str]]:
    found = []
    for node_id, node in prompt.items():
        cls = info.get(node["class_type"])
        for name, spec in expand_inputs(cls.inputs, node["inputs"]) if cls else ():
            value = node["inputs"].get(name)
            if spec.kind is not Kind.COMBO or spec.upload or spec.remote or is_link(value):
                continue
            is_file = looks_like_file(value) or (is_file_choice(spec) and isinstance(value, str))
            if is_file and value not in (spec.choices or ()):
                found.append((node_id, name, str(value)))
    return found


def _packages(document: Mapping[str, Any]) -> dict[str, str]:
    """Class name to package, from what the web page noted on each node."""
    found: dict[str, str] = {}
    definitions = document.get("definitions")
    subgraphs = definitions.get("subgraphs") if isinstance(definitions, Mapping) else None
    levels = [document, *(level for level in (subgraphs or []) if isinstance(level, Mapping))]
    for level in levels:
        for node in level.get("nodes") or []:
            properties = node.get("properties") if isinstance(node, Mapping) else None
            if isinstance(properties, Mapping):
                package = properties.get("cnr_id") or properties.get("aux_id")
                if isinstance(package, str):
                    found.setdefault(str(node.get("type")), package)
    return found


def _base(name: str) -> str:
    return PureWindowsPath(name).name.lower()
