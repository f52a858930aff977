"""What a backend sees of its job, in a thread of the server and in a worker process alike."""

from __future__ import annotations

import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from diorama.access.fetch import SafeFetch
from diorama.access.lines import Lines
from diorama.contract import (
    Artifact,
    Audio,
    Cost,
    FetchedFile,
    InvalidRequest,
    JobCancelled,
    JobContext,
    JobParked,
    MediaKind,
    Stage,
    to_plain,
)
from diorama.settings import Settings
from diorama.workers.executor import CancelToken, Task, TaskSink
from diorama.workers.saver import Saver
from diorama.workers.thinning import Thinner

if TYPE_CHECKING:
    from diorama.assets.staged import StagedOutput
    from diorama.contract.context import Content

_PROGRESS_GAP = 0.05
"""Seconds between two reports with the same words; who shows them thins them out further."""
_PREVIEW_GAP = 0.2
_WORTH_PARKING = 0.01
"""Seconds below which sleeping costs less than coming back."""
_CALLBACK_PATIENCE = 5.0
"""Seconds that the end of a job waits for cancel callbacks, such as a provider being told."""
_VIDEO_FORMATS = ("mp4", "webm", "gif")
_SOUND_FORMATS = ("flac", "mp3", "ogg", "opus", "oga", "wav", "m4a")


