"""Writing sound files: samples, another format, or the same packets in another container. Frames pass one by one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from diorama.assets.formats import Format
from diorama.assets.opening import open_media
from diorama.assets.sound import COVER_PIXELS, MAX_RATE
from diorama.contract import Audio

AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
"""Samples per second that AAC knows."""
_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_USUAL_RATE = 48000


@dataclass(frozen=True, slots=True)
class _Codec:
    """How a format is written: FFmpeg's container and encoder, the sample rates it takes (empty: any), bits a second."""

    container: str
    encoder: str
    rates: tuple[int, ...] = ()
    bit_rate: int | None = None


_CODECS: dict[str, _Codec] = {
    "flac": _Codec("flac", "flac"),
    "mp3": _Codec("mp3", "libmp3lame", _MP3_RATES, 256_000),
    "ogg": _Codec("ogg", "libopus", (48000,), 160_000),
    "wav": _Codec("wav", "pcm_s16le"),
    "m4a": _Codec("ipod", "aac", AAC_RATES, 256_000),
}


class SoundTrack:
    """Samples on their way into a container; beside pictures they are written in step, so that the file is interleaved.

    Args:
        container: Opened for writing.
        stream: Its track of sound.
        audio: float samples of shape (1 or 2 channels, samples).

    Raises:
        ValueError: the samples have another shape.
    """

    def __init__(self, container: Any, codec: str, rates: tuple[int, ...], audio: Audio) -> None:
        import numpy as np

        samples = np.asarray(audio.samples, dtype=np.float32)
        samples = samples[None, :] if samples.ndim == 1 else samples
        if samples.ndim != 2 or samples.shape[0] not in (1, 2):
            raise ValueError(f"sound must be (1 or 2 channels, samples), not {samples.shape}")
        self._samples = np.clip(np.nan_to_num(samples), -1.0, 1.0)
        self._rate = int(audio.sample_rate)
        self._layout = "mono" if samples.shape[0] == 1 else "stereo"
        self._done = 0
        self._container = container
        self.stream = container.add_stream(codec, rate=nearest_rate(self._rate, rates), layout=self._layout)

    def write_until(self, seconds: float) -> None:
        """Write the samples up to this time."""
        self._write(min(int(seconds * self._rate), self._samples.shape[1]))

    def finish(self) -> None:
        """Write the rest."""
        while self._done < self._samples.shape[1]:
            self._write(min(self._done + self._rate, self._samples.shape[1]))
        self._container.mux(self.stream.encode(None))

    def _write(self, end: int) -> None:
        import av
        import numpy as np

        if end <= self._done:
            return
        part = np.ascontiguousarray(self._samples[:, self._done : end])
        frame = av.AudioFrame.from_ndarray(part, format="fltp", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._done, Fraction(1, self._rate)
        self._container.mux(self.stream.encode(frame))
        self._done = end


def nearest_rate(rate: int, known: tuple[int, ...]) -> int:
    """Return ``rate`` where an encoder takes it, else the usual 48,000 (nothing known: anything goes)."""
    return rate if not known or rate in known else _USUAL_RATE


def write_sound(audio: Audio, path: Path, *, format: str) -> None:
    """Encode samples.

    Args:
        audio: Samples of one or two channels.
        path: File to write.
        format: ``flac`` (16 bit), ``mp3``, ``ogg`` (Opus), ``wav`` (16 bit) or ``m4a`` (AAC).

    Raises:
        ValueError: there are no samples, or they have another shape.
    """
    import numpy as np

    if not 0 < audio.sample_rate <= MAX_RATE or not np.size(audio.samples):
        raise ValueError(
            f"sound needs samples and a rate, not {np.size(audio.samples)} at {audio.sample_rate} Hz"
        )
    codec = _CODECS[format]
    with _writing(path, codec) as container:
        track = SoundTrack(container, codec.encoder, codec.rates, audio)
        if codec.bit_rate:
            track.stream.bit_rate = codec.bit_rate
        track.finish()


def transcode(source: Path, found: Format, target: Path, *, format: str) -> None:
    """Write a sound file, or the sound of a video, in another format.

    Raises:
        ValueError: it is damaged, or the format cannot hold it.
    """
    import av

    codec = _CODECS[format]
    try:
        with (
            open_media(source, found, most_pixels=COVER_PIXELS) as old,
            _writing(target, codec) as new,
        ):
            track = old.streams.audio[0]
            stream = _like(track, new, codec)
            for frame in old.decode(track):
                new.mux(stream.encode(frame))
            new.mux(stream.encode(None))
    except (OSError, ValueError, IndexError, av.FFmpegError) as error:
        raise ValueError(f"the sound cannot be written as {format} ({error})") from error


def _like(track: Any, container: Any, codec: _Codec) -> Any:
    """Return a new track for the sound of another, mixed to at most two channels."""
    context = track.codec_context
    layout = "mono" if context.channels == 1 else "stereo"
    stream = container.add_stream(
        codec.encoder, rate=nearest_rate(context.sample_rate, codec.rates), layout=layout
    )
    if codec.bit_rate:
        stream.bit_rate = codec.bit_rate
    if codec.encoder == "flac" and context.format.name in ("s32", "s32p"):
        stream.codec_context.format = "s32"  # 24 bit stay 24 bit
    return stream


@contextmanager
def _writing(path: Path, codec: _Codec) -> Iterator[Any]:
    import av

    options = {"movflags": "+faststart"} if codec.container == "ipod" else {}
    with av.open(str(path), "w", format=codec.container, options=options) as container:
        yield container


def remux_sound(
    source: Path,
    found: Format,
    target: Path,
    format: str,
    tags: dict[str, str] | None = None,
    *,
    keep: bool = True,
) -> None:
    """Copy the encoded sound into a container without decoding it.

    Args:
        source: The file.
        found: Its format.
        target: New file.
        format: ``ogg``, ``m4a`` or another of ours.
        tags: Texts to set besides those that are there.
        keep: Whether the texts that are there stay.

    Raises:
        ValueError: the container cannot hold what is in the file, or the file is damaged.
    """
    import av

    try:
        with (
            open_media(source, found, most_pixels=COVER_PIXELS) as old,
            _writing(target, _CODECS[format]) as new,
        ):
            track = old.streams.audio[0]
            stream = new.add_stream_from_template(track)
            # Ogg keeps texts with the track, other containers with the file.
            new.metadata.update(({**track.metadata, **old.metadata} if keep else {}) | (tags or {}))
            for packet in old.demux(track):
                if packet.size == 0:
                    continue  # the end of the stream
                packet.stream = stream
                new.mux(packet)
    except (OSError, ValueError, IndexError, av.FFmpegError) as error:
        raise ValueError(f"the sound cannot be copied into {format} ({error})") from error
