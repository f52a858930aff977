"""A version as a catalog entry, so that a download is a job like any other."""

from __future__ import annotations

from diorama.contract import (
    Availability,
    AvailabilityState,
    Capabilities,
    License,
    ModelInfo,
    Operation,
    Range,
    Sizes,
)

from diorama_civitai.api.shapes import ModelPage, VersionInfo
from diorama_civitai.basemodels import base_of, usual_settings
from diorama_civitai.descriptions import plain_text
from diorama_civitai.download.choice import Choice, early_access_until
from diorama_civitai.download.sidecar import license_of, page_of, title_of


def model_entry(
    backend: str,
    native_id: str,
    model: ModelPage,
    version: VersionInfo,
    choice: Choice,
    site: str,
    here: str = "",
) -> ModelInfo:
    """Return the entry of one file; it can be downloaded, and then runs in the backend that loads it.

    ``here`` is the stem of its name in the models folder, where it was downloaded already.
    """
    base = base_of(version.base_model)
    terms = license_of(model)
    until = early_access_until(version)
    fix = f"Run `diorama civitai download {native_id}`; it is then listed among the models on this machine."
    if here:
        fix = f"It is on this machine: use {_use_of(choice, here)}."
    elif until:
        fix = f"In early access until {until}: your Civitai account must have bought it. {fix}"
    page = page_of(model, version, site)
    return ModelInfo(
        id=f"{backend}:{native_id}",
        title=title_of(model, version),
        operations={_operation(model, version): _capabilities(model, version)},
        family=base.family or "other",
        kind=base.kind,
        description=plain_text(model.description),
        category="download",
        tags=tuple(word for word in (model.type, version.base_model, *model.tags[:10]) if word),
        author=model.creator,
        license=License(name=license_name(model), url=page, commercial_use=terms["sell_images"]),
        availability=Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix=fix, url=page),
        disk_gb=choice.file.size / 1e9 or None,
        revision=version.air or str(version.id),
        downloadable=True,
        links={"homepage": page},
    )


def _use_of(choice: Choice, stem: str) -> str:
    if choice.folder == "checkpoints":
        return f"the model local:{stem}"
    if choice.folder == "loras":
        return f"the LoRA {stem} with a model that it fits"
    return f"the file {choice.folder}/{stem}"


def license_name(model: ModelPage) -> str:
    """Return the uploader's terms as a short text."""
    terms = license_of(model)
    words = []
    if terms["credit_required"]:
        words.append("credit required")
    if terms["sell_images"] is False:
        words.append("no commercial use")
    if terms["derivatives"] is False:
        words.append("no derivatives")
    return "Civitai terms" + (f": {', '.join(words)}" if words else "")


def _operation(model: ModelPage, version: VersionInfo) -> Operation:
    if model.type == "Upscaler":
        return Operation.UPSCALE
    return Operation.VIDEO if base_of(version.base_model).video else Operation.GENERATE


def _capabilities(model: ModelPage, version: VersionInfo) -> Capabilities:
    if model.type == "Upscaler":
        return Capabilities(prompt="none", images_in=Range(minimum=1, maximum=1, integer=True), seed=False)
    usual = usual_settings(version.base_model)
    size = (usual["width"], usual["height"]) if "width" in usual else None
    return Capabilities(
        sizes=Sizes(default=size), lora_kinds=(kind,) if (kind := base_of(version.base_model).kind) else ()
    )
