"""All that a backend sees of the engine while it works.

Services are hidden behind this one object on purpose: a backend runs equally in a thread of the server, in a worker
process, or on another machine, because nothing else of the engine is within its reach.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from diorama.contract.models import ModelInfo
from diorama.contract.results import Artifact, Cost, MediaKind

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

Stage = Literal["downloading", "loading_model", "generating", "saving"]
"""The part of a job that is going on; the words are those of the job's status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFile:
    """A file that :meth:`BaseContext.fetch` brought.

    Attributes:
        path: Where it lies; inside the job's work folder, removed with it.
        mime: Content type that the server claimed, lower case, without parameters.
        size: Bytes.
    """

    path: Path
    mime: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """Sound to be saved, or to be put into a video.

    Attributes:
        samples: float32 array of shape (channels, samples), one or two channels, values -1 to 1.
        sample_rate: Samples per second.
    """

    samples: Any
    sample_rate: int


if TYPE_CHECKING:
    Content = Image | np.ndarray[Any, Any] | bytes | Path | BinaryIO | Audio


class BaseContext(ABC):
    """What is offered in every call, listing included."""

    log: logging.Logger

    @abstractmethod
    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2 * 1024**3,
        timeout: float = 60.0,
    ) -> FetchedFile:
        """Download ``url`` through the engine's guarded door.

        Only http and https; private and loopback addresses are refused unless the user configured that host for this
        backend; redirects are checked again at each hop and headers are dropped when the host changes.

        Args:
            url: What to fetch.
            method: ``GET`` (the default) or ``HEAD``.
            headers: Sent to that host only. Keys belong here only for the provider's own API, never for storage hosts.
            max_bytes: Refused beyond this.
            timeout: Seconds without any data.

        Raises:
            InvalidRequest: the address is not allowed.
            BackendError: the server did not deliver (``retryable`` says whether trying again may help).
        """

    @abstractmethod
    def secret(self, name: str) -> str | None:
        """Return the user's secret ``name`` (such as ``api_key``) for this backend, or ``None`` when none is set."""


class JobContext(BaseContext):
    """What a job sees: progress out, results out, cancellation in.

    Attributes:
        job_id: Id of the job.
        model: Catalog entry of the model that runs.
        work_dir: An empty folder for this job, removed when it ends.
        device: ``cuda:0``, ``mps``, ``cpu`` for backends placed in a worker, else empty.
        memory: What :meth:`remember` kept, also from before a restart. ``released`` is true in it after a person released
            the job, which had been held because nobody knew whether it was bought.
        log: Logger whose lines carry the job's id.
    """

    job_id: str
    model: ModelInfo
    work_dir: Path
    device: str
    memory: Mapping[str, Any]

    @abstractmethod
    def progress(
        self, stage: Stage, fraction: float | None = None, message: str = "", **numbers: float | int | str
    ) -> None:
        """Report where the job is, and learn whether it goes on.

        Call it freely (each step, each block); reporting is cheap and is thinned out before anyone sees it.

        Args:
            stage: What is going on.
            fraction: Part of this stage that is done, 0 to 1; ``None`` when unknown.
            message: A short sentence for people. No secrets, no prompts.
            numbers: ``step``/``steps``, ``image``/``images``, ``frame``/``frames``, ``bytes_done``/``bytes_total``,
                ``bytes_per_second``, ``queue_position``, ``node``.

        Raises:
            JobCancelled: the job was cancelled; let it pass through after cleaning up.
        """

    @abstractmethod
    def preview(self, image: Content) -> None:
        """Show an unfinished picture (a Pillow image, an RGB uint8 array (H, W, 3), or encoded bytes)."""

    @abstractmethod
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
        """Hand over one output; outputs are numbered in the order of these calls.

        Args:
            content: A Pillow image, an array, :class:`Audio`, encoded bytes, the path of a file in ``work_dir``, or a
                binary stream.
                Arrays: uint8, RGB or RGBA, (H, W, C) for an image, (frames, H, W, 3) for a video.
                Encoded content is decoded and checked by the engine; its real type counts.
            kind: What it is.
            seed: Seed that made it.
            format: ``png``, ``jpeg``, ``webp``, ``mp4``, ``webm``, ``gif``, ``flac``, ``mp3``, ``ogg``, ``wav``, ``m4a``;
                ``None`` keeps the source's or the user's choice.
            fps: Frames per second; needed for arrays of a video.
            audio: Sound for a video given as an array.
            facts: Plain values for this output's recipe only.

        Raises:
            JobCancelled: the job was cancelled meanwhile; nothing is kept.
            BackendError: the content cannot be decoded.
        """

    @abstractmethod
    def remember(self, **facts: Any) -> None:
        """Store plain JSON values with the job, on disk before this returns.

        Remember a provider's request id *before* waiting on it: a restart finds it in :attr:`memory` and resumes.

        Raises:
            BackendError: they could not be stored. They are in :attr:`memory` all the same, and the engine writes them as
                soon as it can: what is bought already need not be given up.
        """

    def quote(self, cost: Cost) -> None:
        """Tell what this job will cost, known just before it is sent; it stands in place of the estimate.

        Raises:
            InvalidRequest: a cap on spending would be passed: send nothing.
        """

    @abstractmethod
    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` once, from another thread, when the job is cancelled; at once if it already is."""

    @abstractmethod
    def wait(self, seconds: float) -> None:
        """Sleep, but wake at once when cancelled.

        Raises:
            JobCancelled: the job was cancelled.
        """

    def pause(self, seconds: float) -> None:
        """Wait like :meth:`wait` for work that goes on elsewhere, without keeping a thread for it.

        The engine may end this call by :class:`JobParked`. After ``seconds``, or at once when the job is cancelled, it
        calls the hook again with the same request and the same context. So remember what is needed to go on before.
        Everything before the pause happens again; a result may have been saved only after the last pause.

        Raises:
            JobCancelled: the job was cancelled.
            JobParked: the hook is called again later.
        """
        self.wait(seconds)

    @property
    @abstractmethod
    def cancelled(self) -> bool:
        """Whether the job was cancelled; for native code that polls a flag."""

    @abstractmethod
    def ignored(self, field: str, value: Any, why: str) -> None:
        """Tell the user that ``value`` of ``field`` had no effect.

        Raises:
            InvalidRequest: the request was strict.
        """

    @abstractmethod
    def adjusted(self, field: str, before: Any, after: Any, why: str) -> None:
        """Tell the user that ``field`` ran with another value than asked.

        Raises:
            InvalidRequest: the request was strict.
        """


class ListContext(BaseContext):
    """What :func:`list_models` sees.

    Attributes:
        refresh: True when the user asked for fresh data; caches should be passed by.
        offline: True when no network may be tried.
    """

    refresh: bool
    offline: bool
