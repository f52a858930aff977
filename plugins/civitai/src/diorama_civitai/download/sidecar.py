"""What is known of a downloaded file, as JSON beside it: ``<name>.json`` for ``<name>.safetensors`` or ``.gguf``."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from diorama_civitai.api.shapes import ModelPage, VersionInfo, number, text
from diorama_civitai.basemodels import base_of, usual_settings
from diorama_civitai.descriptions import plain_text
from diorama_civitai.download.choice import Choice
from diorama_civitai.download.formats import FORMATS

FORMAT = 1
_SIZE = re.compile(r"(\d{2,5})x(\d{2,5})")


def describe_file(
    model: ModelPage, version: VersionInfo, choice: Choice, sha256: str, size: int, site: str
) -> dict[str, Any]:
    """Return everything that is worth keeping beside a file.

    Args:
        model: Its model.
        version: Its version.
        choice: The file and where it belongs.
        sha256: As computed while it arrived.
        size: Bytes on disk.
        site: Address of the site, for the link.
    """
    base = base_of(version.base_model)
    return {
        "format": FORMAT,
        "source": "civitai",
        "air": version.air or None,
        "model_id": model.id or version.model_id,
        "version_id": version.id,
        "file_id": choice.file.id,
        "title": title_of(model, version),
        "description": plain_text(model.description),
        "type": model.type,
        "base_model": version.base_model,
        "family": base.family,
        "kind": base.kind,
        "trigger_words": list(version.words),
        "recommended": recommended(version),
        "creator": model.creator,
        "tags": list(model.tags[:30]),
        "nsfw": model.nsfw,
        "license": license_of(model),
        "hashes": dict(choice.file.hashes),
        "sha256": sha256,
        "verified": bool(choice.file.sha256),
        "size": size,
        "page": page_of(model, version, site),
        "downloaded_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def title_of(model: ModelPage, version: VersionInfo) -> str:
    """Return the name of a version for people."""
    return " – ".join(part for part in (model.name, version.name) if part) or f"Civitai {version.id}"


def page_of(model: ModelPage, version: VersionInfo, site: str) -> str:
    """Return the address of a version's page."""
    return f"{site}/models/{model.id or version.model_id}?modelVersionId={version.id}"


def license_of(model: ModelPage) -> dict[str, Any]:
    """Return the uploader's terms; ``None`` where they were not told."""
    commercial = model.commercial
    return {
        "credit_required": None if model.no_credit is None else not model.no_credit,
        "commercial_use": list(commercial) if commercial is not None else None,
        "derivatives": model.derivatives,
        "different_license": model.other_license,
        "sell_images": None if commercial is None else bool({"Image", "Sell"} & set(commercial)),
    }


def recommended(version: VersionInfo) -> dict[str, Any]:
    """Return settings that suit a version: of its base model, changed to what its previews were made with."""
    import statistics

    found = usual_settings(version.base_model)
    metas = [image.meta for image in version.images if image.meta]
    for name, key, low, high in (
        ("num_inference_steps", "steps", 1, 150),
        ("guidance_scale", "cfgScale", 0, 30),
    ):
        values = [
            value for meta in metas if (value := number(meta.get(key))) is not None and low <= value <= high
        ]
        if len(values) >= 2:
            middle = statistics.median_low(values)
            found[name] = int(middle) if name == "num_inference_steps" else middle
    samplers = [text(meta.get("sampler")) for meta in metas if text(meta.get("sampler"))]
    if len(samplers) >= 2:
        found["sampler"] = statistics.mode(samplers)
    sizes = [match[0] for meta in metas if (match := _SIZE.fullmatch(text(meta.get("Size"))))]
    if len(sizes) >= 2:
        width, height = map(int, statistics.mode(sizes).split("x"))
        found |= {"width": width, "height": height}
    if version.strength is not None:
        found["weight"] = version.strength
    return found


def sidecar_of(target: Path) -> Path:
    """Return where the note about a file lies."""
    return target.with_suffix(".json")


def write_sidecar(target: Path, plain: Mapping[str, Any]) -> None:
    """Write the note in one step."""
    place = sidecar_of(target)
    draft = place.with_name(place.name + ".new")
    draft.write_text(json.dumps(plain, ensure_ascii=False, indent=1), encoding="utf-8")
    os.replace(draft, place)


def read_sidecars(folders: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield our notes whose files are still there, with the files."""
    for folder in folders:
        for place in sorted(folder.glob("*/*.json")) if folder.is_dir() else ():
            target = _file_of(place)
            if target is None:
                continue
            try:
                plain = json.loads(place.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError):
                continue
            if isinstance(plain, dict) and plain.get("source") == "civitai":
                yield target, plain


def _file_of(note: Path) -> Path | None:
    files = (note.with_suffix(ending) for ending in FORMATS)
    return next((file for file in files if file.is_file()), None)
