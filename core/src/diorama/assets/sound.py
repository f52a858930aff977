"""Reading sound files: their facts, and their samples. Frames pass one by one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.assets.decoding import Undecodable
from diorama.assets.formats import Format
from diorama.assets.opening import open_media
from diorama.assets.waveform import Peaks
from diorama.contract import Audio
from diorama.settings import LimitSettings

if TYPE_CHECKING:
    import numpy as np

MAX_CHANNELS, MAX_RATE, MAX_TRACKS = 8, 768_000, 8
COVER_PIXELS = 1
"""Nobody looks at the picture of a cover, so it is never decoded."""
DENSEST = 2 * 192_000
"""Values a second that the longest sound may have: a small file can hold more silence than anybody wants to decode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundFacts:
    """What a sound file is.

    Attributes:
        duration: Seconds that were decoded.
        sample_rate: Samples per second.
        channels: 1 for mono, 2 for stereo, up to 8.
        peaks: Loudness over time, each 0 to 1; see :func:`diorama.assets.waveform.draw`.
    """

    duration: float
    sample_rate: int
    channels: int
    peaks: np.ndarray[Any, Any]


def read_sound(path: Path, found: Format, limits: LimitSettings) -> SoundFacts:
    """Check a sound file by decoding all of it, and return its facts.

    Raises:
        Undecodable: it cannot be read, has no sound or moving pictures, or is beyond the limits.
    """
    try:
        with open_media(path, found, most_pixels=COVER_PIXELS) as container:
            stream = _the_track(container)
            rate, channels = _check_track(stream)
            peaks, samples = Peaks(rate), 0
            for frame in container.decode(stream):
                samples += frame.samples
                if samples > rate * limits.audio_seconds:
                    raise Undecodable(f"It is longer than {limits.audio_seconds} seconds.")
                if samples * channels > DENSEST * limits.audio_seconds:
                    raise Undecodable(f"It has more than {DENSEST * limits.audio_seconds} samples.")
                peaks.add(_amplitude(frame))
    except Undecodable:
        raise
    except Exception as error:
        raise Undecodable(
            f"It looks like {found.name} but cannot be decoded ({type(error).__name__})."
        ) from error
    if not samples:
        raise Undecodable("It has no sound.")
    return SoundFacts(duration=samples / rate, sample_rate=rate, channels=channels, peaks=peaks.values())


def has_pictures(path: Path, found: Format) -> bool:
    """Whether a container that may hold a video does; one that cannot be opened counts as a video."""
    try:
        with open_media(path, found, most_pixels=COVER_PIXELS) as container:
            return _moving(container) or not container.streams.audio
    except Exception:  # the reader of videos says what is wrong with it
        return True


def _the_track(container: Any) -> Any:
    if _moving(container):
        raise Undecodable("It is a video of a kind that we do not read.")
    tracks = container.streams.audio
    if not tracks:
        raise Undecodable("It has no sound.")
    if len(tracks) > MAX_TRACKS:
        raise Undecodable(f"It has {len(tracks)} tracks; the limit is {MAX_TRACKS}.")
    return tracks[0]


def _moving(container: Any) -> bool:
    """Whether there is a video stream that is more than the picture of a cover."""
    from av.stream import Disposition

    return any(not stream.disposition & Disposition.attached_pic for stream in container.streams.video)


def _check_track(stream: Any) -> tuple[int, int]:
    rate, channels = int(stream.codec_context.sample_rate or 0), int(stream.codec_context.channels or 0)
    if not 0 < rate <= MAX_RATE or not 0 < channels <= MAX_CHANNELS:
        raise Undecodable(f"It has {channels} channels at {rate} Hz, which is not usable.")
    return rate, channels


def _amplitude(frame: Any) -> np.ndarray[Any, Any]:
    """The loudest channel of each sample, 0 to 1."""
    import numpy as np

    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        scaled = (values.astype(np.float32) - 128) / 128
    elif values.dtype.kind == "i":
        scaled = values.astype(np.float32) / -float(np.iinfo(values.dtype).min)
    else:
        scaled = values.astype(np.float32)
    return np.clip(np.nan_to_num(np.abs(scaled)).max(axis=0), 0.0, 1.0)  # type: ignore[no-any-return]


def read_track(path: Path, found: Format) -> Audio | None:
    """Decode the first sound track of a file, mixed to at most two channels; ``None`` when there is none."""
    import av
    import numpy as np

    with open_media(path, found, most_pixels=COVER_PIXELS) as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        layout = "mono" if stream.codec_context.channels == 1 else "stereo"
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=stream.codec_context.sample_rate)
        parts = [out.to_ndarray() for frame in container.decode(stream) for out in resampler.resample(frame)]
        parts += [out.to_ndarray() for out in resampler.resample(None)]
        return Audio(samples=np.concatenate(parts, axis=1), sample_rate=stream.codec_context.sample_rate)
