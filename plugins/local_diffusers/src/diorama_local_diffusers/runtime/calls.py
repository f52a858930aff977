"""One call of one pipeline: seed, sampler, progress, preview, cancel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    Artifact,
    ContentRefused,
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    JobContext,
    Request,
)

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.runtime.caches import cache_on
from diorama_local_diffusers.runtime.controls import Controls, reference
from diorama_local_diffusers.runtime.device import release_cache
from diorama_local_diffusers.runtime.embeddings import embeddings
from diorama_local_diffusers.runtime.loading import denoisers
from diorama_local_diffusers.runtime.memory import is_out_of_memory, out_of_memory, tell_of_leaner
from diorama_local_diffusers.runtime.previews import linear_preview
from diorama_local_diffusers.runtime.profiles import profile_on
from diorama_local_diffusers.runtime.prompts import fit_prompts, report_weights
from diorama_local_diffusers.runtime.residency import Loaded
from diorama_local_diffusers.runtime.steps import StepReporter, cancellable_blocks

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureCall:
    """What one operation asks of a pipeline.

    Attributes:
        task: Chooses the pipeline class.
        arguments: Of the call, beyond prompt, steps and guidance.
        steps: Steps to ask for.
        runs: Steps that really run.
        size: Width and height that the pipeline works at.
        finish: Turns the pipeline's picture into the one to save.
    """

    task: Task
    arguments: dict[str, Any]
    steps: int
    runs: int
    size: tuple[int, int]
    finish: Callable[[Image], Image]


def run_each(
    loaded: Loaded, plan: PictureCall, request: GenerateRequest | EditRequest, context: JobContext
) -> list[Artifact]:
    """Make the pictures of a request one at a time, each with its own seed, and save them."""
    with equipment(loaded, plan.task, plan.size, request, context) as (pipe, more, facts):
        call = call_arguments(loaded, plan.task, request, pipe, plan.steps) | plan.arguments | more
        call["output_type"] = "pil"
        call = (
            fit_prompts(pipe, call, context)
            if loaded.family.reads_clip_only
            else report_weights(call, context)
        )
        saved = []
        for index in range(request.num_images):
            shown = previewer(loaded, pipe, plan.size)
            reporter = StepReporter(context, plan.runs, index, request.num_images, shown)
            output = run_once(loaded, pipe, call, reporter, context, request, index)
            picture = plan.finish(output.images[0])
            saved.append(context.save(picture, seed=request.seed_of(index), facts=facts))
        return saved


@contextmanager
def equipment(
    loaded: Loaded,
    task: Task,
    size: tuple[int, int],
    request: GenerateRequest | EditRequest,
    context: JobContext,
) -> Iterator[tuple[Any, dict[str, Any], dict[str, Any]]]:
    """Give the pipeline with everything on that the request brings along, and take it off again.

    That is ControlNet maps, a reference picture, and embeddings. Beside the pipeline come arguments of its call, and
    facts for the recipe.
    """
    family, parameters = loaded.family, request.parameters
    more: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    if request.control:
        controls = Controls(loaded, request.control, loaded.settings, context)
        pipe = controls.view(task)
        more |= controls.arguments(task, size, parameters)
    else:
        pipe = loaded.view(family.pipeline_class(task, loaded.pipe))
    with ExitStack() as stack:
        stack.enter_context(family.around(task, pipe))
        if parameters.get("embeddings"):
            lessons = embeddings(loaded.pipe, parameters["embeddings"], loaded.settings)
            facts["embeddings"] = stack.enter_context(lessons)
        if isinstance(request, GenerateRequest) and request.images:
            if pipe is not loaded.pipe:
                raise InvalidRequest(
                    "A reference picture and control maps do not go together.", field="reference_images"
                )
            image = request.images[0].load_image()
            more |= stack.enter_context(reference(loaded, image, loaded.settings, parameters, context))
        yield pipe, more, facts


def enough_steps(loaded: Loaded, request: Request, strength: float, context: JobContext) -> int:
    """Return how many steps to ask for, so that at least one of them runs at ``strength``."""
    family = loaded.family
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


def call_arguments(loaded: Loaded, task: Task, request: Request, pipe: Any, steps: int) -> dict[str, Any]:
    """Return the arguments that every family's call has."""
    return {
        "prompt": request.prompt,
        "num_inference_steps": steps,
        **loaded.family.guidance(request, loaded.entry),
        **loaded.family.further(task, request, pipe),
    }


def run_once(
    loaded: Loaded,
    pipe: Any,
    call: dict[str, Any],
    reporter: StepReporter,
    context: JobContext,
    request: Request,
    index: int,
) -> Any:
    """Call the pipeline for output ``index`` and return what it returns.

    Raises:
        JobCancelled: within one block of one step; the pipeline stays usable.
        ContentRefused: the model's own safety checker blanked the picture.
    """
    output = None
    try:
        cache = str(request.parameters.get("cache", "none"))
        with (
            profile_on(loaded, str(request.parameters.get("profile", "quality")), pipe, context),
            cache_on(denoisers(pipe, loaded.family.denoiser), cache, context) as kept,
        ):
            loaded.rungs += kept
            output = _call(loaded, pipe, call, reporter, context, request, index)
    except RuntimeError as error:
        if not is_out_of_memory(error) or not loaded.device.startswith("cuda") or loaded.retries:
            raise
    # Here and not above: as long as the error is at hand it keeps all tensors of the failed call.
    if output is None:
        plan = loaded.plan
        release_cache(loaded.device)
        if not loaded.leaner(pipe, decoding=reporter.finished):
            raise out_of_memory(loaded.entry.name, loaded.device)
        tell_of_leaner(plan, loaded.plan, "generating", context)
        output = _call(loaded, pipe, call, reporter, context, request, index)
    if any(getattr(output, "nsfw_content_detected", None) or ()):
        raise ContentRefused(
            "The model's own safety checker blanked this picture.", fix="Change the prompt or the seed."
        )
    return output


def _call(
    loaded: Loaded,
    pipe: Any,
    call: dict[str, Any],
    reporter: StepReporter,
    context: JobContext,
    request: Request,
    index: int,
) -> Any:
    import torch

    seed = request.seed_of(index) or 0
    torch.manual_seed(seed)  # some pipelines draw from the global generator, as for the map of a ControlNet
    # On the CPU, so that a seed means the same picture on every device.
    generator = torch.Generator("cpu").manual_seed(seed)
    loaded.use_scheduler(pipe, request.scheduler or loaded.entry.scheduler or None)
    reporter.start()
    try:
        with cancellable_blocks(denoisers(pipe, loaded.family.denoiser), context):
            return pipe(**call, generator=generator, callback_on_step_end=reporter)
    finally:
        pipe.maybe_free_model_hooks()


def previewer(loaded: Loaded, pipe: Any, size: tuple[int, int]) -> Callable[[Any], Any]:
    """Return what turns latents into a small picture; the map is fitted at the first use."""

    def show(latents: Any) -> Any:
        grid = loaded.family.latent_grid(pipe, latents, *size)
        if grid is None:
            return None
        if loaded.preview is None:
            loaded.preview = linear_preview(pipe, loaded.family)
        return loaded.preview(grid)

    return show
