"""Generate and edit pictures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from diorama.contract import Artifact, EditRequest, GenerateRequest, InvalidRequest, JobContext

from diorama_local_diffusers.families.base import ImageFamily, Task
from diorama_local_diffusers.families.instruct import InstructFamily
from diorama_local_diffusers.runtime.calls import PictureCall, enough_steps, run_each
from diorama_local_diffusers.runtime.fitting import Fit, fit_picture
from diorama_local_diffusers.runtime.residency import Loaded

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST_REFERENCE = 64
"""Least side of a picture in pixels that the pipelines with several pictures take."""
FLATTEST_REFERENCE = 8
"""How many times longer than the other one a side of it may be."""


def generate(loaded: Loaded, request: GenerateRequest, context: JobContext) -> list[Artifact]:
    """Make ``request.num_images`` pictures from text and save each."""
    family = loaded.family
    width, height = family.native_size(loaded.entry, loaded.folder)
    size = (request.width or width, request.height or height)
    arguments: dict[str, Any] = {"width": size[0], "height": size[1]}
    steps = family.steps_of(request, loaded.entry)
    plan = PictureCall(
        task="text", arguments=arguments, steps=steps, runs=steps, size=size, finish=lambda image: image
    )
    return run_each(loaded, plan, request, context)


def edit(loaded: Loaded, request: EditRequest, context: JobContext) -> list[Artifact]:
    """Change the first picture and save results of exactly its size."""
    if request.mask is None and isinstance(loaded.family, InstructFamily):
        return _instruct(loaded, loaded.family, request, context)
    return _repaint(loaded, request, context)


def keep_outside(source: Image, result: Image, mask: Image) -> Image:
    """Return ``result`` inside the mask and every pixel of ``source`` where the mask is black."""
    from PIL import Image

    return Image.composite(result.convert("RGB"), source, mask)


def _instruct(
    loaded: Loaded, family: InstructFamily, request: EditRequest, context: JobContext
) -> list[Artifact]:
    pictures = [given.load_image() for given in request.images]
    fit = _fit(loaded, pictures[0].size, keep=False)
    arguments = dict(family.instruct_arguments(*fit.work))
    arguments["image"] = (
        [_large(picture) for picture in pictures] if family.takes_list else fit.forth(pictures[0])
    )
    steps = family.steps_of(request, loaded.entry)
    plan = PictureCall(
        task="instruct", arguments=arguments, steps=steps, runs=steps, size=fit.work, finish=fit.back
    )
    return run_each(loaded, plan, request, context)


def _large(picture: Image) -> Image:
    """Stretch a picture that is too small or too flat for the pipelines, which scale large ones themselves."""
    least = max(SMALLEST_REFERENCE, math.ceil(max(picture.size) / FLATTEST_REFERENCE))
    size = (max(picture.width, least), max(picture.height, least))
    return picture if size == picture.size else picture.resize(size)


def _repaint(loaded: Loaded, request: EditRequest, context: JobContext) -> list[Artifact]:
    source = request.images[0].load_image()
    strength = _strength(loaded, request)
    if strength <= 0:
        return [context.save(source, seed=request.seed_of(index)) for index in range(request.num_images)]
    if request.mask is None and not _takes_bare_pictures(loaded):
        raise InvalidRequest(
            f"{loaded.entry.name} repaints inside a mask.",
            field="mask",
            fix="Give a mask: white is repainted.",
        )
    fit = _fit(loaded, source.size)
    task: Task = "mask" if request.mask else "image"
    steps = enough_steps(loaded, request, strength, context)
    arguments: dict[str, Any] = {"image": fit.forth(source), "strength": strength}
    mask = request.mask.load_image("L") if request.mask else None
    if mask is not None:
        arguments["mask_image"] = fit.forth(mask)
    if loaded.family.takes_size(task):
        arguments |= {"width": fit.work[0], "height": fit.work[1]}

    def finish(image: Image) -> Image:
        result = fit.back(image)
        return result if mask is None else keep_outside(source, result, mask)

    runs = loaded.family.runs_steps(steps, strength)
    plan = PictureCall(task=task, arguments=arguments, steps=steps, runs=runs, size=fit.work, finish=finish)
    return run_each(loaded, plan, request, context)


def _strength(loaded: Loaded, request: EditRequest) -> float:
    if request.strength is not None:
        return request.strength
    if not isinstance(loaded.family, ImageFamily):
        return 1.0
    return loaded.entry.default_strength or loaded.family.default_strength


def _takes_bare_pictures(loaded: Loaded) -> bool:
    return loaded.folder is None or loaded.folder.config("unet").get("in_channels") != 9


def _fit(loaded: Loaded, size: tuple[int, int], *, keep: bool = True) -> Fit:
    width, height = loaded.family.native_size(loaded.entry, loaded.folder)
    pixels = width * height
    return fit_picture(
        size,
        step=loaded.family.size_step(loaded.folder),
        smallest=min(loaded.family.smallest, width, height),
        fewest_pixels=pixels // 2 if keep else pixels,
        most_pixels=2 * pixels if keep else pixels,
    )
