"""What an input means to a person: prompt, seed, size, steps, image, model.

Decided from what the server says about the input (type, upload, range) and its name, followed
through helper nodes (a primitive, a switch, a text joiner) to where the value is used. No node
class is known by name here but the loaders of LoRA files, which are recognised by their input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum

from diorama_comfyui.convert.coerce import is_file_choice, looks_like_file
from diorama_comfyui.schema import InputSpec, Kind, ObjectInfo

from .links import Prompt, linked_inputs
from .polarity import is_negative_name


class Role(StrEnum):
    """The meaning of a parameter, in the order in which forms show them."""

    PROMPT = "prompt"
    NEGATIVE_PROMPT = "negative_prompt"
    TEXT = "text"
    IMAGE = "image"
    MASK = "mask"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"
    SEED = "seed"
    WIDTH = "width"
    HEIGHT = "height"
    ASPECT_RATIO = "aspect_ratio"
    RESOLUTION = "resolution"
    FRAMES = "num_frames"
    DURATION = "duration"
    FPS = "fps"
    STEPS = "num_inference_steps"
    GUIDANCE = "guidance_scale"
    STRENGTH = "strength"
    BATCH = "num_images"
    SCALE = "scale"
    MODEL = "model"
    LORA = "lora"
    LORA_WEIGHT = "lora_weight"
    SCHEDULER = "scheduler"
    OTHER = "other"


MAIN_ROLES = frozenset(Role) - {Role.OTHER, Role.SCHEDULER, Role.FILE, Role.BATCH, Role.FPS, Role.SCALE}
"""Roles that belong into the visible part of a form by themselves."""

_NUMBERS = {
    Role.WIDTH: ("width",),
    Role.HEIGHT: ("height",),
    Role.FRAMES: ("length", "num_frames", "frames", "video_frames", "frames_number", "frame_count"),
    Role.DURATION: ("duration", "seconds", "duration_seconds"),
    Role.FPS: ("fps", "frame_rate"),
    Role.STEPS: ("steps", "num_inference_steps", "num_steps"),
    Role.GUIDANCE: ("cfg", "guidance", "guidance_scale", "cfg_scale", "cfg_conds"),
    Role.STRENGTH: ("denoise", "denoising_strength"),
    Role.BATCH: ("batch_size",),
    Role.SCALE: ("scale_by", "upscale_by", "scale_factor"),
}
_NUMBER_ROLES = {name: role for role, names in _NUMBERS.items() for name in names}
_LINES = re.compile(r"text_?\d{1,2}")
"""Lines of a dialogue, each an input of its own."""
_SEEDS = frozenset({"seed", "noise_seed", "rand_seed", "random_seed"})
_PROMPTS = frozenset(
    {
        "text",
        "prompt",
        "positive",
        "positive_prompt",
        "text_g",
        "text_l",
        "clip_l",
        "clip_g",
        "t5xxl",
        "caption",
    }
    | {
        "tags",
        "user_prompt",
        "text_prompt",
        "prompt_text",
        "text_positive",
        "negative",
        "negative_prompt",
        "text_negative",
    }
)
_MODELS = frozenset({"ckpt_name", "unet_name", "model_name", "diffusion_model", "gguf_name", "model_path"})
_SHAPES = {"aspect_ratio": Role.ASPECT_RATIO, "ratio": Role.ASPECT_RATIO} | dict.fromkeys(
    ("size", "size_preset", "resolution"), Role.RESOLUTION
)
_UPLOADS = {"image": Role.IMAGE, "video": Role.VIDEO, "audio": Role.AUDIO, "file": Role.FILE}


def role_of(name: str, spec: InputSpec, *, negative: bool, value: object = None) -> Role:
    """The role of an input by its (dotted) name and type. ``negative``: its text reaches the negative side."""
    short = name.rsplit(".", 1)[-1].lower()
    if spec.upload and spec.kind is Kind.COMBO:
        return _UPLOADS.get(spec.upload, Role.FILE)
    if spec.kind is Kind.STRING:
        if short not in _PROMPTS:
            return Role.TEXT if short == "lyrics" or _LINES.fullmatch(short) else Role.OTHER
        return Role.NEGATIVE_PROMPT if negative or is_negative_name(short) else Role.PROMPT
    if spec.kind in (Kind.INT, Kind.FLOAT):
        return _number_role(short, spec)
    if spec.kind in (Kind.COMBO, Kind.DYNAMIC_COMBO):
        return _choice_role(short, spec, value)
    return Role.OTHER


def _number_role(short: str, spec: InputSpec) -> Role:
    if spec.kind is Kind.INT and (short in _SEEDS or (spec.control_after_generate and "seed" in short)):
        return Role.SEED
    if short in ("strength_model", "strength_clip", "lora_strength"):
        return Role.LORA_WEIGHT
    return _NUMBER_ROLES.get(short, Role.OTHER)


def _choice_role(short: str, spec: InputSpec, value: object) -> Role:
    if short in _SHAPES:
        return _SHAPES[short]
    if short in ("duration", "seconds"):
        return Role.DURATION
    if short in ("sampler_name", "scheduler", "sampler"):
        return Role.SCHEDULER
    if spec.kind is Kind.COMBO and (is_file_choice(spec) or looks_like_file(value)):
        if short.startswith("lora"):
            return Role.LORA
        return Role.MODEL if short in _MODELS else Role.OTHER
    return Role.OTHER


class Consumers:
    """Answers where the value of a helper node ends up."""

    def __init__(self, prompt: Prompt, info: ObjectInfo, reached: Iterable[str]) -> None:
        self._prompt = prompt
        self._info = info
        self._readers: dict[str, list[tuple[str, str]]] = {}
        for node_id in reached:
            for name, source, _ in linked_inputs(prompt[node_id]):
                self._readers.setdefault(source, []).append((node_id, name))

    def uses(self, node_id: str, *, unchanged: bool) -> list[tuple[str, str]]:
        """The first ``(node, input)`` places that are no helper themselves, nearest first.

        With ``unchanged`` only helpers that pass the value on as it is (switches) are followed.
        """
        found: list[tuple[str, str]] = []
        seen = {node_id}
        pending = list(self._readers.get(node_id, ()))
        while pending and len(seen) < 200:
            reader, name = pending.pop(0)
            if reader in seen:
                continue
            if self.is_helper(reader) and (not unchanged or self._passes_on(reader)):
                seen.add(reader)
                pending.extend(self._readers.get(reader, ()))
            else:
                found.append((reader, name))
        return found

    def _passes_on(self, node_id: str) -> bool:
        return "COMFY_MATCHTYPE_V3" in self._info[self._prompt[node_id]["class_type"]].outputs

    def is_helper(self, node_id: str) -> bool:
        """Whether a node only makes, joins or picks plain values."""
        cls = self._info.get(self._prompt[node_id]["class_type"])
        if cls is None or cls.output_node or cls.api_node or not cls.outputs:
            return False
        plain = {"STRING", "INT", "FLOAT", "BOOLEAN", "COMBO", "COMFY_MATCHTYPE_V3", "*"}
        wide = {"MODEL", "IMAGE", "LATENT", "VIDEO", "AUDIO", "CLIP", "VAE", "MASK", "CONDITIONING"}
        takes = {kind for spec in cls.inputs for kind in spec.types if not spec.has_widget}
        return set(cls.outputs) <= plain and takes.isdisjoint(wide)
