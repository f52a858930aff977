"""An output between the backend and the asset store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diorama.contract import MediaKind


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedOutput:
    """An encoded and checked file in the job's work folder, with its thumbnail, not yet an asset.

    Attributes:
        index: Position among the job's outputs, from 0.
        kind: ``image``, ``video`` or ``audio``.
        path: The encoded file, without our recipe.
        mime: Type by our own decoding.
        width: Pixels.
        height: Pixels.
        seed: Seed that made it.
        thumbnail: WebP of at most 320 px a side; the waveform of a sound.
        placeholder: Base64 ThumbHash (about 20 bytes) for the page to draw before the thumbnail arrives.
        duration: Seconds, for video and sound.
        fps: Frames per second of a video.
        frames: Number of frames of a video.
        has_audio: Whether there is sound.
        sample_rate: Samples per second of a sound.
        channels: Channels of a sound.
        facts: Plain values for this output's recipe.
    """

    index: int
    kind: MediaKind
    path: Path
    mime: str
    width: int = 0
    height: int = 0
    seed: int | None = None
    thumbnail: Path | None = None
    placeholder: str = ""
    duration: float | None = None
    fps: float | None = None
    frames: int | None = None
    has_audio: bool = False
    sample_rate: int | None = None
    channels: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
