"""Models as they are answered; the nested records are the contract's own."""

from __future__ import annotations

from typing import Literal

from diorama.contract import Availability, Capabilities, License, Price
from pydantic import Field

from diorama_web.schemas.base import View

ModeWord = Literal["edit", "generate", "hybrid", "video", "upscale", "sound"]
OperationWord = Literal["generate", "edit", "video", "upscale"]


class ModelSummary(View):
    """A model in a list."""

    id: str
    title: str
    backend: str
    mode: ModeWord
    operations: list[OperationWord]
    enlarges: list[Literal["image", "video"]] = Field(description="What it makes larger; empty for others.")
    takes_video: bool = Field(description="Whether it makes videos out of another video.")
    family: str
    kind: str
    description: str
    category: str
    tags: list[str]
    author: str
    price: Price | None
    license: License | None
    availability: Availability
    data_leaves_machine: bool
    disk_gb: float | None
    memory_gb: float | None
    downloadable: bool


class ModelView(View):
    """A model with its capabilities: forms are built from these."""

    id: str
    title: str
    backend: str
    mode: ModeWord
    operations: dict[OperationWord, Capabilities]
    family: str
    kind: str
    description: str
    category: str
    tags: list[str]
    author: str
    price: Price | None
    license: License | None
    availability: Availability
    data_leaves_machine: bool
    disk_gb: float | None
    memory_gb: float | None
    revision: str | None
    downloadable: bool
    links: dict[str, str]
    vocabulary: dict[str, list[str]]


class BackendState(View):
    """What is known of one backend's list."""

    id: str
    title: str
    models: int
    fetched_at: str | None
    stale: bool
    error: str | None


class OfferView(View):
    """One way to run a model."""

    id: str
    backend: str
    title: str
    price: Price | None
    median_seconds: float | None = Field(
        description="Usual seconds of a run here; null when none was measured."
    )
    license: License | None
    availability: Availability
    data_leaves_machine: bool


class FamilyView(View):
    """A model with all its offers."""

    family: str = Field(description="May be given as `model`, with a `policy`.")
    title: str
    operations: list[OperationWord]
    offers: list[OfferView]


class ModelList(View):
    """Models that fit, in catalog order."""

    models: list[ModelSummary] = Field(description="Empty with `group=family`.")
    families: list[FamilyView] | None = Field(default=None, description="Only with `group=family`.")
    total: int = Field(description="How many fit, on all pages.")
    default_model: str
    backends: list[BackendState]


class ModelDetails(View):
    """Models that fit, with capabilities."""

    models: list[ModelView]
    total: int
    default_model: str
    backends: list[BackendState]


class CacheEntry(View):
    """A model's presence on this disk."""

    id: str
    title: str
    cached: bool
    availability: str
    disk_gb: float | None = Field(description="As measured when it is on this disk, else estimated.")
    path: str | None = Field(description="Where its files lie; null when it is not on this disk.")
    size_bytes: int | None = Field(description="Bytes of its files; shared files count with each model.")
    freeable_bytes: int = Field(description="What deleting it would free; 0 for files of the user's own.")
    shared_with: list[str] = Field(description="Models for which some of its files stay when it is deleted.")
    fix: str | None


class CacheStatus(View):
    """All models that are kept on disk."""

    models: list[CacheEntry]
    cached_gb: float


class CacheDeleted(View):
    """A model was removed from disk."""

    model: str
    freed_bytes: int


class ModelRemoved(View):
    """A model was taken out of the list."""

    model: str


class LoraView(View):
    """A LoRA, on this machine or worth getting."""

    id: str = Field(description="What a request names it by.")
    backend: str
    title: str
    kind: str = Field(description="Family that it fits; empty when its file does not tell.")
    triggers: list[str] = Field(description="Words that call it up in a prompt.")
    description: str
    size_bytes: int
    weight: float = Field(description="Weight that suits it.")
    defaults: dict[str, float] = Field(description="Request fields that suit it.")
    preset: bool = Field(description="Whether it came known with the backend.")
    download: str = Field(
        description="Id for `POST /api/models/{id}/download`, which fetches it; empty if none does."
    )
    availability: Availability
    models: list[str] = Field(description="Models that take it.")


class LoraList(View):
    """All LoRA, those here first."""

    loras: list[LoraView]
    total: int
