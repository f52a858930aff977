"""Everything that a run needs to know, worked out before the server is asked."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diorama_comfyui.analysis.links import Prompt, output_nodes, upstream
from diorama_comfyui.schema import ObjectInfo

Target = tuple[str, str]
HEAVY = 40.0
"""Weight from which on a node counts as the work itself: samplers and paid services."""
_LOADED = frozenset({"MODEL", "CLIP", "VAE", "CONTROL_NET", "UPSCALE_MODEL", "CLIP_VISION"})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that goes to the server before the prompt, and the inputs that then name it."""

    content: Path | bytes
    name: str
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class RunPlan:
    """One prompt with what surrounds it.

    Attributes:
        prompt: API form; inputs of ``uploads`` are set when these are done.
        uploads: Files that the server needs first.
        media: ``image``, ``video`` or ``audio``: which outputs are results. Sound is one beside others too.
        outputs: Nodes whose outputs are the results; empty for all.
        fields: Request field by prompt input, to say which control an error belongs to.
        labels: What people call these controls.
        weights: Share of each node in the progress.
        loaders: Nodes that load models.
        paid: Whether a node calls a service that bills.
        seed: Seed of the run, where there is one.
        texts: Texts that are sent otherwise than they were written, by node and input.
    """

    prompt: dict[str, dict[str, Any]]
    uploads: tuple[Upload, ...] = ()
    media: str = "image"
    outputs: tuple[str, ...] = ()
    fields: Mapping[Target, str] = field(default_factory=dict)
    labels: Mapping[Target, str] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    loaders: frozenset[str] = frozenset()
    paid: bool = False
    seed: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)

    def title(self, node_id: str) -> str:
        """What a node is called."""
        node = self.prompt.get(node_id, {})
        return str(node.get("_meta", {}).get("title") or node.get("class_type") or node_id)

    def field_of_node(self, node_id: str) -> str | None:
        """The request field of a node that has exactly one."""
        found = {name for (owner, _), name in self.fields.items() if owner == node_id}
        return found.pop() if len(found) == 1 else None


def node_weights(prompt: Prompt, info: ObjectInfo) -> dict[str, float]:
    """Expected share of work of each node that will run: samplers count most."""
    weights: dict[str, float] = {}
    for node_id in upstream(prompt, output_nodes(prompt, info)):
        cls = info.get(prompt[node_id]["class_type"])
        outputs = set(cls.outputs) if cls else set()
        heavy = "LATENT" in outputs and "sampl" in prompt[node_id]["class_type"].lower()
        api = bool(cls and cls.api_node)
        weights[node_id] = HEAVY if heavy or api else 5.0 if outputs & _LOADED else 1.0
    return weights


def loader_nodes(prompt: Prompt, info: ObjectInfo) -> frozenset[str]:
    """Nodes that bring models into memory."""
    found = set()
    for node_id, node in prompt.items():
        cls = info.get(node["class_type"])
        if (
            cls
            and not _LOADED.isdisjoint(cls.outputs)
            and not any(spec.kind == "SOCKET" for spec in cls.inputs)
        ):
            found.add(node_id)
    return frozenset(found)


def is_paid(prompt: Prompt, info: ObjectInfo) -> bool:
    """Whether a node calls a service that bills the user."""
    return any((cls := info.get(node["class_type"])) is not None and cls.api_node for node in prompt.values())


def with_uploads(plan: RunPlan, names: list[str]) -> dict[str, dict[str, Any]]:
    """The prompt with the uploaded files' names in place."""
    prompt = copy.deepcopy(plan.prompt)
    for upload, name in zip(plan.uploads, names, strict=True):
        for node_id, input_name in upload.targets:
            prompt[node_id]["inputs"][input_name] = name
    return prompt


def without_cache(prompt: Mapping[str, dict[str, Any]], mark: str) -> dict[str, dict[str, Any]]:
    """The prompt with changed file name prefixes, so that the server makes its files again."""
    changed = copy.deepcopy(dict(prompt))
    for node in changed.values():
        prefix = node["inputs"].get("filename_prefix")
        if isinstance(prefix, str):
            node["inputs"]["filename_prefix"] = f"{prefix}_{mark}"
    return changed