class LocalJobContext(JobContext):
    """The context of one call. Use as a context manager: leaving it ends the saver thread.

    Args:
        task: The call.
        sink: The engine's end.
        settings: Settings in force.
        secret: Looks up ``(backend id, name)``.
        device: Device of the worker process, empty in the server.
        cancel: Token to obey; the sink's when ``None``.
        lines: Connections for downloads, where they are shared with other jobs.
    """

    def __init__(
        self,
        task: Task,
        sink: TaskSink,
        settings: Settings,
        secret: Callable[[str, str], str | None],
        *,
        device: str = "",
        cancel: CancelToken | None = None,
        lines: Lines | None = None,
    ) -> None:
        self.job_id = task.job_id
        self.model = task.model
        self.work_dir = task.work_dir
        self.device = device
        self.memory = dict(task.memory)
        self.log = _job_logger(task)
        self.saved = 0
        self._task, self._sink, self._settings, self._secret = task, sink, settings, secret
        self._cancel = sink.cancel if cancel is None else cancel
        self._fetch = SafeFetch(settings, task.backend, lines=lines)
        self._saver = Saver(sink.staged, lambda: self._cancel.cancelled)
        self._callbacks: list[threading.Thread] = []
        self._thinner = Thinner(_PROGRESS_GAP)
        self._reported: tuple[Stage | None, str] = (None, "")
        self._previewed = 0.0

    def __enter__(self) -> LocalJobContext:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.cancelled:
            self._thinner.drop()
        self._thinner.flush()
        self._saver.close()
        for thread in self._callbacks:
            thread.join(_CALLBACK_PATIENCE)

    def check(self) -> None:
        """Raise :class:`JobCancelled` when the job was cancelled."""
        if self._cancel.cancelled:
            raise JobCancelled

    def finish(self) -> None:
        """Wait until every output is staged and delivered, and raise what went wrong with one."""
        if self._saver.busy:
            self._thinner.send(partial(self._sink.progress, "saving", None, "", {}))
        self._saver.finish()
        self.check()

    # --- BaseContext ---

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2 * 1024**3,
        timeout: float = 60.0,
    ) -> FetchedFile:
        """See :meth:`diorama.contract.BaseContext.fetch`."""
        return self._fetch.fetch(
            url,
            work_dir=self.work_dir,
            method=method,
            headers=headers,
            max_bytes=max_bytes,
            timeout=timeout,
            cancel=self._cancel,
        )

    def secret(self, name: str) -> str | None:
        """See :meth:`diorama.contract.BaseContext.secret`."""
        return self._secret(self._task.backend, name)

    # --- JobContext ---

    def progress(
        self, stage: Stage, fraction: float | None = None, message: str = "", **numbers: float | int | str
    ) -> None:
        """See :meth:`diorama.contract.JobContext.progress`."""
        self.check()
        if fraction is not None:
            fraction = None if math.isnan(fraction) else min(max(float(fraction), 0.0), 1.0)
        report = partial(self._sink.progress, stage, fraction, message, numbers)
        last = "steps" in numbers and numbers.get("step") == numbers["steps"]
        known, self._reported = self._reported, (stage, message)
        if (stage, message) == known and not last:
            self._thinner.offer(report)
        else:
            self._thinner.send(report)

    def preview(self, image: Content) -> None:
        """See :meth:`diorama.contract.JobContext.preview`. One that cannot be encoded is logged and left out."""
        from diorama.assets.staging import encode_preview

        self.check()
        now = time.monotonic()
        if now - self._previewed < _PREVIEW_GAP:
            return
        self._previewed = now
        try:
            data, mime = encode_preview(image)
        except Exception:
            self.log.warning("A preview could not be encoded", exc_info=True)
            return
        self._sink.preview(data, mime)

    def save(
        self,
        content: Content,
        *,
        kind: MediaKind = "image",
        seed: int | None = None,
        format: str | None = None,
        fps: float | None = None,
        audio: Audio | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """See :meth:`diorama.contract.JobContext.save`. Pixels of an image are encoded in the background."""
        from diorama.assets.staging import (
            stage,
        )  # here and not in the saver's thread: imports there would race ours

        self.check()
        index, self.saved = self.saved, self.saved + 1
        size = _pixel_size(content) if kind == "image" else None
        if size is not None:
            content = content.copy()  # type: ignore[union-attr]  # the backend may draw the next one over it
        chosen = format or self._format(kind, pixels=size is not None)

        def work() -> StagedOutput:
            return stage(
                content,
                index=index,
                kind=kind,
                work_dir=self.work_dir,
                format=chosen,
                seed=seed,
                fps=fps,
                audio=audio,
                facts=facts,
                limits=self._settings.limits,
            )

        if size is not None:
            self._saver.submit(work)
            return Artifact(index=index, kind=kind, width=size[0], height=size[1], seed=seed)
        output = self._saver.now(work)
        if output is None:
            raise JobCancelled
        return Artifact(index=index, kind=output.kind, width=output.width, height=output.height, seed=seed)

    def remember(self, **facts: Any) -> None:
        """See :meth:`diorama.contract.JobContext.remember`."""
        self.memory = {**self.memory, **facts}
        self._sink.remember(facts)

    def quote(self, cost: Cost) -> None:
        """See :meth:`diorama.contract.JobContext.quote`."""
        self.check()
        self._sink.quote(to_plain(cost))

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """See :meth:`diorama.contract.JobContext.on_cancel`."""

        def guarded() -> None:
            try:
                callback()
            except Exception:
                self.log.warning("A cancel callback failed", exc_info=True)

        def start() -> None:
            # A thread of its own: the callback may talk to a provider, and who cancels must not wait for that.
            thread = threading.Thread(target=guarded, name="on-cancel", daemon=True)
            thread.start()
            self._callbacks.append(thread)

        # The job's own token, and not the call's: when the engine closes, what a provider is at work on is left to it.
        self._sink.cancel.add_callback(start)

    def wait(self, seconds: float) -> None:
        """See :meth:`diorama.contract.JobContext.wait`."""
        if self._cancel.wait(max(seconds, 0.0)):
            raise JobCancelled

    def pause(self, seconds: float) -> None:
        """See :meth:`diorama.contract.JobContext.pause`."""
        self.check()
        if self._task.may_park and seconds >= _WORTH_PARKING and not self._saver.busy:
            raise JobParked(seconds)
        self.wait(seconds)

    @property
    def cancelled(self) -> bool:
        """See :attr:`diorama.contract.JobContext.cancelled`."""
        return self._cancel.cancelled

    def ignored(self, field: str, value: Any, why: str) -> None:
        """See :meth:`diorama.contract.JobContext.ignored`."""
        self._refuse_if_strict(field, why)
        self._sink.note("ignored", field, value, None, why)

    def adjusted(self, field: str, before: Any, after: Any, why: str) -> None:
        """See :meth:`diorama.contract.JobContext.adjusted`."""
        self._refuse_if_strict(field, why)
        self._sink.note("adjusted", field, before, after, why)

    def _refuse_if_strict(self, field: str, why: str) -> None:
        if self._task.strict:
            raise InvalidRequest(
                why or f"The value of {field!r} cannot be used as it is.",
                field=field,
                fix="Change the value, or send the request without strict.",
            )

    def _format(self, kind: MediaKind, *, pixels: bool) -> str | None:
        """The user's choice where it fits the kind; encoded content keeps its own format otherwise."""
        asked = self._task.output_format
        if kind == "video":
            return asked if asked in _VIDEO_FORMATS else None
        if kind == "audio":
            return asked if asked in _SOUND_FORMATS else None
        if asked and asked not in ("mp4", "webm", *_SOUND_FORMATS):
            return asked
        return self._settings.output_format if pixels else None


def _pixel_size(content: Any) -> tuple[int, int] | None:
    """Return width and height of a Pillow image or an array, or ``None`` for anything encoded."""
    image_type = getattr(sys.modules.get("PIL.Image"), "Image", None)
    if image_type is not None and isinstance(content, image_type):
        width, height = content.size
        return int(width), int(height)
    array_type = getattr(sys.modules.get("numpy"), "ndarray", None)
    if array_type is not None and isinstance(content, array_type) and content.ndim in (2, 3):
        return int(content.shape[1]), int(content.shape[0])
    return None


def _job_logger(task: Task) -> logging.Logger:
    """Return a logger of this job alone. It is not registered, so that it goes away with the job."""
    logger = logging.Logger(f"diorama.jobs.{task.backend}.{task.job_id}")
    logger.parent = logging.getLogger("diorama.jobs")
    return logger
