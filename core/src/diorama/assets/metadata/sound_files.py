"""Recipes in sound files, whatever the container calls its texts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from diorama.assets.formats import BY_MIME
from diorama.assets.metadata import flac_file, mp3_file, mp4_file, wav_file
from diorama.assets.metadata.buffer import Buffer

SOURCE_TYPE = "digital_source_type"
"""Name of the XMP packet where a container has no place of its own for it."""


def read_ogg(data: Buffer) -> dict[str, str]:
    """Return the comments of an Ogg file by their names in lower case."""
    import io

    from diorama.assets.formats import FORMATS
    from diorama.assets.opening import open_media

    tags: dict[str, str] = {}
    try:
        with open_media(io.BytesIO(data[:]), FORMATS["ogg"], most_pixels=1) as container:
            tags |= container.metadata
            for stream in container.streams:
                tags |= stream.metadata
    except Exception:  # any damage at all means: no settings here
        return {}
    return {name.lower(): value for name, value in tags.items()}


READERS: dict[str, Callable[[Buffer], dict[str, str]]] = {
    "flac": flac_file.read,
    "mp3": mp3_file.read,
    "wav": wav_file.read,
    "m4a": mp4_file.read,
    "ogg": read_ogg,
}
"""What reads the texts of a sound file, by format."""


def embed_sound(
    source: Path, data: Buffer, target: Path, mime: str, texts: Mapping[str, str], packet: bytes
) -> None:
    """Copy a sound file with a recipe inside; the sound is copied as it is, and other tools' texts stay.

    Args:
        source: The file.
        data: Its content.
        target: New file.
        mime: Its type.
        texts: ``recipe``, our JSON, and ``line``, the same for people.
        packet: XMP in UTF-8.

    Raises:
        ValueError: the file is damaged.
    """
    named = {"diorama": texts["recipe"], "description": texts["line"]}
    usual = {"comment": texts["recipe"], "description": texts["line"]}
    if mime == "audio/flac":
        with target.open("xb") as out:
            flac_file.write(data, named | {SOURCE_TYPE: packet.decode()}, out)
    elif mime == "audio/mpeg":
        with target.open("xb") as out:
            mp3_file.write(data, named, packet, out)
    elif mime == "audio/wav":
        with target.open("xb") as out:
            wav_file.write(data, usual, packet, out)
    elif mime == "audio/mp4":
        _embed_m4a(source, data, target, usual, packet)
    else:
        _remux(source, target, mime, named | {SOURCE_TYPE: packet.decode()})


def _embed_m4a(source: Path, data: Buffer, target: Path, texts: dict[str, str], packet: bytes) -> None:
    try:
        with target.open("xb") as out:
            mp4_file.write(data, texts, packet, out)
    except ValueError:  # fragments: written anew as one piece
        target.unlink()
        _remux(source, target, "audio/mp4", texts)


def _remux(source: Path, target: Path, mime: str, texts: dict[str, str]) -> None:
    from diorama.assets.sound_writing import remux_sound

    remux_sound(source, BY_MIME[mime], target, BY_MIME[mime].name, texts)


def strip_sound(source: Path, data: Buffer, target: Path, mime: str) -> None:
    """Copy a sound file without any text.

    Raises:
        ValueError: the file is damaged.
    """
    if mime in ("audio/mp4", "audio/ogg"):
        from diorama.assets.sound_writing import remux_sound

        remux_sound(source, BY_MIME[mime], target, BY_MIME[mime].name, keep=False)
        return
    with target.open("xb") as out:
        if mime == "audio/flac":
            flac_file.write(data, {}, out, keep=False)
        elif mime == "audio/mpeg":
            mp3_file.write(data, {}, b"", out, keep=False)
        else:
            wav_file.write(data, {}, b"", out, keep=False)
