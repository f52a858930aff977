"""Civitai as it is answered."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from diorama_web.schemas.base import Body, CleanText, View


class CivitaiImage(View):
    """A preview; it lies at Civitai."""

    url: str
    width: int
    height: int
    type: str
    blurhash: str | None
    prompt: str | None


class CivitaiFile(View):
    """A file of a version."""

    id: int
    name: str
    type: str
    size: int = Field(description="Bytes; 0 when not told.")
    format: str | None
    precision: str | None
    variant: str | None
    sha256: str | None
    hashes: dict[str, str]
    primary: bool
    problem: str | None = Field(description="Why it is never fetched, where it is not.")


class CivitaiLicense(View):
    """The uploader's terms; null where they were not told."""

    credit_required: bool | None
    commercial_use: list[str] | None
    derivatives: bool | None
    different_license: bool | None
    sell_images: bool | None


class CivitaiVersion(View):
    """A version of a model."""

    id: int
    model_id: int
    model_name: str
    type: str
    name: str
    base_model: str
    base_model_type: str | None
    family: str | None = Field(description="Precise family, such as sd15.")
    kind: str | None = Field(description="Family that LoRA must fit, in the catalog's words.")
    published_at: str | None
    trigger_words: list[str]
    recommended: dict[str, Any]
    description: str = Field(description="HTML, made harmless.")
    air: str | None
    downloads: int
    early_access_until: str | None
    download_file_id: int | None = Field(description="The file that a download takes when none is named.")
    download_problem: str | None = Field(description="Why nothing can be downloaded, where nothing can.")
    files: list[CivitaiFile]
    images: list[CivitaiImage]
    page: str


class CivitaiModelSummary(View):
    """A model in a list."""

    id: int
    name: str
    type: str
    creator: str | None
    nsfw: bool
    tags: list[str]
    downloads: int
    likes: int
    base_model: str | None
    family: str | None
    version_id: int | None
    versions: int
    early_access_until: str | None
    preview: CivitaiImage | None
    page: str


class CivitaiModels(View):
    """A page of models. Its length says nothing about how many follow; the cursor does."""

    models: list[CivitaiModelSummary]
    next_cursor: str | None


class CivitaiModel(View):
    """A model with its versions."""

    id: int
    name: str
    type: str
    creator: str | None
    nsfw: bool
    tags: list[str]
    downloads: int
    likes: int
    base_model: str | None
    family: str | None
    version_id: int | None
    versions: list[CivitaiVersion]
    early_access_until: str | None
    preview: CivitaiImage | None
    page: str
    description: str = Field(description="HTML, made harmless.")
    mode: str | None
    license: CivitaiLicense


class CivitaiOrigin(View):
    """A weight file of a recipe, and the version that it comes from."""

    role: Literal["model", "lora"]
    name: str
    hash: str
    version: CivitaiVersion


class CivitaiStranger(View):
    """A weight file of a recipe that Civitai does not know."""

    role: Literal["model", "lora"]
    name: str
    hash: str


class CivitaiOrigins(View):
    """What an asset was made with, as far as Civitai knows it."""

    asset_id: str
    found: list[CivitaiOrigin]
    unknown: list[CivitaiStranger]


class CivitaiDownload(Body):
    """What to fetch."""

    source: CleanText | None = Field(
        None, min_length=1, max_length=2048, description="Number of a version, a link, an AIR or a hash."
    )
    version_id: int | None = Field(None, ge=1, lt=10**12, description="In place of source.")
    file_id: int | None = Field(
        None, ge=1, lt=10**12, description="One file; the best safe one when left out."
    )
