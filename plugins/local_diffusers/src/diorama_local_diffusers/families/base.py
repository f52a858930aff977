"""What every family adapter answers: which pipeline classes, which controls, which call arguments.

Adapters are plain descriptions and never import torch; :mod:`diorama_local_diffusers.runtime` runs them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from diorama.contract import Capabilities, Operation, Range, Sizes

from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.folder import PipelineFolder
from diorama_local_diffusers.models.quantized import FLOAT8, parameter_schema

if TYPE_CHECKING:
    from diorama.contract import Request

Task = Literal["text", "image", "images", "mask", "instruct", "video"]
"""How a pipeline is called: prompt alone, start picture, pictures at several times, picture with mask, pictures with an
instruction, source video."""

RATIOS = {
    "1:1": 1.0,
    "4:3": 4 / 3,
    "3:4": 3 / 4,
    "3:2": 1.5,
    "2:3": 2 / 3,
    "16:9": 16 / 9,
    "9:16": 9 / 16,
    "21:9": 21 / 9,
}
"""Aspect ratios offered by name, as width divided by height."""

PROFILE: dict[str, Any] = {
    "profile": {
        "type": "string",
        "enum": ["quality", "balanced", "fast"],
        "default": "quality",
        "title": "Profile",
        "description": "The faster ones use only what is measured to be faster on this device; pixels may differ slightly.",
        "x-group": "advanced",
    }
}
"""Offered by every family with a denoiser."""

CACHE: dict[str, Any] = {
    "cache": {
        "type": "string",
        "enum": ["none", "first-block"],
        "default": "none",
        "title": "Cache between steps",
        "description": "first-block leaves out the rest of a step that changes little: faster, and the result differs.",
        "x-group": "advanced",
    }
}
"""Offered by the families whose denoisers take one."""
CACHING = frozenset({
    "flux", "flux-kontext", "qwen-image", "qwen-image-edit", "qwen-image-edit-plus", "wan", "wan-i2v", "mochi",
    "cogvideox", "cogvideox-i2v",
})  # fmt: skip
"""Families whose denoisers can keep what a step's later blocks gave."""


