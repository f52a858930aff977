"""Putting the pieces together: one submission, one model, one request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diorama.contract import (
    AnyRequest,
    AvailabilityState,
    BackendNotReady,
    Capabilities,
    EditRequest,
    GenerateRequest,
    MediaInput,
    ModelInfo,
    Operation,
    UpscaleRequest,
    VideoRequest,
)
from diorama.jobs.records import Note
from diorama.jobs.submission import Submission
from diorama.resolution import controls, media
from diorama.resolution.notebook import Notebook
from diorama.resolution.operation import choose_operation
from diorama.resolution.parameters import check_parameters
from diorama.resolution.sizes import note_ignored, resolve_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A request that can be run.

    Attributes:
        kind: The operation.
        model: Catalog entry that runs it.
        request: What the backend will be called with.
        applied: Values that will run.
        adjusted: Values that were changed, and why.
        ignored: Values without effect, and why.
    """

    kind: Operation
    model: ModelInfo
    request: AnyRequest
    applied: Mapping[str, Any]
    adjusted: tuple[Note, ...]
    ignored: tuple[Note, ...]


def resolve(submission: Submission, model: ModelInfo) -> Resolved:
    """Turn a submission into a request that fits the model.

    Raises:
        InvalidRequest: a value cannot be used; ``field`` names it.
        OperationNotSupported: the model cannot do this.
        BackendNotReady: the model cannot run now; ``fix`` says what is missing.
    """
    operation, capabilities = choose_operation(submission, model)
    notes = Notebook(strict=submission.strict)
    build = _BUILDERS[operation]
    request = build(submission, model, capabilities, notes)
    check_ready(model)
    return Resolved(
        kind=operation,
        model=model,
        request=request,
        applied=notes.applied,
        adjusted=tuple(notes.adjusted),
        ignored=tuple(notes.ignored),
    )


def check_ready(model: ModelInfo) -> None:
    """Refuse a model that cannot run now. One that only needs its download may be asked: the job fetches it.

    Raises:
        BackendNotReady: with the sentence that mends it.
    """
    state = model.availability.state
    if state is AvailabilityState.READY or (state is AvailabilityState.NEEDS_DOWNLOAD and model.downloadable):
        return
    words = state.value.replace("_", " ")
    raise BackendNotReady(
        f"{model.title} ({model.id}) is not ready: {words}.", field="model", fix=model.availability.fix
    )


def _shared(
    submission: Submission, model: ModelInfo, capabilities: Capabilities, notes: Notebook
) -> dict[str, Any]:
    """Return the fields that every request has."""
    return {
        "model": model.id,
        "prompt": controls.check_prompt(submission.prompt, capabilities, notes),
        "negative_prompt": controls.choose_negative(submission.negative_prompt, capabilities, notes),
        "seed": controls.choose_seed(submission.seed, capabilities, notes),
        "num_inference_steps": controls.whole(
            controls.number(
                "num_inference_steps", submission.num_inference_steps, capabilities.num_inference_steps, notes
            )
        ),
        "guidance_scale": controls.number(
            "guidance_scale", submission.guidance_scale, capabilities.guidance_scale, notes
        ),
        "scheduler": controls.choose_scheduler(submission.scheduler, capabilities, notes),
        "loras": controls.choose_loras(submission.loras, capabilities, model, notes),
        "parameters": check_parameters(submission.parameters, capabilities, notes),
    }


def _sized(
    submission: Submission, capabilities: Capabilities, notes: Notebook, source: tuple[int, int] | None
) -> dict[str, Any]:
    if capabilities.produces == "audio":
        note_ignored(
            notes, submission.width, submission.height, submission.aspect_ratio, "Sound has no size."
        )
        return {"width": None, "height": None, "aspect_ratio": None}
    width, height, ratio = resolve_size(
        capabilities.sizes,
        width=submission.width,
        height=submission.height,
        aspect_ratio=submission.aspect_ratio,
        source=source,
        notes=notes,
    )
    return {"width": width, "height": height, "aspect_ratio": ratio}


def _count(submission: Submission, capabilities: Capabilities, notes: Notebook) -> int:
    return (
        controls.whole(controls.number("num_images", submission.num_images, capabilities.images_out, notes))
        or 1
    )


def _generate(s: Submission, model: ModelInfo, can: Capabilities, notes: Notebook) -> GenerateRequest:
    _ignore_foreign(s, notes, "strength", "num_frames", "fps", "audio", "scale")
    media.note_unused(s.media, notes)
    return GenerateRequest(
        **_shared(s, model, can, notes),
        **_sized(s, can, notes, None),
        images=media.check_images(s.images, can, model, notes, needed=False),
        sounds=media.check_sounds(s.sounds, can, model, notes),
        duration=_seconds(s, can, notes),
        control=media.check_control(s.control, can, notes),
        num_images=_count(s, can, notes),
    )


