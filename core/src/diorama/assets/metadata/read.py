"""Reading what any tool has written into a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from diorama.assets.formats import FORMATS, sniff
from diorama.assets.metadata import (
    a1111,
    comfyui,
    gif_file,
    jpeg_file,
    mp4_file,
    others,
    png_file,
    sound_files,
    webp_file,
    xmp,
)
from diorama.assets.metadata.buffer import Buffer, mapped
from diorama.assets.metadata.info import (
    ImageInfo,
    LoraUse,
    as_float,
    as_items,
    as_mapping,
    as_text,
    parse_json,
    plain_fields,
)

_READERS: dict[str, Callable[[Buffer], dict[str, str]]] = {
    "png": png_file.read,
    "jpeg": jpeg_file.read,
    "webp": webp_file.read,
    "gif": gif_file.read,
    "mp4": mp4_file.read,
    "mov": mp4_file.read,
    **sound_files.READERS,
}


def read_metadata(source: bytes | Path) -> ImageInfo:
    """Return the settings found in a picture, a video or a sound file.

    Damaged, foreign or missing data gives an empty record, never an error (but a file that cannot be opened does).

    Args:
        source: The file or its content.

    Raises:
        OSError: the file cannot be opened.
    """
    with mapped(source) as data:
        found = sniff(data[:4096])
        reader = _READERS.get(found.name) if found else None
        try:
            texts = reader(data) if reader else {}
        except ValueError:  # a sound file whose head is cut off
            texts = {}
    if found is not None and found.reader == "matroska":
        texts = _matroska(source)
    if sound_files.SOURCE_TYPE in texts:
        texts["xmp"] = texts.pop(sound_files.SOURCE_TYPE)
    return interpret(texts)


def _matroska(source: bytes | Path) -> dict[str, str]:
    import io

    from diorama.assets.opening import open_media

    file = source if isinstance(source, Path) else io.BytesIO(source)
    try:
        with open_media(file, FORMATS["webm"], most_pixels=1) as container:
            tags = {key.lower(): value for key, value in container.metadata.items()}
    except Exception:  # any damage at all means: no settings here
        return {}
    return tags


def interpret(texts: Mapping[str, str]) -> ImageInfo:
    """Turn the texts of a file into settings.

    Args:
        texts: By their names in the file: PNG keywords, EXIF tags, ``xmp``, ``comment``.
    """
    packet = texts.get("xmp", texts.get(png_file.XMP, ""))
    info = _ours(texts, packet) or _theirs(texts) or ImageInfo()
    return replace(info, raw=dict(texts), source_type=xmp.read_source_type(packet))


def _ours(texts: Mapping[str, str], packet: str) -> ImageInfo | None:
    for text in (texts.get("diorama"), xmp.read_recipe(packet), texts.get("comment")):
        recipe = parse_json(text) if text else None
        if isinstance(recipe, Mapping) and "diorama" in recipe and "schema" in recipe:
            return _from_recipe(recipe)
    return None


def _from_recipe(recipe: Mapping[str, Any]) -> ImageInfo:
    loras = [as_mapping(item) for item in as_items(recipe.get("loras"))]
    return ImageInfo(
        **plain_fields(recipe, sampler="scheduler"),
        source="diorama",
        model_hash=as_text(recipe.get("model_hash")) or None,
        loras=tuple(
            LoraUse(
                name=as_text(item["id"]),
                weight=as_float(item.get("weight")),
                hash=as_text(item.get("sha256")) or None,
            )
            for item in loras
            if as_text(item.get("id"))
        ),
        recipe=recipe,
    )


def _theirs(texts: Mapping[str, str]) -> ImageInfo | None:
    for name in ("parameters", "UserComment", "ImageDescription", "description", "comment"):
        text = texts.get(name, "")
        if not text:
            continue
        plain = parse_json(text) if text.lstrip().startswith("{") else None
        info = others.read_swarmui(plain) or _comfyui(as_mapping(plain)) if plain is not None else None
        if info is not None or (info := a1111.read(text) if a1111.looks_like(text) else None):
            return info
    invokeai = texts.get("invokeai_metadata")
    if invokeai and (info := others.read_invokeai(parse_json(invokeai))):
        return info
    return _comfyui({key: parse_json(value) for key, value in _graphs(texts)})


def _graphs(texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return ComfyUI's texts: PNG keywords, or ``prompt:{...}`` in the EXIF tags that its WebP writer uses."""
    found = [(key, texts[key]) for key in ("prompt", "workflow") if key in texts]
    for name in ("Make", "Model", "ImageDescription", "UserComment"):
        key, colon, value = texts.get(name, "").partition(":")
        if colon and key.lower() in ("prompt", "workflow"):
            found.append((key.lower(), value))
    return found


def _comfyui(found: Mapping[str, Any]) -> ImageInfo | None:
    graph = found.get("prompt")
    return comfyui.read(parse_json(graph) if isinstance(graph, str) else graph)
