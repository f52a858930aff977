"""Stored files as they are answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import Body, CleanText, View

AssetKind = Literal["image", "video", "audio"]
ExportFormat = Literal["png", "jpeg", "webp", "flac", "mp3", "ogg", "wav", "m4a"]


class AssetView(View):
    """A stored picture, video or sound."""

    id: str
    filename: str
    url: str
    thumbnail_url: str
    kind: AssetKind
    mime: str
    bytes: int
    width: int
    height: int
    duration: float | None
    fps: float | None
    frames: int | None
    has_audio: bool
    sample_rate: int | None = Field(description="Of a sound, per second.")
    channels: int | None = Field(description="Of a sound.")
    placeholder: str | None = Field(description="ThumbHash in base64, to draw before the thumbnail is there.")
    prompt: str
    title: str | None
    model: str
    operation: str
    seed: int | None
    job_id: str | None
    session_id: str | None
    batch_id: str | None
    parents: list[str]
    loras: list[str]
    favourite: bool
    cost: float | None
    created_at: str
    trashed_at: str | None


class AssetDetail(AssetView):
    """A stored file with its recipe."""

    sha256: str
    recipe: dict[str, Any] = Field(description="Everything needed to make it again.")


class AssetPage(View):
    """Assets, newest first."""

    assets: list[AssetView]
    next_cursor: str | None


class ExportRequest(Body):
    """Files to put into one archive."""

    asset_ids: list[CleanText] = Field(min_length=1, max_length=1000)
    format: ExportFormat | None = Field(
        None, description="Another format, for the files that can be had in it."
    )
    metadata: bool = Field(True, description="Whether the recipe goes along.")


class AssetChange(Body):
    """New values; what is left out stays."""

    title: CleanText | None = Field(None, max_length=200, description="Null or empty takes it away.")


class AssetCount(View):
    """How many assets there are."""

    number: int
    exact: bool = Field(description="False when counting stopped there because there are more.")


class LoraUseView(View):
    """A LoRA that a picture names."""

    name: str
    weight: float | None
    hash: str | None


class ImageFacts(View):
    """What a picture says about how it was made. All of it is other people's text."""

    source: str = Field(description="diorama, a1111, comfyui, invokeai, swarmui; empty if unknown.")
    prompt: str
    negative_prompt: str
    seed: int | None
    num_inference_steps: int | None
    guidance_scale: float | None
    sampler: str | None
    strength: float | None
    width: int | None
    height: int | None
    model: str | None
    model_hash: str | None
    loras: list[LoraUseView]
    source_type: str | None
    recipe: dict[str, Any] | None
    raw: dict[str, str] = Field(description="Every text that was found, by its name in the file.")
    missing: list[str] = Field(description="What it names and this server does not have.")
