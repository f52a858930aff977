"""Jobs as they are answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import ErrorDetail, NoteView, View

StatusWord = Literal[
    "queued", "downloading", "loading_model", "generating", "saving", "completed", "failed", "cancelled"
]
KindWord = Literal["generate", "edit", "video", "upscale", "download"]


class ImageRef(View):
    """A picture that a job made."""

    id: str
    filename: str
    url: str
    thumbnail_url: str
    seed: int | None
    width: int
    height: int
    placeholder: str | None = Field(description="ThumbHash in base64.")


class VideoRef(View):
    """A video that a job made."""

    id: str
    filename: str
    url: str
    thumbnail_url: str
    preview_url: str = Field(description="Its first three seconds, small and silent, as an animated WebP.")
    seed: int | None
    duration: float | None
    fps: float | None
    width: int
    height: int
    has_audio: bool
    placeholder: str | None


class SoundRef(View):
    """A sound that a job made."""

    id: str
    filename: str
    url: str
    thumbnail_url: str = Field(description="Its waveform.")
    mime: str
    seed: int | None
    duration: float | None = Field(description="Seconds.")
    sample_rate: int | None
    channels: int | None
    placeholder: str | None


class CostView(View):
    """What a job cost or will cost."""

    amount: float
    currency: str
    estimated: bool


class JobView(View):
    """A job."""

    job_id: str
    kind: KindWord
    status: StatusWord
    model: str
    prompt: str
    progress: float = Field(description="0 to 100, never falling.")
    message: str
    numbers: dict[str, Any] = Field(description="Latest step/steps, bytes and the like.")
    eta_seconds: float | None
    queue_position: int | None
    wait_reason: str | None
    held: bool
    priority: int
    attempt: int
    retry_of: str | None
    session_id: str | None
    batch_id: str | None
    width: int | None
    height: int | None
    images: list[ImageRef]
    video: VideoRef | None
    sounds: list[SoundRef]
    error: ErrorDetail | None
    applied: dict[str, Any]
    adjusted: list[NoteView]
    ignored: list[NoteView]
    cost: CostView | None
    timings: dict[str, float]
    created_at: str
    started_at: str | None
    finished_at: str | None


class JobPage(View):
    """Jobs, newest first."""

    jobs: list[JobView]
    next_cursor: str | None


class JobAccepted(View):
    """The job is on disk and will reach a final state."""

    job_id: str
    status: StatusWord
    message: str


class BatchAccepted(View):
    """All jobs of a batch, in the order they were sent."""

    batch_id: str | None
    count: int
    jobs: list[JobAccepted]


class JobStatusView(View):
    """The moving part of a job."""

    job_id: str
    status: StatusWord
    progress: float
    message: str
    numbers: dict[str, Any]
    eta_seconds: float | None
    queue_position: int | None
    wait_reason: str | None
    error: ErrorDetail | None


class JobImages(View):
    """The pictures of a job."""

    job_id: str
    status: StatusWord
    images: list[ImageRef]


class GenerateReply(View):
    """The finished pictures or sounds."""

    job_id: str
    batch_id: str | None
    prompt: str
    model: str
    width: int | None
    height: int | None
    steps: int | None
    guidance_scale: float | None
    images: list[ImageRef]
    sounds: list[SoundRef]
    created_at: str
    applied: dict[str, Any]
    adjusted: list[NoteView]
    ignored: list[NoteView]


class LaneView(View):
    """Jobs of one lane (a device or a backend)."""

    waiting: int
    held: int
    running: int
    slots: int


class QueueView(View):
    """The queue as a whole."""

    paused: bool
    waiting: int
    held: int
    running: int
    lanes: dict[str, LaneView]
