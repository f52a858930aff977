"""Video from text and/or a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diorama.contract import Artifact, Audio, InvalidRequest, JobContext, OperationNotSupported, VideoRequest

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import VideoFamily
from diorama_local_diffusers.runtime.calls import call_arguments, previewer, run_once
from diorama_local_diffusers.runtime.prompts import report_weights
from diorama_local_diffusers.runtime.residency import Loaded
from diorama_local_diffusers.runtime.steps import StepReporter

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


def video(loaded: Loaded, request: VideoRequest, context: JobContext) -> list[Artifact]:
    """Make ``request.num_videos`` videos, each with its own seed, and save each."""
    family = loaded.family
    if not isinstance(family, VideoFamily):
        raise OperationNotSupported(f"{loaded.entry.name} makes no videos.")
    picture = request.images[0].load_image() if request.images else None
    task: Task = "image" if picture is not None else "text"
    if task not in family.classes:
        need = "needs a start picture" if task == "text" else "takes no start picture"
        raise InvalidRequest(f"{loaded.entry.name} {need}.", field="images")
    size = family.size_for(request, loaded.entry, loaded.folder, picture.size if picture else None)
    frames = _frames(loaded, family, request, context)
    fps = request.fps or loaded.entry.default_fps or family.default_fps
    pipe = loaded.view(family.pipeline_class(task, loaded.pipe))
    steps = family.steps_of(request, loaded.entry)
    call = call_arguments(loaded, task, request, pipe, steps) | family.video_arguments(request, frames, fps)
    call |= {"width": size[0], "height": size[1], "output_type": "np"}
    call = report_weights(call, context)
    if not family.reads_prompt:
        del call["prompt"]
    if picture is not None:
        call["image"] = _cover(picture, size)
    saved = []
    for index in range(request.num_videos):
        reporter = StepReporter(context, steps, index, request.num_videos, previewer(loaded, pipe, size))
        output = run_once(loaded, pipe, call, reporter, context, request, index)
        sound = _sound(output, pipe) if request.audio else None
        seed = request.seed_of(index)
        saved.append(context.save(to_bytes(output.frames[0]), kind="video", seed=seed, fps=fps, audio=sound))
    return saved


def to_bytes(frames: Any) -> np.ndarray[Any, Any]:
    """Return float frames (0 to 1) as uint8 (frames, height, width, 3), one frame at a time to spare memory."""
    import numpy as np

    result = np.empty((len(frames), *np.asarray(frames[0]).shape), np.uint8)
    for index, frame in enumerate(frames):
        result[index] = np.rint(np.clip(frame, 0, 1) * 255)
    return result


def _frames(loaded: Loaded, family: VideoFamily, request: VideoRequest, context: JobContext) -> int:
    allowed = family.frames_range(loaded.entry)
    if request.num_frames is None:
        return int(allowed.default or allowed.minimum)
    nearest = int(allowed.nearest(request.num_frames))
    if nearest != request.num_frames:
        context.adjusted(
            "num_frames", request.num_frames, nearest, f"This model makes 1 + n x {family.frame_step} frames."
        )
    return nearest


def _cover(picture: Image, size: tuple[int, int]) -> Image:
    from PIL import Image, ImageOps

    return picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)


def _sound(output: Any, pipe: Any) -> Audio | None:
    samples = getattr(output, "audio", None)
    if samples is None:
        return None
    return Audio(
        samples=samples[0].float().cpu().numpy(), sample_rate=int(pipe.vocoder.config.output_sampling_rate)
    )