def _edit(s: Submission, model: ModelInfo, can: Capabilities, notes: Notebook) -> EditRequest:
    _ignore_foreign(s, notes, "num_frames", "fps", "audio", "scale")
    media.note_unused(s.media, notes)
    sounds = media.check_sounds(s.sounds, can, model, notes)
    images = media.check_images(s.images, can, model, notes, needed=can.sounds_in is None)
    return EditRequest(
        **_shared(s, model, can, notes),
        **_sized(s, can, notes, (images[0].width, images[0].height) if images else None),
        images=images,
        sounds=sounds,
        duration=_seconds(s, can, notes),
        mask=media.check_mask(s.mask, images, can, notes),
        strength=controls.number("strength", s.strength, can.strength, notes),
        control=media.check_control(s.control, can, notes),
        num_images=_count(s, can, notes),
    )


def _video(s: Submission, model: ModelInfo, can: Capabilities, notes: Notebook) -> VideoRequest:
    _ignore_foreign(s, notes, "scale")
    source = media.check_source_video(s.media, can, model, notes)
    if source is None:
        _ignore_foreign(s, notes, "strength")
    images = media.check_images(s.images, can, model, notes, needed=False)
    if s.audio and not can.audio:
        notes.ignore("audio", True, "This model makes no sound.")
    fps = controls.number("fps", s.fps, can.fps, notes)
    frames, duration = _length(s, can, fps, notes)
    return VideoRequest(
        **_shared(s, model, can, notes),
        **_frame_size(s, can, notes, source),
        images=images,
        video=source,
        strength=controls.number("strength", s.strength, can.strength, notes) if source else None,
        sounds=media.check_sounds(s.sounds, can, model, notes),
        num_frames=frames,
        fps=fps,
        duration=duration,
        audio=bool(can.audio if s.audio is None else s.audio and can.audio),
        num_videos=_count(s, can, notes),
    )


def _frame_size(
    s: Submission, can: Capabilities, notes: Notebook, source: MediaInput | None
) -> dict[str, Any]:
    """Return the size that was asked; a source video's own shape stands before what is usual for the model."""
    asked = s.width or s.height or s.aspect_ratio
    if source is None or asked or (can.sizes is not None and can.sizes.match_input):
        return _sized(s, can, notes, (source.width, source.height) if source else None)
    return {"width": None, "height": None, "aspect_ratio": None}


def _seconds(s: Submission, can: Capabilities, notes: Notebook) -> float | None:
    """Seconds of what has a length; pictures have none."""
    if can.produces == "audio":
        return controls.number("duration", s.duration, can.duration, notes)
    _ignore_foreign(s, notes, "duration")
    return None


def _length(
    s: Submission, can: Capabilities, fps: float | None, notes: Notebook
) -> tuple[int | None, float | None]:
    """Frames and seconds stand for each other; a model that knows one of them gets it from the other."""
    asked_frames, asked_duration = s.num_frames, s.duration
    if can.frames and asked_frames is None and asked_duration is not None and not can.duration and fps:
        controls.check_sane("duration", asked_duration)
        asked_frames, asked_duration = max(1, round(asked_duration * fps)), None
        notes.adjust(
            "duration", s.duration, f"{asked_frames} frames", "This model counts frames, not seconds."
        )
    if can.duration and asked_duration is None and asked_frames is not None and not can.frames:
        controls.check_sane("num_frames", asked_frames)
        asked_duration, asked_frames = asked_frames / (fps or 24.0), None
        notes.adjust(
            "num_frames", s.num_frames, f"{asked_duration:.2f} s", "This model counts seconds, not frames."
        )
    frames = controls.whole(controls.number("num_frames", asked_frames, can.frames, notes))
    return frames, controls.number("duration", asked_duration, can.duration, notes)


def _upscale(s: Submission, model: ModelInfo, can: Capabilities, notes: Notebook) -> UpscaleRequest:
    _ignore_foreign(
        s, notes, "strength", "num_frames", "fps", "duration", "audio", "width", "height", "aspect_ratio"
    )
    source = media.check_media(s.media or (s.images[0] if s.images else None), can, model)
    scale = controls.number("scale", s.scale, can.scale, notes)
    return UpscaleRequest(**_shared(s, model, can, notes), media=source, scale=scale or 2.0)


def _ignore_foreign(submission: Submission, notes: Notebook, *names: str) -> None:
    """Note values that belong to other operations."""
    for name in names:
        value = getattr(submission, name)
        if value is not None and value is not False:
            if name in controls.SANE and not isinstance(value, bool):
                controls.check_sane(name, value)
            notes.ignore(name, value, f"{name} has no meaning for this operation.")


_BUILDERS: dict[Operation, Any] = {
    Operation.GENERATE: _generate,
    Operation.EDIT: _edit,
    Operation.VIDEO: _video,
    Operation.UPSCALE: _upscale,
}
