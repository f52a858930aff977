"""Node classes that really make sound, for the stand-in: tones, encoded as the server encodes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

RATE = 16000


@dataclass
class Sound:
    """Samples of (channels, samples)."""

    samples: Any
    rate: int


@dataclass
class SoundLatent:
    """What a sampler of sound works on."""

    seconds: float
    pitch: float = 0.0


def tone(pitch: float, seconds: float, rate: int = RATE) -> Sound:
    wave = 0.5 * np.sin(np.arange(round(rate * seconds)) * (2 * np.pi * pitch / rate))
    return Sound(np.stack([wave, wave]).astype(np.float32), rate)


def silence(inputs: dict[str, Any]) -> Sound:
    """What EmptyAudio makes."""
    length = round(float(inputs["duration"]) * int(inputs["sample_rate"]))
    return Sound(np.zeros((int(inputs["channels"]), length), np.float32), int(inputs["sample_rate"]))


def louder(sound: Sound, decibels: float) -> Sound:
    return Sound(np.clip(sound.samples * 10 ** (decibels / 20), -1, 1).astype(np.float32), sound.rate)


def load(path: Path) -> Sound:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp")
        parts = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return Sound(np.concatenate(parts, axis=1), container.streams.audio[0].rate)


def save(sound: Sound, path: Path, prompt: dict[str, Any]) -> None:
    """Write FLAC, MP3 or Opus by the ending, with the workflow in the tags."""
    codec, rate = {".flac": ("flac", sound.rate), ".mp3": ("libmp3lame", sound.rate), ".opus": ("libopus", 48000)}[
        path.suffix
    ]  # fmt: skip
    layout = "mono" if len(sound.samples) == 1 else "stereo"
    with av.open(str(path), "w", format=path.suffix[1:]) as container:
        container.metadata["prompt"] = json.dumps(prompt)
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.samples), format="fltp", layout=layout)
        frame.sample_rate = sound.rate
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
