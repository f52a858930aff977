"""The asset as everybody sees it, and what may be asked about assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from diorama.contract import MediaKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One stored result.

    Attributes:
        id: Server-made, sorts by time of creation.
        job_id: Job that made it.
        position: Index among the job's outputs.
        kind: ``image``, ``video`` or ``audio``.
        mime: Content type of the file, by our own decoding.
        path: File, relative to the assets folder.
        thumbnail: Thumbnail, relative to the assets folder.
        placeholder: Base64 ThumbHash.
        width: Pixels; 0 for sound.
        height: Pixels; 0 for sound.
        duration: Seconds of a video or a sound.
        fps: Frames per second of a video.
        frames: Frames of a video.
        has_audio: Whether there is sound.
        sample_rate: Samples per second of a sound.
        channels: Channels of a sound.
        bytes: Size of the file.
        sha256: Hex digest of the file.
        prompt: Text that made it.
        title: Name that a person gave it.
        model: Full model id.
        operation: ``generate``, ``edit``, ``video``, ``upscale``.
        seed: Seed that made it.
        loras: Names of the LoRAs.
        owner: Identity whose job made it; empty for the person at this machine.
        session_id: Session it belongs to.
        batch_id: Batch it belongs to.
        parents: Ids of the assets it was made from.
        favourite: Whether a person marked it.
        cost: Amount that the provider charged for its job, in the currency that the recipe names.
        recipe: Everything that decided about it.
        created_at: Unix seconds.
        trashed_at: Unix seconds at which it was thrown away, ``None`` for a live one.
    """

    id: str
    kind: MediaKind
    mime: str
    path: str
    bytes: int
    sha256: str
    job_id: str | None = None
    position: int = 0
    thumbnail: str | None = None
    placeholder: str | None = None
    width: int = 0
    height: int = 0
    duration: float | None = None
    fps: float | None = None
    frames: int | None = None
    has_audio: bool = False
    sample_rate: int | None = None
    channels: int | None = None
    prompt: str = ""
    title: str | None = None
    model: str = ""
    operation: str = ""
    seed: int | None = None
    loras: tuple[str, ...] = ()
    owner: str = ""
    session_id: str | None = None
    batch_id: str | None = None
    parents: tuple[str, ...] = ()
    favourite: bool = False
    cost: float | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    created_at: float = 0.0
    trashed_at: float | None = None


_JSON = {"loras": tuple, "parents": tuple, "recipe": dict}
_NAMES = tuple(item.name for item in fields(Asset))


def from_row(row: Mapping[str, Any]) -> Asset:
    """Rebuild an asset from a row of the table."""
    import msgspec

    values = {name: row[name] for name in _NAMES}
    for name, kind in _JSON.items():
        values[name] = kind(msgspec.json.decode(values[name])) if values[name] else kind()
    return Asset(**values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What a listing is narrowed to; ``None`` does not narrow.

    Attributes:
        q: Words in prompt, title, model and LoRA; the last one may be unfinished, ``"..."`` keeps words together,
            ``-word`` excludes.
        kind: ``image``, ``video`` or ``audio``.
        model: Full model id.
        lora: Name of a LoRA.
        seed: Seed.
        session_id: Session.
        batch_id: Batch.
        job_id: Job.
        operation: ``generate``, ``edit``, ``video``, ``upscale``.
        favourite: Marked ones only (or only those not marked).
        width: Exact width in pixels.
        height: Exact height in pixels.
        after: Made at this Unix time or later.
        before: Made before this Unix time.
        owner: Made for this identity.
        trashed: True lists the trash instead.
    """

    q: str | None = None
    kind: str | None = None
    model: str | None = None
    lora: str | None = None
    seed: int | None = None
    session_id: str | None = None
    batch_id: str | None = None
    job_id: str | None = None
    operation: str | None = None
    favourite: bool | None = None
    width: int | None = None
    height: int | None = None
    after: float | None = None
    before: float | None = None
    owner: str | None = None
    trashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a listing.

    Attributes:
        items: Newest first.
        next_cursor: Give it to the next call; ``None`` at the end.
    """

    items: tuple[Asset, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """How many assets there are.

    Attributes:
        number: Counted.
        exact: False when counting stopped there because there are more.
    """

    number: int
    exact: bool
