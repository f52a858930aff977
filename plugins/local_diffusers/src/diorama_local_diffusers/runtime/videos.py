"""Video from text and/or a picture, or from another video."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import Artifact, Audio, InvalidRequest, JobContext, OperationNotSupported, VideoRequest

from diorama_local_diffusers.families.base import Task
from diorama_local_diffusers.families.video import DEFAULT_STRENGTH, VideoFamily
from diorama_local_diffusers.runtime.calls import call_arguments, enough_steps, previewer, run_once
from diorama_local_diffusers.runtime.prompts import report_weights
from diorama_local_diffusers.runtime.residency import Loaded
from diorama_local_diffusers.runtime.sources import read_frames
from diorama_local_diffusers.runtime.steps import StepReporter

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


def video(loaded: Loaded, request: VideoRequest, context: JobContext) -> list[Artifact]:
    """Make ``request.num_videos`` videos, each with its own seed, and save each."""
    family = loaded.family
    if not isinstance(family, VideoFamily):
        raise OperationNotSupported(f"{loaded.entry.name} makes no videos.")
    task = _task(loaded, family, request)
    fps = request.fps or loaded.entry.default_fps or family.default_fps
    plan = _source_plan if task == "video" else _plain_plan
    arguments, size, steps = plan(loaded, family, request, fps, context)
    if request.video is not None and request.strength == 0:
        frames = np_frames(arguments["video"])
        return [
            context.save(frames, kind="video", seed=request.seed_of(index), fps=fps)
            for index in range(request.num_videos)
        ]
    pipe = loaded.view(family.pipeline_class(task, loaded.pipe))
    call = call_arguments(loaded, task, request, pipe, steps) | arguments
    call |= {"width": size[0], "height": size[1], "output_type": "np"}
    call = report_weights(call, context)
    if not family.reads_prompt:
        del call["prompt"]
    runs = family.runs_steps(steps, call["strength"]) if task == "video" else steps
    saved = []
    for index in range(request.num_videos):
        reporter = StepReporter(context, runs, index, request.num_videos, previewer(loaded, pipe, size))
        output = run_once(loaded, pipe, call, reporter, context, request, index)
        sound = _sound(output, pipe) if request.audio else None
        seed = request.seed_of(index)
        saved.append(context.save(to_bytes(output.frames[0]), kind="video", seed=seed, fps=fps, audio=sound))
    return saved


def _task(loaded: Loaded, family: VideoFamily, request: VideoRequest) -> Task:
    if request.video is not None:
        if not family.takes_videos(loaded.folder):
            raise InvalidRequest(f"{loaded.entry.name} takes no source video.", field="media")
        if request.images:
            raise InvalidRequest(
                "A start picture and a source video do not go together.",
                field="reference_images",
                fix="Leave one of them out.",
            )
        return "video"
    task: Task = "images" if len(request.images) > 1 else "image" if request.images else "text"
    if task not in family.classes:
        need = {"text": "needs a start picture", "image": "takes no start picture"}.get(
            task, "takes one picture"
        )
        raise InvalidRequest(f"{loaded.entry.name} {need}.", field="reference_images")
    return task


Plan = tuple[dict[str, Any], tuple[int, int], int]
"""Arguments of the call that only one task has, the frame size, and the steps to ask for."""


def _plain_plan(
    loaded: Loaded, family: VideoFamily, request: VideoRequest, fps: float, context: JobContext
) -> Plan:
    pictures = [image.load_image() for image in request.images]
    size = family.size_for(request, loaded.entry, loaded.folder, pictures[0].size if pictures else None)
    frames = _frames(loaded, family, request, context)
    arguments = family.video_arguments(request, frames, fps)
    if pictures:
        arguments |= family.picture_arguments(
            [_cover(picture, size) for picture in pictures], frames, loaded.pipe
        )
    return arguments, size, family.steps_of(request, loaded.entry)


def _source_plan(
    loaded: Loaded, family: VideoFamily, request: VideoRequest, fps: float, context: JobContext
) -> Plan:
    source = request.video
    assert source is not None
    size = family.size_for(request, loaded.entry, loaded.folder, (source.width, source.height))
    wanted = _frames(loaded, family, request, context)
    frames = read_frames(Path(source.path), fps, wanted, size)
    if len(frames) < wanted:
        steps_of_frames = max(1, round((len(frames) - 1) / family.frame_step))
        count = min(1 + steps_of_frames * family.frame_step, wanted)
        why = f"The source video has {len(frames)} frames at {fps:g} a second."
        if count != wanted:
            context.adjusted("num_frames", wanted, count, why)
        held = frames[-1:] * (count - len(frames))  # its end, where it is a little too short
        frames = (frames + held)[:count]
    strength = DEFAULT_STRENGTH if request.strength is None else request.strength
    steps = enough_steps(loaded, request, strength, context) if strength > 0 else 1
    return {"video": frames, "strength": strength}, size, steps


def np_frames(frames: list[Image]) -> np.ndarray[Any, Any]:
    """Return pictures of one size as uint8 (frames, height, width, 3)."""
    import numpy as np

    return np.stack([np.asarray(frame.convert("RGB")) for frame in frames])


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
