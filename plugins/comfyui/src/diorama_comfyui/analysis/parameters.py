"""The parameters of a workflow: what a person may change, the important ones first."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from diorama_comfyui.convert.api import is_link
from diorama_comfyui.convert.coerce import is_file_choice, looks_like_file
from diorama_comfyui.convert.report import Conversion
from diorama_comfyui.schema import InputSpec, Kind, ObjectInfo, expand_inputs

from .links import output_nodes, upstream
from .polarity import is_negative_name, negative_nodes
from .roles import MAIN_ROLES, Consumers, Role, role_of

Target = tuple[str, str]
_LIMIT = 400
_GENERIC = frozenset(
    {
        "value",
        "string",
        "string_a",
        "string_b",
        "number",
        "int",
        "float",
        "boolean",
        "choice",
        "input",
        "val",
        "text",
    }
)
_FRIENDLY = {
    Role.PROMPT: "Prompt",
    Role.NEGATIVE_PROMPT: "Negative prompt",
    Role.SEED: "Seed",
    Role.WIDTH: "Width",
    Role.HEIGHT: "Height",
    Role.STEPS: "Steps",
    Role.GUIDANCE: "Guidance",
    Role.STRENGTH: "Strength",
    Role.FRAMES: "Frames",
    Role.FPS: "Frames per second",
}
_PLAIN = {
    "ckpt_name": "Checkpoint",
    "unet_name": "Diffusion model",
    "clip_name": "Text encoder",
    "vae_name": "VAE",
    "lora_name": "LoRA",
    "control_net_name": "ControlNet",
    "sampler_name": "Sampler",
}
"""Inputs whose names say little, where the class gives them no other name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One control of a workflow's form. Setting it writes the value into all ``targets``.

    ``group`` is ``"main"`` or ``"advanced"``; ``section`` the author's own box or node title.
    ``control`` says what the author wants to happen with a seed after a run.
    """

    name: str
    label: str
    role: Role
    group: str
    section: str
    targets: tuple[Target, ...]
    spec: InputSpec
    default: Any
    control: str = ""
    hidden: bool = False

    @property
    def is_media(self) -> bool:
        """Whether the value is an uploaded file."""
        return self.role in (Role.IMAGE, Role.MASK, Role.VIDEO, Role.AUDIO, Role.FILE) and bool(
            self.spec.upload
        )


@dataclass(slots=True)
class _Draft:
    """A parameter before it has a name."""

    targets: list[Target]
    spec: InputSpec
    value: Any
    role: Role
    label: str = ""
    section: str = ""
    control: str = ""
    chosen: bool = False
    order: tuple[int, ...] = field(default=())


def derive_parameters(conversion: Conversion, info: ObjectInfo) -> tuple[Parameter, ...]:
    """Return the parameters of a converted workflow, ordered as a form shows them.

    Inputs that no output depends on, links, and values that only the web page can edit (crop
    boxes, curves) are left as they are. If the author made an app form, its entries and nothing
    else are ``main``, in his order.
    """
    drafts = _drafts(conversion, info)
    order = {target: index for index, target in enumerate(conversion.form)}
    for draft in drafts:
        position = min((order[target] for target in draft.targets if target in order), default=None)
        draft.chosen = position is not None if order else _is_main(draft, conversion)
        draft.order = (0, position) if position is not None else (1, list(Role).index(draft.role))
    if not order:
        _keep_best_sizes(drafts)
    drafts.sort(key=lambda draft: (not draft.chosen, draft.order))
    return _named(drafts[:_LIMIT], conversion)


def _drafts(conversion: Conversion, info: ObjectInfo) -> list[_Draft]:
    prompt = conversion.prompt
    reached = upstream(prompt, output_nodes(prompt, info))
    negative = negative_nodes(prompt, info)
    consumers = Consumers(prompt, info, reached)
    owner = {target: index for index, shared in enumerate(conversion.shared) for target in shared.targets}
    drafts: list[_Draft] = []
    merged: dict[int, _Draft] = {}
    for node_id in sorted(
        reached, key=lambda key: conversion.facts[key].order if key in conversion.facts else 0
    ):
        cls = info.get(prompt[node_id]["class_type"])
        inputs = prompt[node_id]["inputs"]
        for name, spec in expand_inputs(cls.inputs, inputs) if cls else ():
            value = inputs.get(name)
            if value is None or is_link(value) or not _editable(name, spec, value):
                continue
            shared = owner.get((node_id, name))
            if shared is not None and shared in merged:
                merged[shared].targets.append((node_id, name))
                continue
            draft = _draft(node_id, name, spec, value, conversion, negative, consumers)
            drafts.append(draft)
            if shared is not None:
                merged[shared] = draft
                draft.label = conversion.shared[shared].label or draft.label
    return drafts


def _editable(name: str, spec: InputSpec, value: Any) -> bool:
    return (
        spec.has_widget
        and spec.kind is not Kind.CUSTOM
        and not spec.hidden
        and not isinstance(value, (dict, list))
    )


def _draft(
    node_id: str,
    name: str,
    spec: InputSpec,
    value: Any,
    conversion: Conversion,
    negative: set[str],
    consumers: Consumers,
) -> _Draft:
    facts = conversion.facts.get(node_id)
    title = facts.title if facts else ""
    label = conversion.promoted.get((node_id, name), "")
    avoids = node_id in negative or is_negative_name(title) or is_negative_name(label)
    role = role_of(name, spec, negative=avoids, value=value)
    generic = name.rsplit(".", 1)[-1].lower() in _GENERIC
    if role is Role.OTHER and generic and consumers.is_helper(node_id):
        role = _role_by_use(node_id, spec, value, negative, avoids, consumers)
    if role is Role.OTHER and generic and (label or title):
        role = role_of(slug(label or title), spec, negative=avoids, value=value)
    if role is Role.IMAGE and "mask" in conversion.prompt[node_id]["class_type"].lower():
        role = Role.MASK
    return _Draft(
        targets=[(node_id, name)],
        spec=spec,
        value=value,
        role=role,
        label=label,
        section=(facts.group or title) if facts else "",
        control=facts.controls.get(name, "") if facts else "",
    )


def _role_by_use(
    node_id: str, spec: InputSpec, value: Any, negative: set[str], avoids: bool, consumers: Consumers
) -> Role:
    """The role of a helper node's value: that of the input where it is used. Numbers must arrive unchanged."""
    for user, name in consumers.uses(node_id, unchanged=spec.kind is not Kind.STRING):
        role = role_of(name, spec, negative=avoids or user in negative, value=value)
        if role is not Role.OTHER:
            return role
    return Role.OTHER


