"""Generate and edit: pictures one at a time, each with its own seed, through the stock pipelines."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    Artifact,
    ContentRefused,
    EditRequest,
    GenerateRequest,
    JobContext,
    OperationNotSupported,
)

from diorama_local_diffusers.families.base import ImageFamily, Task
from diorama_local_diffusers.runtime.fitting import Fit, fit_picture
from diorama_local_diffusers.runtime.previews import linear_preview
from diorama_local_diffusers.runtime.residency import Loaded
from diorama_local_diffusers.runtime.steps import StepReporter, cancellable_blocks

if TYPE_CHECKING:
    from PIL.Image import Image


def generate(loaded: Loaded, request: GenerateRequest, context: JobContext) -> list[Artifact]:
    """Make ``request.num_images`` pictures from text and save each."""
    family = _image_family(loaded)
    width, height = family.native_size(loaded.entry, loaded.folder)
    size = (request.width or width, request.height or height)
    arguments: dict[str, Any] = {"width": size[0], "height": size[1]}
    steps = family.steps_of(request, loaded.entry)
    return _run_each(loaded, "text", request, context, arguments, (steps, steps), size, lambda image: image)


def edit(loaded: Loaded, request: EditRequest, context: JobContext) -> list[Artifact]:
    """Change the first picture, everywhere or inside the mask, and save results of exactly its size."""
    family = _image_family(loaded)
    source = request.images[0].load_image()
    strength = request.strength
    if strength is None:
        strength = loaded.entry.default_strength or family.default_strength
    if strength <= 0:
        return [context.save(source, seed=request.seed_of(index)) for index in range(request.num_images)]
    fit = _fit(loaded, source.size)
    task: Task = "mask" if request.mask else "image"
    steps = _enough_steps(family, request, loaded, strength, context)
    arguments: dict[str, Any] = {"image": fit.forth(source), "strength": strength}
    mask = request.mask.load_image("L") if request.mask else None
    if mask is not None:
        arguments["mask_image"] = fit.forth(mask)
    if family.takes_size(task):
        arguments |= {"width": fit.work[0], "height": fit.work[1]}
    counts = (steps, family.runs_steps(steps, strength))

    def finish(image: Image) -> Image:
        result = fit.back(image)
        return result if mask is None else keep_outside(source, result, mask)

    return _run_each(loaded, task, request, context, arguments, counts, fit.work, finish)


def keep_outside(source: Image, result: Image, mask: Image) -> Image:
    """Return ``result`` inside the mask and every pixel of ``source`` where the mask is black."""
    from PIL import Image

    return Image.composite(result.convert("RGB"), source, mask)


def _image_family(loaded: Loaded) -> ImageFamily:
    if not isinstance(loaded.family, ImageFamily):
        raise OperationNotSupported(f"{loaded.entry.name} makes no pictures from text.")
    return loaded.family


def _fit(loaded: Loaded, size: tuple[int, int]) -> Fit:
    width, height = loaded.family.native_size(loaded.entry, loaded.folder)
    pixels = width * height
    return fit_picture(
        size,
        step=loaded.family.size_step(loaded.folder),
        smallest=min(loaded.family.smallest, width, height),
        fewest_pixels=pixels // 2,
        most_pixels=2 * pixels,
    )


def _enough_steps(
    family: ImageFamily, request: EditRequest, loaded: Loaded, strength: float, context: JobContext
) -> int:
    steps = family.steps_of(request, loaded.entry)
    if family.runs_steps(steps, strength) >= 1:
        return steps
    more = math.ceil(1 / strength)
    while family.runs_steps(more, strength) < 1:  # the product can fall short of 1 by rounding
        more += 1
    context.adjusted(
        "num_inference_steps",
        steps,
        more,
        f"At strength {strength:g} fewer steps would leave nothing to run.",
    )
    return more


def _run_each(
    loaded: Loaded,
    task: Task,
    request: GenerateRequest | EditRequest,
    context: JobContext,
    arguments: dict[str, Any],
    steps: tuple[int, int],
    size: tuple[int, int],
    finish: Callable[[Image], Image],
) -> list[Artifact]:
    family = _image_family(loaded)
    pipe = loaded.view(family.classes[task])
    call = {
        "prompt": request.prompt,
        "num_inference_steps": steps[0],
        "output_type": "pil",
        **family.guidance(request, loaded.entry),
        **family.further(task, request, loaded.entry),
        **arguments,
    }
    saved = []
    for index in range(request.num_images):
        loaded.use_scheduler(pipe, request.scheduler or loaded.entry.scheduler or None)
        reporter = StepReporter(context, steps[1], index, request.num_images, _preview(loaded, pipe, size))
        image = _run_one(loaded, pipe, call, reporter, context, request.seed_of(index))
        saved.append(context.save(finish(image), seed=request.seed_of(index)))
    return saved


def _run_one(
    loaded: Loaded,
    pipe: Any,
    call: dict[str, Any],
    reporter: StepReporter,
    context: JobContext,
    seed: int | None,
) -> Any:
    import torch

    # On the CPU, so that a seed means the same picture on every device.
    generator = torch.Generator("cpu").manual_seed(seed or 0)
    reporter.start()
    try:
        with cancellable_blocks(getattr(pipe, loaded.family.denoiser), context):
            output = pipe(**call, generator=generator, callback_on_step_end=reporter)
    finally:
        pipe.maybe_free_model_hooks()
    if any(getattr(output, "nsfw_content_detected", None) or ()):
        raise ContentRefused(
            "The model's own safety checker blanked this picture.", fix="Change the prompt or the seed."
        )
    return output.images[0]


def _preview(loaded: Loaded, pipe: Any, size: tuple[int, int]) -> Callable[[Any], Any]:
    def show(latents: Any) -> Any:
        if loaded.preview is None:
            loaded.preview = linear_preview(pipe, int(pipe.vae_scale_factor))
        return loaded.preview(loaded.family.latent_grid(pipe, latents, *size))

    return show
