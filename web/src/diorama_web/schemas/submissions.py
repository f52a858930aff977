"""Requests for work. Both spellings that people know are taken: ``steps`` and ``num_inference_steps``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, ConfigDict, Field

from diorama_web.schemas.base import MAX_PROMPT, Body, CleanText, GroupId

MAX_REFERENCES = 16
Source = Annotated[CleanText, Field(min_length=1)]
"""An asset id, a data URL, base64, or an https address."""
Side = Annotated[int, Field(ge=1, le=16384)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
PolicyWord = Literal["cheapest", "fastest", "local-only", "quality"]
ModelName = Annotated[CleanText, Field(min_length=1, max_length=512)]


class LoraChoice(Body):
    """A LoRA with its weight."""

    id: CleanText = Field(validation_alias=AliasChoices("id", "name", "path"), min_length=1, max_length=1024)
    weight: float = Field(1.0, ge=0, le=1.5, validation_alias=AliasChoices("weight", "scale", "strength"))


class WorkRequest(Body):
    """What all kinds of work share. Fields that are not known are passed on as parameters of the model."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False, protected_namespaces=())

    model: ModelName | None = Field(
        None, description="Model id, alias or family; the default model when left out."
    )
    policy: PolicyWord | None = Field(None, description="Which offer to take when the model is a family.")
    failover: bool = Field(False, description="Let another offer of the family take over when one is down.")
    negative_prompt: CleanText | None = Field(None, max_length=MAX_PROMPT)
    width: Side | None = Field(None, description="Pixels.")
    height: Side | None = Field(None, description="Pixels.")
    aspect_ratio: CleanText | None = Field(None, max_length=16, examples=["16:9"])
    steps: int | None = Field(
        None, ge=1, le=1000, validation_alias=AliasChoices("steps", "num_inference_steps", "step")
    )
    guidance_scale: float | None = Field(
        None, ge=0, le=100, validation_alias=AliasChoices("guidance_scale", "cfg_scale", "guidance")
    )
    scheduler: CleanText | None = Field(None, max_length=64)
    seed: Seed | None = None
    strength: float | None = Field(
        None, ge=0, le=1, description="0: nothing changes, 1: the source is ignored."
    )
    reference_images: list[Source] = Field(
        default=[], max_length=MAX_REFERENCES,
        validation_alias=AliasChoices("reference_images", "images"),
        description="Each an asset id, a data URL, base64 or an https address.",
    )  # fmt: skip
    sounds: list[Source] = Field(
        default=[], max_length=MAX_REFERENCES,
        description="Sounds for models that take them, given like the pictures.",
    )  # fmt: skip
    loras: list[LoraChoice] = Field(default=[], max_length=16)
    parameters: dict[str, Any] = Field(default={}, description="Parameters that only this model has.")
    strict: bool = Field(False, description="Refuse instead of adjusting or ignoring a value.")
    output_format: CleanText | None = Field(None, max_length=8, examples=["png"])
    session_id: GroupId | None = None
    batch_id: GroupId | None = None
    priority: int = Field(0, ge=-100, le=100)
    idempotency_key: CleanText | None = Field(None, min_length=1, max_length=255)


class ImageRequest(WorkRequest):
    """Text, and perhaps pictures, to pictures; or to sound, by a model that makes it."""

    prompt: CleanText = Field(min_length=1, max_length=MAX_PROMPT)
    num_images: int | None = Field(None, ge=1, le=16, validation_alias=AliasChoices("num_images", "n"))
    duration: float | None = Field(None, gt=0, le=3600, description="Seconds of a video or a sound.")
    mask: Source | None = Field(None, description="White is changed, black is kept; as large as the source.")
    control_images: dict[CleanText, Source] = Field(default={}, max_length=8, description="Maps by kind.")


class JobRequest(ImageRequest):
    """Any kind of work for the queue."""

    prompt: CleanText = Field("", max_length=MAX_PROMPT)
    kind: Literal["generate", "edit", "video", "upscale"] | None = Field(
        None, description="Inferred from the inputs and the model when left out."
    )
    num_frames: int | None = Field(None, ge=1, le=10_000)
    fps: float | None = Field(None, gt=0, le=240)
    audio: bool | None = None
    scale: float | None = Field(None, gt=0, le=16, description="Factor of an upscale.")
    media: Source | None = Field(None, description="What an upscale enlarges, or the video to be made over.")


class BatchRequest(Body):
    """Many jobs at once: all are accepted, or none."""

    jobs: list[JobRequest] = Field(min_length=1, max_length=10_000)


class EditRequestBody(ImageRequest):
    """Pictures and text to pictures; or sounds to sound, by a model that makes it."""

    kind: Literal["edit"] = "edit"


class VideoRequestBody(WorkRequest):
    """Text to video, or a video made over."""

    prompt: CleanText = Field(min_length=1, max_length=MAX_PROMPT)
    num_frames: int | None = Field(None, ge=1, le=200)
    fps: float | None = Field(None, ge=1, le=60)
    duration: float | None = Field(None, gt=0, le=3600, description="Seconds.")
    audio: bool | None = None
    media: Source | None = Field(
        None, description="Video to be made over; another of its names is video_asset_id.",
        validation_alias=AliasChoices("media", "video_asset_id", "video"),
    )  # fmt: skip


class ImageToVideoRequest(VideoRequestBody):
    """Pictures, and perhaps text, to video."""

    prompt: CleanText = Field("", max_length=MAX_PROMPT)
    reference_images: list[Source] = Field(
        default=[], max_length=5, validation_alias=AliasChoices("reference_images", "images")
    )
    image: Source | None = Field(
        None, description="One start picture.",
        validation_alias=AliasChoices("image", "reference_image", "image_base64", "image_asset_id"),
    )  # fmt: skip
    motion_bucket_id: int | None = Field(None, ge=1, le=255)
    noise_aug_strength: float | None = Field(None, ge=0, le=1)


class UpscaleRequestBody(Body):
    """A picture or a video to a larger one."""

    image_asset_id: Source | None = Field(None, validation_alias=AliasChoices("image_asset_id", "image"))
    video_asset_id: Source | None = Field(None, validation_alias=AliasChoices("video_asset_id", "video"))
    model: ModelName | None = None
    policy: PolicyWord | None = Field(None, description="Which offer to take when the model is a family.")
    failover: bool = Field(False, description="Let another offer of the family take over when one is down.")
    scale: float | None = Field(None, gt=0, le=16)
    parameters: dict[str, Any] = Field(default={}, description="Parameters that only this model has.")
    strict: bool = False
    output_format: CleanText | None = Field(None, max_length=8)
    session_id: GroupId | None = None
    batch_id: GroupId | None = None
    priority: int = Field(0, ge=-100, le=100)
    idempotency_key: CleanText | None = Field(None, min_length=1, max_length=255)
