"""Video files: writing frames, reading facts. Frames pass one by one, never all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets.decoding import Undecodable, check_pixels
from diorama.assets.formats import Format
from diorama.assets.opening import open_media
from diorama.assets.sound_writing import AAC_RATES, SoundTrack
from diorama.contract import Audio
from diorama.settings import LimitSettings

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image

_CODECS: dict[str, tuple[str, dict[str, str], str, tuple[int, ...]]] = {
    # container: video codec, its options, audio codec, its sample rates
    "mp4": ("libx264", {"crf": "17", "preset": "veryfast"}, "aac", AAC_RATES),
    "webm": (
        "libvpx-vp9",
        {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
        "libopus",
        (48000,),
    ),
}
_BT709 = 1  # the colour space that players assume for HD; we say it in the file


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """What a video file is.

    Attributes:
        width: Pixels, upright.
        height: Pixels, upright.
        duration: Seconds.
        fps: Frames per second.
        frames: Number of frames.
        has_audio: Whether there is a sound track.
        poster: The first frame, upright, RGB.
    """

    width: int
    height: int
    duration: float
    fps: float
    frames: int
    has_audio: bool
    poster: Image


def read_video(path: Path, found: Format, limits: LimitSettings) -> VideoFacts:
    """Check a video and return its facts; only its first frame is decoded.

    Raises:
        Undecodable: it cannot be read, has no pictures, or is beyond the limits.
    """
    try:
        with open_media(path, found, most_pixels=limits.image_pixels) as container:
            if not container.streams.video:
                raise Undecodable("It has no pictures.")
            stream = container.streams.video[0]
            check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
            poster, rotation = _first_frame(container)
            fps = float(stream.average_rate or stream.guessed_rate or 0) or 1.0
            container.seek(0)
            frames, seconds = _count_packets(container, stream, limits)
            has_audio = bool(container.streams.audio)
    except Undecodable:
        raise
    except Exception as error:
        raise Undecodable(
            f"It looks like {found.name} but cannot be decoded ({type(error).__name__})."
        ) from error
    if rotation:
        poster = poster.rotate(rotation, expand=True)
    return VideoFacts(
        width=poster.width, height=poster.height, duration=seconds or frames / fps, fps=fps, frames=frames,
        has_audio=has_audio, poster=poster,
    )  # fmt: skip


def _first_frame(container: Any) -> tuple[Image, int]:
    for frame in container.decode(video=0):
        image: Image = frame.to_image()
        return image, int(getattr(frame, "rotation", 0) or 0)
    raise Undecodable("It has no pictures.")


def _count_packets(container: Any, stream: Any, limits: LimitSettings) -> tuple[int, float]:
    frames, end = 0, 0.0
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        frames += 1
        if frames > limits.video_frames:
            raise Undecodable(f"It has more than {limits.video_frames} frames.")
        if packet.pts is not None:
            end = max(end, float((packet.pts + (packet.duration or 0)) * stream.time_base))
    return frames, end


def write_video(
    frames: Iterable[np.ndarray[Any, Any]], path: Path, *, format: str, fps: float, audio: Audio | None
) -> int:
    """Encode RGB frames, uint8 (H, W, 3) and all of one size, and return how many there were.

    Odd sizes grow by one pixel, repeating the edge, since 4:2:0 colour needs even ones.

    Args:
        frames: Taken one by one.
        path: File to write.
        format: ``mp4`` (H.264, AAC, starts playing before it is loaded) or ``webm`` (VP9, Opus).
        fps: Frames per second.
        audio: Sound track.
    """
    import av

    codec, options, sound, rates = _CODECS[format]
    rate = Fraction(fps).limit_denominator(1001)
    count = 0
    with av.open(
        str(path), "w", format=format, options={"movflags": "+faststart"} if format == "mp4" else {}
    ) as container:
        video: Any = container.add_stream(codec, rate=rate, options=options)
        track = SoundTrack(container, sound, rates, audio) if audio is not None else None
        for count, pixels in enumerate(frames, start=1):
            even = _even(pixels)
            if count == 1:
                _describe(video, even)
            container.mux(video.encode(_frame(even)))
            if track:
                track.write_until(count / float(rate))
        container.mux(video.encode(None))
        if track:
            track.finish()
    return count


def _describe(stream: Any, pixels: np.ndarray[Any, Any]) -> None:
    context = stream.codec_context
    context.height, context.width = pixels.shape[:2]
    context.pix_fmt = "yuv420p"
    context.colorspace = context.color_primaries = context.color_trc = _BT709
    context.color_range = 1  # limited, as everybody expects of 4:2:0


def _frame(pixels: np.ndarray[Any, Any]) -> Any:
    import av

    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")


def _even(pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        return np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(pixels)


def iterate_frames(path: Path, found: Format) -> Iterator[np.ndarray[Any, Any]]:
    """Decode a video frame by frame as RGB, uint8 (H, W, 3)."""
    with open_media(path, found) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="rgb24")


def remux(
    source: Path,
    found: Format,
    target: Path,
    container: str,
    metadata: dict[str, str] | None = None,
    *,
    keep: bool = True,
) -> None:
    """Copy a video's streams into an MP4 or WebM file without touching a picture.

    Args:
        source: The video.
        found: Its format.
        target: New file.
        container: ``mp4`` or ``webm``.
        metadata: Container tags to set besides those that are there.
        keep: Whether the tags that are there stay.

    Raises:
        ValueError: the container cannot hold what is in the video, or the video is damaged.
    """
    import av

    options = {"movflags": "+faststart"} if container == "mp4" else {}
    try:
        with (
            open_media(source, found) as old,
            av.open(str(target), "w", format=container, options=options) as new,
        ):
            new.metadata.update((old.metadata if keep else {}) | (metadata or {}))
            wanted = (*old.streams.video[:1], *old.streams.audio[:1])
            streams = {stream.index: new.add_stream_from_template(stream) for stream in wanted}
            for packet in old.demux(wanted):
                if packet.size == 0:
                    continue  # the end of a stream
                if packet.dts is None:
                    raise ValueError("a picture has no decoding time")
                packet.stream = streams[packet.stream.index]
                new.mux(packet)
    except (OSError, ValueError, av.FFmpegError) as error:
        raise ValueError(f"the video cannot be copied into {container} ({error})") from error
