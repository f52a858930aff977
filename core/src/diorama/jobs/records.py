"""The job as everybody sees it: the ledger's row, the API's answer, the scheduler's unit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class JobStatus(StrEnum):
    """Where a job stands; the first five words are also the stages a backend reports."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    LOADING_MODEL = "loading_model"
    GENERATING = "generating"
    SAVING = "saving"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when nothing more will happen to the job."""
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class JobKind(StrEnum):
    """What the job does; the first four are the operations of the contract."""

    GENERATE = "generate"
    EDIT = "edit"
    VIDEO = "video"
    UPSCALE = "upscale"
    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One line of *nothing is dropped silently*.

    Attributes:
        field: Request field.
        before: What was asked.
        after: What ran instead; ``None`` in ``ignored``.
        why: One sentence.
    """

    field: str
    before: Any = None
    after: Any = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work.

    Attributes:
        id: Server-made, sorts by time of creation.
        kind: See :class:`JobKind`.
        model: Full model id.
        lane: Where it runs: a device (``cpu``, ``cuda:0``) or a backend id.
        request: The resolved contract request as plain values (empty for downloads).
        asked: The submission as it came, plain values, so that a retry starts from it.
        status: See :class:`JobStatus`.
        progress: 0 to 100, never falling.
        message: Short sentence about what is going on.
        numbers: Latest ``step``/``steps`` and so on.
        eta_seconds: Estimated seconds to the end.
        priority: Higher runs earlier; 0 is usual.
        position: Order among jobs of one priority, lower first; given by the queue, changed by moving.
        owner: Identity that submitted it; empty for the person at this machine.
        session_id: Conversation or session it belongs to.
        batch_id: Groups jobs that were submitted together.
        idempotency_key: Given by the client; a second submission with it returns the first job.
        strict: Whether adjusting or ignoring a value is an error.
        held: True while it must not start; ``wait_reason`` says why.
        wait_reason: Why it has not started.
        queue_position: Place in its lane while queued, from 1; not stored.
        attempt: How often it was started.
        retry_of: Job that this one repeats.
        error: :meth:`DioramaError.describe` of what failed.
        applied: Values that ran as asked or by default.
        adjusted: Values that were changed.
        ignored: Values without effect.
        memory: What the backend remembered.
        asset_ids: Outputs, in order; filled when completed.
        cost: ``{"amount", "currency", "estimated"}`` or ``None``.
        timings: Seconds per stage, once finished.
        created_at: Unix seconds.
        started_at: Unix seconds.
        finished_at: Unix seconds.
        revision: Grows as a run goes on: of two views of a live job, the higher is the newer; not stored.
    """

    id: str
    kind: JobKind
    model: str
    lane: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    asked: Mapping[str, Any] = field(default_factory=dict)
    status: JobStatus = JobStatus.QUEUED
    progress: float = 0.0
    message: str = ""
    numbers: Mapping[str, Any] = field(default_factory=dict)
    eta_seconds: float | None = None
    priority: int = 0
    position: float = 0.0
    owner: str = ""
    session_id: str | None = None
    batch_id: str | None = None
    idempotency_key: str | None = None
    strict: bool = False
    held: bool = False
    wait_reason: str | None = None
    queue_position: int | None = None
    attempt: int = 0
    retry_of: str | None = None
    error: Mapping[str, Any] | None = None
    applied: Mapping[str, Any] = field(default_factory=dict)
    adjusted: tuple[Note, ...] = ()
    ignored: tuple[Note, ...] = ()
    memory: Mapping[str, Any] = field(default_factory=dict)
    asset_ids: tuple[str, ...] = ()
    cost: Mapping[str, Any] | None = None
    timings: Mapping[str, float] = field(default_factory=dict)
    created_at: float = 0.0
    started_at: float | None = None
    finished_at: float | None = None
    revision: int = field(default=0, compare=False)
