"""What a surface hands to the engine: a request as people write it, before anything is resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from diorama.contract import LoraRef, MediaInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A request for one job. ``None`` means "not said": the model's default is taken.

    Attributes:
        kind: ``generate``, ``edit``, ``video``, ``upscale``, ``download``; empty to infer it from the inputs
            and what the model can do (images given: edit where offered).
        model: Model id, alias or family name; empty for the default model of the operation.
        policy: How a family name becomes one of its offers: ``cheapest``, ``fastest``, ``local-only``, ``quality``;
            empty for the first that is ready, on this machine before others.
        failover: Whether another offer of the family may take over when the chosen one is down.
        prompt: Text.
        negative_prompt: What should not appear.
        width: Pixels.
        height: Pixels.
        aspect_ratio: Such as ``16:9``.
        num_inference_steps: Denoising steps.
        guidance_scale: Prompt guidance.
        scheduler: Sampler name.
        seed: Seed of the first result; a random one is drawn when not said.
        num_images: How many results.
        strength: How far an edit may leave its source, 0 to 1.
        images: Source and references, already taken in (:meth:`AssetStore.take_in`).
        mask: White is changed.
        sounds: Sounds that go in, already taken in.
        control: ControlNet-like maps by kind.
        media: What an upscale enlarges, or the source of a video-to-video job.
        num_frames: Frames of a video.
        fps: Frames per second.
        duration: Seconds of a video or a sound.
        audio: Whether sound is wanted.
        scale: Factor of an upscale.
        loras: LoRAs with weights.
        parameters: Parameters that only this model has.
        strict: Refuse instead of adjusting or ignoring.
        output_format: ``png``, ``jpeg``, ``webp``, ``mp4``, ``flac`` ...
        session_id: Session it belongs to.
        batch_id: Groups submissions.
        priority: Higher runs earlier.
        idempotency_key: A second submission with the same key returns the first job.
        owner: Identity of the caller.
        retry_of: Job that this one repeats.
    """

    kind: str = ""
    model: str = ""
    policy: str = ""
    failover: bool = False
    prompt: str = ""
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    aspect_ratio: str | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    seed: int | None = None
    num_images: int | None = None
    strength: float | None = None
    images: tuple[MediaInput, ...] = ()
    mask: MediaInput | None = None
    sounds: tuple[MediaInput, ...] = ()
    control: Mapping[str, MediaInput] = field(default_factory=dict)
    media: MediaInput | None = None
    num_frames: int | None = None
    fps: float | None = None
    duration: float | None = None
    audio: bool | None = None
    scale: float | None = None
    loras: tuple[LoraRef, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    output_format: str | None = None
    session_id: str | None = None
    batch_id: str | None = None
    priority: int = 0
    idempotency_key: str | None = None
    owner: str = ""
    retry_of: str | None = None
