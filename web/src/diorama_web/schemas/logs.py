"""The log: every request, what became of it, or why it was refused."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import ErrorDetail, NoteView, View
from diorama_web.schemas.jobs import CostView, ImageRef, KindWord, SoundRef, StatusWord, VideoRef

LogStatus = StatusWord | Literal["refused"]
"""``refused``: what was wrong was seen before it became a job."""


class LogEntry(View):
    """A request in short."""

    id: str = Field(description="The same as its job's, where it became one.")
    type: KindWord
    status: LogStatus
    model: str
    prompt: str
    error: ErrorDetail | None
    cost: CostView | None
    results: int = Field(description="How many files it made.")
    session_id: str | None
    created_at: str
    started_at: str | None
    finished_at: str | None
    seconds: float | None = Field(description="From start to end; null while it runs.")


class LogDetail(LogEntry):
    """A request as it was sent, what ran, and what came of it."""

    request: dict[str, Any] = Field(
        description="What was asked, without files; null and empty values are left out."
    )
    applied: dict[str, Any] = Field(description="Values that ran.")
    adjusted: list[NoteView]
    ignored: list[NoteView]
    timings: dict[str, float] = Field(description="Seconds by stage.")
    attempt: int
    retry_of: str | None
    batch_id: str | None
    images: list[ImageRef]
    video: VideoRef | None
    sounds: list[SoundRef]


class LogPage(View):
    """Requests, newest first."""

    logs: list[LogEntry]
    next_cursor: str | None


class Cleared(View):
    """How many entries were removed."""

    removed: int