class Family:
    """One family of models.

    Attributes:
        name: The ``type`` that users write.
        title: Name for people.
        classes: Pipeline class of each task, by diffusers name.
        also: Further class names in ``model_index.json`` that mean this family.
        denoiser: Component that is called at each step.
        multiple_of: Sides must be multiples of this.
        native: Side of the square that the model was trained for.
        smallest: Smallest side.
        default_steps: Denoising steps.
        fewest_steps: Least number of steps; 2 where the sampler stretches its steps to an end that a single one has not.
        default_guidance: Guidance.
        highest_guidance: Largest guidance that makes sense; 0 when there is no guidance.
        default_strength: Strength of image-to-image.
        negative_prompt: Whether a negative prompt has an effect.
        negative_needs_guidance: Whether that takes a guidance above 1.
        schedulers: Samplers that may be chosen.
        lora_kind: Kind of LoRA that fits; empty when none does.
        parameters: JSON schema of parameters that only this family has.
        base: Hub id whose configuration and other parts complete a single file.
        control_classes: Pipeline class of each task with ControlNets.
        control_class: Class of the ControlNets.
        control_union_class: What several maps need where they must belong to one network; empty where any go together.
        control_image_name: What text to image calls the map.
        reads_clip_only: Whether all text encoders are CLIP, whose prompts end after 77 tokens.
        stored_float8: Whether the denoiser's weights are kept in 8 bits and computed in the device's own type.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    classes: ClassVar[dict[Task, str]] = {}
    also: ClassVar[tuple[str, ...]] = ()
    denoiser: ClassVar[str] = "transformer"
    multiple_of: ClassVar[int] = 16
    native: ClassVar[int] = 1024
    smallest: ClassVar[int] = 64
    default_steps: ClassVar[int] = 28
    fewest_steps: ClassVar[int] = 1
    default_guidance: ClassVar[float] = 3.5
    highest_guidance: ClassVar[float] = 20.0
    default_strength: ClassVar[float] = 0.6
    negative_prompt: ClassVar[bool] = True
    negative_needs_guidance: ClassVar[bool] = True
    schedulers: ClassVar[tuple[str, ...]] = ()
    lora_kind: ClassVar[str] = ""
    parameters: ClassVar[dict[str, Any]] = {}
    base: ClassVar[str] = ""
    control_classes: ClassVar[dict[Task, str]] = {}
    control_class: ClassVar[str] = "ControlNetModel"
    control_union_class: ClassVar[str] = ""
    control_image_name: ClassVar[str] = "control_image"
    reads_clip_only: ClassVar[bool] = False
    stored_float8: ClassVar[bool] = False

    def native_size(self, entry: ModelEntry, folder: PipelineFolder | None) -> tuple[int, int]:
        """Return the width and height used when nothing is asked."""
        if entry.default_width and entry.default_height:
            return entry.default_width, entry.default_height
        return self.native, self.native

    def size_step(self, folder: PipelineFolder | None) -> int:
        """Return what the sides must be a multiple of."""
        return self.multiple_of

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Return what a model of this family can do."""
        raise NotImplementedError

    def guidance(self, request: Request, entry: ModelEntry) -> dict[str, Any]:
        """Return the arguments for guidance and negative prompt."""
        arguments: dict[str, Any] = {"guidance_scale": self.guidance_of(request, entry)}
        if self.negative_prompt and request.negative_prompt:
            arguments["negative_prompt"] = request.negative_prompt
        return arguments

    def guidance_of(self, request: Request, entry: ModelEntry) -> float:
        """Return the guidance in force."""
        if request.guidance_scale is not None:
            return request.guidance_scale
        return self.default_guidance if entry.default_guidance is None else entry.default_guidance

    def negative_is_idle(self, request: Request, entry: ModelEntry) -> bool:
        """Whether the request's negative prompt has no effect because nothing is guided."""
        wanted = bool(request.negative_prompt) and self.negative_prompt and self.negative_needs_guidance
        return wanted and self.guidance_of(request, entry) <= 1

    def steps_of(self, request: Request, entry: ModelEntry) -> int:
        """Return the number of steps in force."""
        return max(
            request.num_inference_steps or entry.default_steps or self.default_steps, self.fewest_steps
        )

    def further(self, task: Task, request: Request, pipe: Any) -> dict[str, Any]:
        """Return further arguments of the pipeline call."""
        return {}

    @contextmanager
    def around(self, task: Task, pipe: Any) -> Iterator[None]:
        """Prepare an open pipeline for a task while the block runs."""
        yield

    def pipeline_class(self, task: Task, pipe: Any) -> str:
        """Return the pipeline class that does ``task``, given the one that the model was opened as."""
        return self.classes[task]

    def latent_grid(self, pipe: Any, latents: Any, width: int, height: int) -> Any:
        """Return one picture's latents as (channels, height, width) for the preview, ``None`` for no preview."""
        return latents[0]

    def card_latents(self, pipe: Any, latents: Any) -> Any:
        """Return encoded latents (channels, height, width), as the VAE gives them, in the denoiser's own form."""
        return latents

    def runs_steps(self, steps: int, strength: float) -> int:
        """Return how many of ``steps`` image-to-image really runs at ``strength``; the flow models round up."""
        return min(math.ceil(steps * strength), steps)

    def takes_size(self, task: Task) -> bool:
        """Whether the pipeline of ``task`` has the arguments ``width`` and ``height``."""
        return True

    # Controls that all families describe the same way.

    def steps_range(self, entry: ModelEntry) -> Range:
        """Return the allowed number of steps."""
        default = max(entry.default_steps or self.default_steps, self.fewest_steps)
        return Range(minimum=self.fewest_steps, maximum=150, default=default, integer=True)

    def guidance_range(self, entry: ModelEntry) -> Range | None:
        """Return the allowed guidance, ``None`` for families without it."""
        if not self.highest_guidance:
            return None
        default = self.default_guidance if entry.default_guidance is None else entry.default_guidance
        return Range(minimum=0, maximum=max(self.highest_guidance, default), default=default)

    def sizes(self, entry: ModelEntry, folder: PipelineFolder | None) -> Sizes:
        """Return the sizes that may be asked, with ratios at the model's own number of pixels."""
        width, height = self.native_size(entry, folder)
        step = self.size_step(folder)
        return Sizes(
            default=(width, height),
            minimum=min(self.smallest, width, height),
            maximum=max(2048, width, height) if max(width, height) >= 512 else 4 * max(width, height),
            multiple_of=step,
            max_pixels=4 * width * height,
            ratios={name: size_of_ratio(ratio, width * height, step) for name, ratio in RATIOS.items()},
        )

    def parameters_of(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[str, Any]:
        """Return the JSON schema of the parameters that only this model has."""
        properties = {**self.parameters.get("properties", {}), **parameter_schema(entry), **PROFILE}
        if self.stored_float8:
            properties.pop(FLOAT8, None)  # they are so anyway
        if self.name in CACHING:
            properties |= CACHE
        return {"type": "object", "properties": properties}

    def common(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[str, Any]:
        """Return the capability fields that all operations of a family share."""
        return {
            "negative_prompt": self.negative_prompt,
            "num_inference_steps": self.steps_range(entry),
            "guidance_scale": self.guidance_range(entry),
            "schedulers": self.schedulers,
            "lora_kinds": (self.lora_kind,) if self.lora_kind else (),
            "preview": True,
            "parameters": self.parameters_of(entry, folder),
        }


FOUR_PICTURES = Range(minimum=1, maximum=4, default=1, integer=True)
"""How many pictures one request may ask for; each is made on its own, with its own seed."""
ONE_INPUT = Range(minimum=1, maximum=1, default=1, integer=True)


class ImageFamily(Family):
    """Text to image, with image-to-image and inpainting over the same weights."""

    def capabilities(self, entry: ModelEntry, folder: PipelineFolder | None) -> dict[Operation, Capabilities]:
        """Return generate, and edit with strength and mask where the classes exist."""
        sizes, common = self.sizes(entry, folder), self.common(entry, folder)
        found = {Operation.GENERATE: Capabilities(sizes=sizes, images_out=FOUR_PICTURES, **common)}
        if "image" in self.classes:
            strength = entry.default_strength or self.default_strength
            found[Operation.EDIT] = Capabilities(
                sizes=Sizes(match_input=True, free=False, minimum=1, maximum=65_500, multiple_of=1),
                images_in=ONE_INPUT,
                images_out=FOUR_PICTURES,
                mask="mask" in self.classes,
                strength=Range(minimum=0, maximum=1, default=strength),
                **common,
            )
        return found


def size_of_ratio(ratio: float, pixels: int, step: int) -> tuple[int, int]:
    """Return the size with about ``pixels`` pixels and ``ratio`` = width / height, sides multiples of ``step``."""
    height = math.sqrt(pixels / ratio)
    width = height * ratio
    return max(step, round(width / step) * step), max(step, round(height / step) * step)
