"""One call of one pipeline: seed, sampler, progress, preview, cancel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from diorama.contract import Artifact, ContentRefused, EditRequest, GenerateRequest, JobContext, Request

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.runtime.memory import is_out_of_memory
from diorama_local_diffusers.runtime.previews import linear_preview
from diorama_local_diffusers.runtime.residency import Loaded
from diorama_local_diffusers.runtime.steps import StepReporter, cancellable_blocks

if TYPE_CHECKING:
    from PIL.Image import Image


def run_each(
    loaded: Loaded,
    task: Task,
    request: GenerateRequest | EditRequest,
    context: JobContext,
    arguments: dict[str, Any],
    steps: tuple[int, int],
    size: tuple[int, int],
    finish: Callable[[Image], Image],
) -> list[Artifact]:
    """Make the pictures of a request one at a time, each with its own seed, and save them.

    Args:
        loaded: The open model.
        task: Chooses the pipeline class.
        request: What was asked.
        context: The job.
        arguments: Of the pipeline call, beyond prompt, steps and guidance.
        steps: Steps to ask for, and steps that really run.
        size: Width and height that the pipeline works at.
        finish: Turns the pipeline's picture into the one to save.
    """
    pipe = loaded.view(loaded.family.pipeline_class(task, loaded.pipe))
    call = call_arguments(loaded, task, request, pipe, steps[0]) | {"output_type": "pil"} | arguments
    saved = []
    for index in range(request.num_images):
        reporter = StepReporter(context, steps[1], index, request.num_images, previewer(loaded, pipe, size))
        output = run_once(loaded, pipe, call, reporter, context, request, index)
        saved.append(context.save(finish(output.images[0]), seed=request.seed_of(index)))
    return saved


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
    try:
        output = _call(loaded, pipe, call, reporter, context, request, index)
    except RuntimeError as error:
        plan = loaded.plan
        if not is_out_of_memory(error) or not loaded.leaner():
            raise
        context.log.warning("Out of memory with plan %s, trying %s", plan, loaded.plan)
        context.progress("generating", None, f"Out of memory: trying again with the plan {loaded.plan}")
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

    # On the CPU, so that a seed means the same picture on every device.
    generator = torch.Generator("cpu").manual_seed(request.seed_of(index) or 0)
    loaded.use_scheduler(pipe, request.scheduler or loaded.entry.scheduler or None)
    reporter.start()
    try:
        with cancellable_blocks(denoisers(pipe, loaded.family.denoiser), context):
            return pipe(**call, generator=generator, callback_on_step_end=reporter)
    finally:
        pipe.maybe_free_model_hooks()


def denoisers(pipe: Any, name: str) -> list[Any]:
    """Return the networks that are called at each step; some families have a second one."""
    return [
        part for part in (getattr(pipe, name, None), getattr(pipe, f"{name}_2", None)) if part is not None
    ]


def previewer(loaded: Loaded, pipe: Any, size: tuple[int, int]) -> Callable[[Any], Any]:
    """Return what turns latents into a small picture; the map is fitted at the first use."""

    def show(latents: Any) -> Any:
        if loaded.preview is None:
            loaded.preview = linear_preview(pipe, loaded.family)
        return loaded.preview(loaded.family.latent_grid(pipe, latents, *size))

    return show
