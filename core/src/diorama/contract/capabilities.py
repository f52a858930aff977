"""What a model can do, as data. Every form, flag, check and foreign API is derived from these records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from diorama.contract.loras import LoraSource
from diorama.contract.results import MediaKind


class Operation(StrEnum):
    """The four things a model can be asked to do (``list_models`` is the fifth hook, asked of a backend)."""

    GENERATE = "generate"
    EDIT = "edit"
    VIDEO = "video"
    UPSCALE = "upscale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """A number with bounds, both included.

    Attributes:
        minimum: Smallest allowed value.
        maximum: Largest allowed value.
        default: Used when the request says nothing; ``None`` leaves the choice to the backend.
        step: Distance between allowed values counted from ``minimum`` (Wan frames: minimum 1, step 4);
            ``None`` means any value.
        integer: True when only whole numbers make sense.
    """

    minimum: float
    maximum: float
    default: float | None = None
    step: float | None = None
    integer: bool = False

    def __post_init__(self) -> None:
        if self.minimum > self.maximum:
            raise ValueError(f"Range minimum {self.minimum} is above its maximum {self.maximum}")
        if self.default is not None and not self.minimum <= self.default <= self.maximum:
            raise ValueError(f"Range default {self.default} lies outside {self.minimum} to {self.maximum}")

    def nearest(self, value: float) -> float:
        """Return the allowed value closest to ``value``."""
        value = min(max(value, self.minimum), self.maximum)
        if self.step:
            value = self.minimum + round((value - self.minimum) / self.step) * self.step
            if value > self.maximum:
                value -= self.step
        return round(value) if self.integer else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Which output sizes a model can make, in pixels.

    Attributes:
        default: ``(width, height)`` when nothing is asked; ``None`` lets the backend choose.
        minimum: Smallest allowed side.
        maximum: Largest allowed side.
        multiple_of: Sides are rounded to a multiple of this.
        max_pixels: Largest allowed width times height; ``None`` for no such limit.
        choices: When not empty, only these ``(width, height)`` pairs exist.
        ratios: Named aspect ratios (``"16:9"``) with the size each one stands for.
        free: True when any width and height within the limits may be asked.
        match_input: True when the output always has the exact size of the first input image.
    """

    default: tuple[int, int] | None = None
    minimum: int = 64
    maximum: int = 2048
    multiple_of: int = 8
    max_pixels: int | None = None
    choices: tuple[tuple[int, int], ...] = ()
    ratios: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    free: bool = True
    match_input: bool = False


PromptUse = Literal["required", "optional", "none"]
"""Whether an operation reads a text prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What one operation of one model accepts. A control that is ``None``, empty or false does not exist.

    Attributes:
        produces: What comes out, where it is not what the operation says by its name (pictures of ``generate`` and
            ``edit``, videos of ``video``, what went in of ``upscale``): ``audio`` for text or sound to sound.
        prompt: Whether a prompt is needed.
        max_prompt_chars: Longest prompt the backend takes, in characters.
        negative_prompt: Whether a negative prompt has an effect.
        sizes: Output sizes; ``None`` when the size cannot be chosen and is not known before.
        images_in: How many input images (sources or references) are accepted; ``None`` means none.
        videos_in: Whether a video is accepted as the source.
        sounds_in: How many sounds are accepted; ``None`` means none.
        mask: Whether a mask (white is changed, black is kept) is accepted.
        images_out: How many results one request may ask for.
        seed: Whether a seed decides the result.
        seed_range: Seeds that it takes, where these are fewer than 0 to 2^32 - 1; others are brought into it.
        num_inference_steps: Denoising steps.
        guidance_scale: Prompt guidance.
        strength: How far an edit, or a video made from a video, may leave its source, 0 (nothing changes) to 1 (source ignored).
        schedulers: Names of samplers that may be chosen; empty when the choice is not offered.
        lora_kinds: Families of LoRA that fit, such as ``("sdxl",)``; empty when LoRA is not offered.
        max_loras: How many may be active at once.
        lora_sources: How LoRA are named to a model that runs elsewhere (see ``diorama.contract.loras``); empty where they are
            files of this machine.
        control_kinds: ControlNet-like maps that are accepted (``canny``, ``depth``, ``pose``, ``scribble``).
        frames: Number of frames of a video.
        fps: Frames per second of a video.
        duration: Length of a video or a sound in seconds, for models that count seconds and not frames.
        audio: Whether the video can carry sound made by the model.
        scale: Enlargement factor of an upscaler.
        parameters: JSON schema (type ``object``) of further parameters that only this model has. Property keys
            ``x-group`` (``"advanced"``), ``x-order`` (number) and ``title`` steer forms.
        preview: Whether previews are sent while it runs.
        resumable: Whether a job interrupted by a restart of the engine can be picked up again from its memory.
    """

    produces: MediaKind | None = None
    prompt: PromptUse = "required"
    max_prompt_chars: int = 2000
    negative_prompt: bool = False
    sizes: Sizes | None = None
    images_in: Range | None = None
    videos_in: bool = False
    sounds_in: Range | None = None
    mask: bool = False
    images_out: Range = field(default_factory=lambda: Range(minimum=1, maximum=1, default=1, integer=True))
    seed: bool = True
    seed_range: Range | None = None
    num_inference_steps: Range | None = None
    guidance_scale: Range | None = None
    strength: Range | None = None
    schedulers: tuple[str, ...] = ()
    lora_kinds: tuple[str, ...] = ()
    max_loras: int = 8
    lora_sources: tuple[LoraSource, ...] = ()
    control_kinds: tuple[str, ...] = ()
    frames: Range | None = None
    fps: Range | None = None
    duration: Range | None = None
    audio: bool = False
    scale: Range | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    preview: bool = False
    resumable: bool = False

    def output_of(self, operation: Operation) -> MediaKind | None:
        """Return what comes out of ``operation`` with these capabilities; ``None`` means what went in (an upscale)."""
        if self.produces is not None or operation is Operation.UPSCALE:
            return self.produces
        return "video" if operation is Operation.VIDEO else "image"
