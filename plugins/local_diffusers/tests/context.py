"""A job context that records what a backend tells, and keeps the real saved content."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from diorama.contract import (
    Artifact,
    BackendError,
    FetchedFile,
    InvalidRequest,
    JobCancelled,
    JobContext,
    ModelInfo,
)


class RecordingContext(JobContext):
    """Runs everything in the calling thread; ``cancel_after`` cancels after so many reported steps."""

    def __init__(
        self, model: ModelInfo, work_dir: Path, *, strict: bool = False, cancel_at: int | None = None
    ) -> None:
        self.job_id = "test"
        self.model = model
        self.work_dir = work_dir
        self.device = "cpu"
        self.memory: dict[str, Any] = {}
        self.log = logging.getLogger("test")
        self.strict = strict
        self.cancel_at = cancel_at
        self.reports: list[dict[str, Any]] = []
        self.previews: list[Any] = []
        self.saved: list[tuple[Any, dict[str, Any]]] = []
        self.ignored_words: list[tuple[str, Any, str]] = []
        self.adjustments: list[tuple[str, Any, Any, str]] = []
        self.is_cancelled = False

    def fetch(self, url: str, **_: Any) -> FetchedFile:
        raise BackendError(f"No network in tests: {url}")

    def secret(self, name: str) -> str | None:
        return None

    def progress(self, stage: Any, fraction: float | None = None, message: str = "", **numbers: Any) -> None:
        self.reports.append({"stage": stage, "fraction": fraction, "message": message, **numbers})
        if self.cancel_at is not None and stage == "generating" and numbers.get("step", 0) >= self.cancel_at:
            self.is_cancelled = True
        if self.is_cancelled:
            raise JobCancelled

    def preview(self, image: Any) -> None:
        self.previews.append(image)

    def save(self, content: Any, *, kind: Any = "image", seed: int | None = None, **more: Any) -> Artifact:
        self.saved.append((content, {"kind": kind, "seed": seed, **more}))
        width, height = content.size if kind == "image" else (content.shape[2], content.shape[1])
        return Artifact(index=len(self.saved) - 1, kind=kind, width=width, height=height, seed=seed)

    def remember(self, **facts: Any) -> None:
        self.memory |= facts

    def on_cancel(self, callback: Any) -> None:
        if self.is_cancelled:
            callback()

    def wait(self, seconds: float) -> None:
        if self.is_cancelled:
            raise JobCancelled

    @property
    def cancelled(self) -> bool:
        return self.is_cancelled

    def ignored(self, field: str, value: Any, why: str) -> None:
        self.ignored_words.append((field, value, why))
        if self.strict:
            raise InvalidRequest(why, field=field)

    def adjusted(self, field: str, before: Any, after: Any, why: str) -> None:
        self.adjustments.append((field, before, after, why))
        if self.strict:
            raise InvalidRequest(why, field=field)
