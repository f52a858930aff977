"""Models and versions as plain values, for pages and commands."""

from __future__ import annotations

from typing import Any

from diorama.contract import DioramaError

from diorama_civitai.api.shapes import SAFE_LEVELS, FileInfo, ImageInfo, ModelPage, VersionInfo
from diorama_civitai.basemodels import base_of
from diorama_civitai.descriptions import clean_html
from diorama_civitai.download.choice import choose, early_access_until, refuse
from diorama_civitai.download.sidecar import license_of, page_of, recommended


def model_summary(model: ModelPage, site: str, *, nsfw: bool) -> dict[str, Any]:
    """Return what a list of models needs."""
    first = model.versions[0] if model.versions else None
    return {
        "id": model.id,
        "name": model.name,
        "type": model.type,
        "creator": model.creator or None,
        "nsfw": model.nsfw,
        "tags": list(model.tags[:30]),
        "downloads": model.downloads,
        "likes": model.likes,
        "base_model": first.base_model if first else None,
        "family": base_of(first.base_model).family if first else None,
        "version_id": first.id if first else None,
        "versions": len(model.versions),
        "early_access_until": (early_access_until(first) or None) if first else None,
        "preview": next(iter(_images(first, nsfw=nsfw)), None) if first else None,
        "page": f"{site}/models/{model.id}",
    }


def model_view(model: ModelPage, site: str, *, nsfw: bool) -> dict[str, Any]:
    """Return a model with its versions; HTML is made harmless."""
    return {
        **model_summary(model, site, nsfw=nsfw),
        "description": clean_html(model.description),
        "mode": model.mode or None,
        "license": license_of(model),
        "versions": [version_view(version, model, site, nsfw=nsfw) for version in model.versions],
    }


def version_view(version: VersionInfo, model: ModelPage, site: str, *, nsfw: bool) -> dict[str, Any]:
    """Return a version: what it is made for, its words and settings, and which file can be fetched."""
    base = base_of(version.base_model)
    try:
        best, problem = choose(version, model.type).file.id, None
    except DioramaError as error:
        best, problem = None, error.message
    return {
        "id": version.id,
        "model_id": model.id or version.model_id,
        "model_name": model.name,
        "type": model.type,
        "name": version.name,
        "base_model": version.base_model,
        "base_model_type": version.base_type or None,
        "family": base.family or None,
        "kind": base.kind or None,
        "published_at": version.published or None,
        "trigger_words": list(version.words),
        "recommended": recommended(version),
        "description": clean_html(version.description),
        "air": version.air or None,
        "downloads": version.downloads,
        "early_access_until": early_access_until(version) or None,
        "download_file_id": best,
        "download_problem": problem,
        "files": [file_view(file, model.type) for file in version.files],
        "images": _images(version, nsfw=nsfw),
        "page": page_of(model, version, site),
    }


def file_view(file: FileInfo, model_type: str) -> dict[str, Any]:
    """Return a file, and why it is not fetched where it is not."""
    try:
        refuse(file, model_type)
        problem = None
    except DioramaError as error:
        problem = error.message
    return {
        "id": file.id,
        "name": file.name,
        "type": file.type,
        "size": file.size,
        "format": file.format or None,
        "precision": file.precision or None,
        "variant": file.variant or None,
        "sha256": file.sha256 or None,
        "hashes": dict(file.hashes),
        "primary": file.primary,
        "problem": problem,
    }


def _images(version: VersionInfo, *, nsfw: bool) -> list[dict[str, Any]]:
    return [image_view(image) for image in version.images if nsfw or _safe(image)]


def image_view(image: ImageInfo) -> dict[str, Any]:
    """Return a preview."""
    return {
        "url": image.url,
        "width": image.width,
        "height": image.height,
        "type": image.type,
        "blurhash": image.blurhash or None,
        "prompt": image.meta.get("prompt") if isinstance(image.meta.get("prompt"), str) else None,
    }


def _safe(image: ImageInfo) -> bool:
    return image.url.startswith(("https://", "http://")) and image.level <= SAFE_LEVELS