def _is_main(draft: _Draft, conversion: Conversion) -> bool:
    if draft.role is Role.OTHER and (is_file_choice(draft.spec) or looks_like_file(draft.value)):
        return False
    if any(target in conversion.promoted for target in draft.targets):
        return True
    if draft.role is Role.STRENGTH and draft.value == 1:
        return False
    return draft.role in MAIN_ROLES and not (draft.spec.advanced and draft.role is not Role.SEED)


def _keep_best_sizes(drafts: list[_Draft]) -> None:
    """Of many width and height inputs only those that come in pairs on one node stay in front."""
    for role, other in ((Role.WIDTH, Role.HEIGHT), (Role.HEIGHT, Role.WIDTH)):
        partners = {target[0] for draft in drafts if draft.role is other for target in draft.targets}
        own = [draft for draft in drafts if draft.role is role and draft.chosen]
        paired = [draft for draft in own if draft.targets[0][0] in partners]
        for draft in own:
            draft.chosen = draft in paired or not paired


def _named(drafts: list[_Draft], conversion: Conversion) -> tuple[Parameter, ...]:
    parameters: list[Parameter] = []
    taken: Counter[str] = Counter()
    for draft in drafts:
        node_id, input_name = draft.targets[0]
        short = input_name.rsplit(".", 1)[-1]
        label = (
            draft.label
            or _FRIENDLY.get(draft.role)
            or draft.spec.display_name
            or _PLAIN.get(short)
            or _words(short)
        )
        base = draft.role.value if draft.role is not Role.OTHER else slug(label) or slug(short) or "value"
        taken[base] += 1
        name = base if taken[base] == 1 else f"{base}_{taken[base]}"
        while any(parameter.name == name for parameter in parameters):
            taken[base] += 1
            name = f"{base}_{taken[base]}"
        title = conversion.prompt[node_id].get("_meta", {}).get("title", "")
        parameters.append(
            Parameter(
                name=name,
                label=label,
                role=draft.role,
                group="main" if draft.chosen else "advanced",
                section=draft.section or title,
                targets=tuple(draft.targets),
                spec=draft.spec,
                default=draft.value,
                control=draft.control,
            )
        )
    return _tell_apart(parameters)


def _tell_apart(parameters: list[Parameter]) -> tuple[Parameter, ...]:
    """Parameters with the same label get their section into it, and a number if that is the same too."""
    count = Counter(parameter.label for parameter in parameters)
    labels = [
        f"{parameter.label} ({parameter.section})"
        if count[parameter.label] > 1 and parameter.section not in ("", parameter.label)
        else parameter.label
        for parameter in parameters
    ]
    total, seen = Counter(labels), Counter[str]()
    for index, label in enumerate(labels):
        seen[label] += 1
        if total[label] > 1:
            labels[index] = f"{label} {seen[label]}"
    return tuple(replace(parameter, label=label) for parameter, label in zip(parameters, labels, strict=True))


def slug(text: str) -> str:
    """Lower-case words joined by underscores, at most 40 characters."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40].strip("_")


def _words(name: str) -> str:
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]
