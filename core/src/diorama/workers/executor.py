"""The seam between the queue and the places where backends run.

The runner of a lane hands a :class:`Task` and a :class:`TaskSink` to an :class:`Executor` and blocks until the call
returns or raises. What happens in between (a thread here, a worker process, another machine) is the executor's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from diorama.assets.staged import StagedOutput
from diorama.contract import AnyRequest, ModelInfo, Result, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call of one backend.

    Attributes:
        job_id: Id of the job.
        backend: Id of the backend.
        call: ``generate``, ``edit``, ``video``, ``upscale`` or ``download``.
        model: Catalog entry.
        request: Resolved request; ``None`` for downloads.
        lane: Lane it was scheduled on; for worker backends the device.
        work_dir: Existing empty folder on the data directory's file system; outputs are staged here.
        memory: Notes remembered in earlier attempts.
        strict: Whether ``context.ignored`` and ``context.adjusted`` raise.
        output_format: ``png``, ``jpeg``, ``webp``, ``mp4`` ... or ``None`` for the usual one.
        may_park: Whether :class:`JobParked` may end the call for a while; it is then made again with the same task.
    """

    job_id: str
    backend: str
    call: str
    model: ModelInfo
    request: AnyRequest | None
    lane: str
    work_dir: Path
    memory: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    output_format: str | None = None
    may_park: bool = False


class CancelToken(Protocol):
    """Tells that a job was cancelled. Thread-safe."""

    @property
    def cancelled(self) -> bool:
        """Whether it was."""

    def wait(self, seconds: float) -> bool:
        """Sleep up to ``seconds``; return True at once when cancelled."""

    def add_callback(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once when cancelled; at once if it already is."""


class TaskSink(Protocol):
    """The engine's end of a running job. All methods are thread-safe and cheap."""

    cancel: CancelToken

    def progress(
        self, stage: Stage, fraction: float | None, message: str, numbers: Mapping[str, Any]
    ) -> None:
        """Take a progress report."""

    def preview(self, data: bytes, mime: str) -> None:
        """Take an encoded small preview."""

    def staged(self, output: StagedOutput) -> None:
        """Take one finished output that lies in the job's ``work_dir``."""

    def remember(self, facts: Mapping[str, Any]) -> None:
        """Store notes durably before returning."""

    def quote(self, cost: Mapping[str, Any]) -> None:
        """Put what a provider asks in place of the estimate; raises when a cap would be passed."""

    def note(self, kind: str, field: str, before: Any, after: Any, why: str) -> None:
        """Record an ``ignored`` or ``adjusted`` value."""


class Executor(Protocol):
    """Runs tasks."""

    def lanes(self) -> tuple[str, ...]:
        """Devices that worker backends may run on, best first: ``("cuda:0", "cuda:1")`` or ``("cpu",)``."""

    def run(self, task: Task, sink: TaskSink) -> Result:
        """Run one call to its end.

        Raises:
            JobCancelled: it was cancelled.
            JobParked: it goes on after a while, by another call with the same task and sink.
            DioramaError: it failed; a worker that died is a retryable ``BackendError``.
        """

    def unload(self, backend: str, native_id: str | None = None) -> None:
        """Free the memory of one model or of all models of a backend, wherever they are loaded."""

    def loaded(self) -> Mapping[str, tuple[str, ...]]:
        """Models believed to be in memory, by lane; the scheduler prefers jobs of these."""

    def close(self) -> None:
        """Stop all workers; running calls end with ``JobCancelled``."""
