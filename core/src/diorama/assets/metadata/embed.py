"""Putting a recipe into a file, and taking everything out of one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diorama.assets.formats import BY_MIME
from diorama.assets.metadata import (
    a1111,
    exif,
    gif_file,
    jpeg_file,
    mp4_file,
    png_file,
    sound_files,
    webp_file,
    xmp,
)
from diorama.assets.metadata.buffer import Buffer, mapped

RECIPE_KEY = "diorama"
"""Keyword of our JSON in a PNG file."""


def embed(source: Path, target: Path, recipe: Mapping[str, Any], mime: str) -> None:
    """Copy ``source`` to ``target`` with ``recipe`` inside: our JSON, an A1111 line, and the digital source type.

    Pixels and samples are copied as they are. Other tools' texts in PNG files stay beside ours.

    Args:
        source: Encoded file.
        target: New file.
        recipe: From :func:`diorama.assets.recipe.build_recipe`.
        mime: Type of the file.

    Raises:
        ValueError: the file is not of that type, or of one that carries no recipe.
    """
    tool = f"Diorama {recipe.get('diorama', '')}".strip()
    kind = xmp.COMPOSITE if recipe.get("parents") else xmp.TRAINED
    text, line = json.dumps(recipe, separators=(",", ":")), a1111.write(recipe)
    with mapped(source) as data:
        if mime == "image/png":
            texts = {"parameters": line, RECIPE_KEY: text, png_file.XMP: xmp.build(tool, kind)}
            with target.open("xb") as out:
                png_file.write(data, texts, out)
        elif mime == "image/jpeg":
            _write_jpeg(data, target, recipe, tool, kind)
        elif mime == "image/webp":
            block = exif.build(line, tool, webp_file.read_orientation(data))
            with target.open("xb") as out:
                webp_file.write(data, block, xmp.build(tool, kind, text).encode(), out)
        elif mime == "image/gif":
            with target.open("xb") as out:
                gif_file.write(data, line, xmp.build(tool, kind, text).encode(), out)
        elif mime in ("video/mp4", "video/webm"):
            tags = {"comment": text, "description": line}
            _write_video(source, data, target, mime, tags, xmp.build(tool, kind).encode())
        elif mime.startswith("audio/"):
            texts = {"recipe": text, "line": line}
            sound_files.embed_sound(source, data, target, mime, texts, xmp.build(tool, kind).encode())
        else:
            raise ValueError(f"files of type {mime} carry no recipe")


def strip(source: Path, target: Path, mime: str) -> None:
    """Copy ``source`` to ``target`` without any text about how it was made.

    Raises:
        ValueError: the file is not of that type.
    """
    with mapped(source) as data:
        if mime in ("video/mp4", "video/webm"):
            from diorama.assets.video import remux

            remux(source, BY_MIME[mime], target, BY_MIME[mime].name, keep=False)
            return
        if mime.startswith("audio/"):
            sound_files.strip_sound(source, data, target, mime)
            return
        with target.open("xb") as out:
            if mime == "image/png":
                png_file.write(data, {}, out, keep=False)
            elif mime == "image/jpeg":
                jpeg_file.write(data, _upright_only(jpeg_file.read_orientation(data)), b"", out, keep=False)
            elif mime == "image/webp":
                webp_file.write(data, _upright_only(webp_file.read_orientation(data)), b"", out)
            elif mime == "image/gif":
                gif_file.write(data, "", b"", out)
            else:
                raise ValueError(f"files of type {mime} are not known")


def _upright_only(orientation: int) -> bytes:
    """Keep the one EXIF value that changes what people see."""
    return b"" if orientation == 1 else exif.build("", "", orientation)


def _write_jpeg(data: Buffer, target: Path, recipe: Mapping[str, Any], tool: str, kind: str) -> None:
    """Write EXIF and XMP; a JPEG segment holds 64 kB, so the bulkiest parts of a recipe may have to stay out."""
    orientation = jpeg_file.read_orientation(data)
    for leave_out in (
        (),
        ("facts",),
        ("facts", "parameters"),
        ("facts", "parameters", "prompt", "negative_prompt"),
    ):
        shorter = {key: value for key, value in recipe.items() if key not in leave_out}
        packet = xmp.build(tool, kind, json.dumps(shorter | ({"left_out": leave_out} if leave_out else {})))
        block = exif.build(a1111.write(shorter), tool, orientation)
        if len(packet.encode()) <= jpeg_file.MAX_SEGMENT and len(block) <= jpeg_file.MAX_SEGMENT:
            break
    with target.open("xb") as out:
        jpeg_file.write(data, block, packet.encode(), out)


def _write_video(
    source: Path, data: Buffer, target: Path, mime: str, tags: dict[str, str], packet: bytes
) -> None:
    if mime == "video/mp4":
        try:
            with target.open("xb") as out:
                mp4_file.write(data, tags, packet, out)
            return
        except ValueError:
            target.unlink()
    from diorama.assets.video import remux

    remux(source, BY_MIME[mime], target, BY_MIME[mime].name, tags | {"digital_source_type": packet.decode()})
