"""Contexts that record instead of storing, for tests of a backend without an engine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract import (
    Artifact,
    Audio,
    BackendError,
    BaseContext,
    Cost,
    FetchedFile,
    InvalidRequest,
    JobCancelled,
    JobContext,
    ListContext,
    MediaKind,
    ModelInfo,
    Stage,
)

if TYPE_CHECKING:
    from PIL.Image import Image

Fetcher = Callable[[str, Mapping[str, str]], FetchedFile]


@dataclass
class Saved:
    """One output that a backend handed over.

    Attributes:
        artifact: What ``save`` returned.
        image: The decoded picture; of a video the first frame, ``None`` for sound.
        frames: Number of frames of a video.
        fps: Frames per second of a video.
        audio: Sound given with an array; of a sound the decoded samples.
        facts: Facts of this output.
    """

    artifact: Artifact
    image: Image | None = None
    frames: int = 1
    fps: float | None = None
    audio: Audio | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class _Recording(BaseContext):
    def __init__(self, *, secrets: Mapping[str, str] | None = None, fetcher: Fetcher | None = None) -> None:
        self.log = logging.getLogger("diorama.testing")
        self._secrets = dict(secrets or {})
        self._fetcher = fetcher

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2 * 1024**3,
        timeout: float = 60.0,
    ) -> FetchedFile:
        """Answer from the given fetcher; without one there is no network."""
        if self._fetcher is None:
            raise BackendError("There is no network in this test.")
        return self._fetcher(url, headers or {})

    def secret(self, name: str) -> str | None:
        """Answer from the given secrets."""
        return self._secrets.get(name)


class RecordingListContext(_Recording, ListContext):
    """A list context: offline, with the given secrets."""

    def __init__(
        self,
        *,
        refresh: bool = False,
        offline: bool = True,
        secrets: Mapping[str, str] | None = None,
        fetcher: Fetcher | None = None,
    ) -> None:
        super().__init__(secrets=secrets, fetcher=fetcher)
        self.refresh = refresh
        self.offline = offline


class RecordingJobContext(_Recording, JobContext):
    """A job context that keeps all it is told.

    Args:
        model: The catalog entry that runs.
        work_dir: An existing empty folder.
        memory: What an earlier attempt remembered.
        secrets: Values for ``secret``.
        fetcher: Answers ``fetch``; without one there is no network.
        strict: Whether ``ignored`` and ``adjusted`` raise.
        cancel_after: Cancel at this many progress reports; 0 before the first one.
        device: Device of the worker.

    Attributes:
        outputs: What was saved, in order.
        reports: ``(stage, fraction, message, numbers)`` in order.
        previews: Number of previews.
        notes: ``(kind, field, before, after, why)`` of ignored and adjusted values.
        quotes: What was said about its cost before it was sent.
        cap: Most that a quote may ask; ``None`` for any.
    """

    def __init__(
        self,
        model: ModelInfo,
        work_dir: Path,
        *,
        memory: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
        fetcher: Fetcher | None = None,
        strict: bool = False,
        cancel_after: int | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(secrets=secrets, fetcher=fetcher)
        self.job_id = "0" * 26
        self.model = model
        self.work_dir = work_dir
        self.device = device
        self.memory = dict(memory or {})
        self.outputs: list[Saved] = []
        self.reports: list[tuple[str, float | None, str, dict[str, Any]]] = []
        self.previews = 0
        self.notes: list[tuple[str, str, Any, Any, str]] = []
        self.quotes: list[Cost] = []
        self.cap: float | None = None
        self._strict = strict
        self._cancel_after = cancel_after
        self._cancel = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Cancel the job, as a user would."""
        self._cancel.set()
        for callback in self._callbacks:
            callback()
        self._callbacks.clear()

    def progress(
        self, stage: Stage, fraction: float | None = None, message: str = "", **numbers: float | int | str
    ) -> None:
        """Record a report."""
        self.reports.append((stage, fraction, message, dict(numbers)))
        if (
            self._cancel_after is not None
            and len(self.reports) > self._cancel_after
            and not self._cancel.is_set()
        ):
            self.cancel()
        self._stop_if_cancelled()

    def preview(self, image: Any) -> None:
        """Count a preview, after making sure that it can be shown."""
        decode(image)
        self.previews += 1

    def save(
        self,
        content: Any,
        *,
        kind: MediaKind = "image",
        seed: int | None = None,
        format: str | None = None,
        fps: float | None = None,
        audio: Audio | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Artifact:
        """Decode and keep an output."""
        self._stop_if_cancelled()
        image: Image | None
        if kind == "audio":
            image, frames, audio = None, 1, decode_sound(content)
        else:
            image, frames = decode_video(content) if kind == "video" else (decode(content), 1)
        size = image.size if image is not None else (0, 0)
        artifact = Artifact(index=len(self.outputs), kind=kind, width=size[0], height=size[1], seed=seed)
        self.outputs.append(
            Saved(
                artifact=artifact, image=image, frames=frames, fps=fps, audio=audio, facts=dict(facts or {})
            )
        )
        return artifact

    def remember(self, **facts: Any) -> None:
        """Keep notes; they must be plain JSON."""
        from diorama.contract.plain import dumps

        dumps(facts)
        self.memory = {**self.memory, **facts}

    def quote(self, cost: Cost) -> None:
        """Keep a quote; raise like the engine when it is above :attr:`cap`."""
        if self.cap is not None and cost.amount > self.cap:
            raise InvalidRequest("A cap would be passed.", field="spending.per_job", fix="Ask for less.")
        self.quotes.append(cost)

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Keep the callback, or call it when already cancelled."""
        if self._cancel.is_set():
            callback()
        else:
            self._callbacks.append(callback)

    def wait(self, seconds: float) -> None:
        """Sleep until cancelled."""
        self._cancel.wait(seconds)
        self._stop_if_cancelled()

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self._cancel.is_set()

    def ignored(self, field: str, value: Any, why: str) -> None:
        """Record an ignored value."""
        self._note("ignored", field, value, None, why)

    def adjusted(self, field: str, before: Any, after: Any, why: str) -> None:
        """Record an adjusted value."""
        self._note("adjusted", field, before, after, why)

    def _note(self, kind: str, field: str, before: Any, after: Any, why: str) -> None:
        if self._strict:
            raise InvalidRequest(why, field=field)
        self.notes.append((kind, field, before, after, why))

    def _stop_if_cancelled(self) -> None:
        if self._cancel.is_set():
            raise JobCancelled


def decode(content: Any) -> Image:
    """Return the picture in ``content``: a Pillow image, an array, bytes, a path or a stream.

    Raises:
        BackendError: it is no picture.
    """
    import io

    import numpy as np
    from PIL import Image as Pillow

    if isinstance(content, Pillow.Image):
        return content.copy()
    if isinstance(content, np.ndarray):
        return Pillow.fromarray(content)
    try:
        with Pillow.open(io.BytesIO(content) if isinstance(content, bytes) else content) as opened:
            opened.load()
            return opened.copy()
    except OSError as error:
        raise BackendError("The content is no picture.") from error


def decode_video(content: Any) -> tuple[Image | None, int]:
    """Return the first frame and the number of frames of a video given as array, bytes, path or stream."""
    import io

    import numpy as np
    from PIL import Image as Pillow

    if isinstance(content, np.ndarray):
        return Pillow.fromarray(content[0]), len(content)
    import av

    source: Any = io.BytesIO(content) if isinstance(content, bytes) else content
    with av.open(str(source) if isinstance(source, Path) else source) as container:
        frames = 0
        first = None
        for frame in container.decode(video=0):
            first = first or frame.to_image()
            frames += 1
    return first, frames


def decode_sound(content: Any) -> Audio:
    """Return the samples of a sound given as :class:`diorama.contract.Audio`, bytes, path or stream.

    Raises:
        BackendError: it is no sound.
    """
    import io

    import numpy as np

    if isinstance(content, Audio):
        samples = np.atleast_2d(np.asarray(content.samples, dtype=np.float32))
        if samples.ndim != 2 or samples.shape[0] not in (1, 2) or not samples.size or content.sample_rate < 1:
            raise BackendError(f"Sound is (1 or 2 channels, samples), not {samples.shape}.")
        return Audio(samples=samples, sample_rate=content.sample_rate)
    import av

    source: Any = io.BytesIO(content) if isinstance(content, bytes) else content
    try:
        with av.open(str(source) if isinstance(source, Path) else source) as container:
            stream = container.streams.audio[0]
            resampler = av.AudioResampler(format="fltp")
            parts = [
                out.to_ndarray() for frame in container.decode(stream) for out in resampler.resample(frame)
            ]
            return Audio(samples=np.concatenate(parts, axis=1), sample_rate=stream.codec_context.sample_rate)
    except (OSError, ValueError, IndexError) as error:
        raise BackendError("The content is no sound.") from error
