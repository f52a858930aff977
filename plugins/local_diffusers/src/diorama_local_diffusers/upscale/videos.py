"""Upscaling a video frame by frame: decoding, enlarging and encoding overlap, and only a few frames are in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any

from diorama.contract import BackendError, JobCancelled, JobContext

from diorama_local_diffusers.upscale.pictures import Upscaler

H264 = {"crf": "17", "preset": "veryfast"}
"""As for videos that models make. Slower presets keep dozens of frames back until the last one has come, and only then begin."""
WAITING = 4
"""Most frames that wait between two stages."""
COPIED_AUDIO = frozenset({"aac", "mp3", "ac3", "alac"})
"""Sound that MP4 takes as it is; other sound is encoded to AAC."""
_END = object()


def upscale_video(upscaler: Upscaler, source: Path, target: Path, scale: float, context: JobContext) -> int:
    """Write ``target`` (MP4, H.264) with every frame of ``source`` enlarged and its sound kept.

    Returns:
        The number of frames.

    Raises:
        BackendError: the source is no video.
        JobCancelled: the job was cancelled; the target is incomplete.
    """
    import av

    stop = threading.Event()
    frames: Queue[Any] = Queue(WAITING)
    made: Queue[Any] = Queue(WAITING)
    with av.open(str(source)) as container:
        if not container.streams.video:
            raise BackendError(f"{source.name} has no picture.")
        stream = container.streams.video[0]
        rate = stream.average_rate or stream.guessed_rate or Fraction(25)
        total = stream.frames or (
            round(float(container.duration / av.time_base * rate)) if container.duration else 0
        )
    with (
        _thread(_decode, source, frames, stop) as decoder,
        _thread(_encode, source, target, rate, made, stop) as encoder,
    ):
        try:
            done = _enlarge_all(upscaler, frames, made, scale, total, context, (decoder, encoder))
            _put(made, _END, stop)
        except BaseException:
            stop.set()
            raise
    for worker in (decoder, encoder):
        if worker.error is not None:
            raise BackendError(f"The video could not be written: {worker.error}.") from worker.error
    return done


def _enlarge_all(
    upscaler: Upscaler,
    frames: Queue[Any],
    made: Queue[Any],
    scale: float,
    total: int,
    context: JobContext,
    workers: Any,
) -> int:
    import numpy as np
    from PIL import Image

    done = 0

    def told(tile: int, tiles: int) -> None:
        if context.cancelled:
            raise JobCancelled

    while True:
        try:
            frame = frames.get(timeout=0.2)
        except Empty:
            told(0, 1)
            if any(worker.error is not None for worker in workers):
                return done
            continue
        if frame is _END:
            return done
        context.progress(
            "generating",
            min(done / total, 1.0) if total else None,
            frame=done + 1,
            frames=max(total, done + 1),
        )
        image = upscaler.picture(Image.fromarray(frame), scale, told)
        even = (image.width + image.width % 2, image.height + image.height % 2)
        pixels = np.asarray(image if image.size == even else image.resize(even))
        while not _offer(made, pixels):
            told(0, 1)
            if any(worker.error is not None for worker in workers):
                return done
        done += 1


def _decode(source: Path, frames: Queue[Any], stop: threading.Event) -> None:
    import av

    with av.open(str(source)) as container:
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            if not _put(frames, frame.to_ndarray(format="rgb24"), stop):
                return
    _put(frames, _END, stop)


def _encode(source: Path, target: Path, rate: Fraction, made: Queue[Any], stop: threading.Event) -> None:
    import av

    with (
        av.open(str(source)) as sounds,
        av.open(str(target), "w", options={"movflags": "+faststart"}) as container,
    ):
        picture = sound = None
        while (pixels := _get(made, stop)) is not _END:
            if picture is None:
                picture = container.add_stream("libx264", rate=rate, options=H264)
                picture.width, picture.height, picture.pix_fmt = pixels.shape[1], pixels.shape[0], "yuv420p"
                sound = _sound_stream(sounds, container)
            container.mux(picture.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        if picture is None or stop.is_set():
            return
        container.mux(picture.encode())
        if sound is not None:
            _copy_sound(sounds, container, sound)


def _sound_stream(sounds: Any, container: Any) -> Any:
    if not sounds.streams.audio:
        return None
    source = sounds.streams.audio[0]
    if source.codec_context.name in COPIED_AUDIO:
        return container.add_stream_from_template(source)
    return container.add_stream("aac", rate=source.codec_context.sample_rate)


def _copy_sound(sounds: Any, container: Any, stream: Any) -> None:
    source = sounds.streams.audio[0]
    if source.codec_context.name in COPIED_AUDIO:
        for packet in sounds.demux(source):
            if packet.dts is not None:
                packet.stream = stream
                container.mux(packet)
        return
    for frame in sounds.decode(source):
        container.mux(stream.encode(frame))
    container.mux(stream.encode())


class _Worker(threading.Thread):
    """A thread that keeps what went wrong in it."""

    def __init__(self, work: Any, *arguments: Any) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._arguments = arguments
        self.error: BaseException | None = None

    def run(self) -> None:
        """Do the work."""
        try:
            self._work(*self._arguments)
        except Exception as error:
            self.error = error


@contextmanager
def _thread(work: Any, *arguments: Any) -> Iterator[_Worker]:
    worker = _Worker(work, *arguments)
    worker.start()
    try:
        yield worker
    finally:
        worker.join()


def _offer(queue: Queue[Any], item: Any) -> bool:
    try:
        queue.put(item, timeout=0.2)
    except Full:
        return False
    return True


def _put(queue: Queue[Any], item: Any, stop: threading.Event) -> bool:
    while not stop.is_set():
        if _offer(queue, item):
            return True
    return False


def _get(queue: Queue[Any], stop: threading.Event) -> Any:
    while not stop.is_set():
        try:
            return queue.get(timeout=0.2)
        except Empty:
            continue
    return _END
