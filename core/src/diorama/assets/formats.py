"""Which file formats exist for us, and how a file's first bytes tell them apart."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from diorama.contract import MediaKind


@dataclass(frozen=True, slots=True)
class Format:
    """One file format.

    Attributes:
        name: Lower-case name, also the file's extension but for ``jpeg`` (``jpg``).
        mime: Content type.
        extension: Without the dot.
        kind: ``image``, ``video`` or ``audio``.
        reader: Pillow's or FFmpeg's name of the one reader that may open it.
        kept: Whether outputs may stay in this format; others are re-encoded.
    """

    name: str
    mime: str
    extension: str
    kind: MediaKind
    reader: str
    kept: bool = True


FORMATS: dict[str, Format] = {
    item.name: item
    for item in (
        Format("png", "image/png", "png", "image", "PNG"),
        Format("jpeg", "image/jpeg", "jpg", "image", "JPEG"),
        Format("webp", "image/webp", "webp", "image", "WEBP"),
        Format("gif", "image/gif", "gif", "image", "GIF"),
        Format("bmp", "image/bmp", "bmp", "image", "BMP", kept=False),
        Format("tiff", "image/tiff", "tiff", "image", "TIFF", kept=False),
        Format("avif", "image/avif", "avif", "image", "AVIF", kept=False),
        Format("mp4", "video/mp4", "mp4", "video", "mov"),
        Format("webm", "video/webm", "webm", "video", "matroska"),
        Format("mov", "video/quicktime", "mov", "video", "mov", kept=False),
        Format("mkv", "video/x-matroska", "mkv", "video", "matroska", kept=False),
        Format("flac", "audio/flac", "flac", "audio", "flac"),
        Format("mp3", "audio/mpeg", "mp3", "audio", "mp3"),
        Format("ogg", "audio/ogg", "ogg", "audio", "ogg"),
        Format("wav", "audio/wav", "wav", "audio", "wav"),
        Format("m4a", "audio/mp4", "m4a", "audio", "mov"),
        Format("aac", "audio/aac", "aac", "audio", "aac", kept=False),
        Format("aiff", "audio/aiff", "aiff", "audio", "aiff", kept=False),
    )
}
"""Every format that is read, by name."""

BY_MIME: dict[str, Format] = {item.mime: item for item in FORMATS.values()}
"""The same by content type."""

OTHER_NAMES: dict[str, str] = {"jpg": "jpeg", "opus": "ogg", "oga": "ogg"}
"""What people call a format besides its name."""

HEAD_BYTES = 4096
"""How much of a file :func:`sniff` needs."""


def sniff(head: bytes) -> Format | None:
    """Return the format that the first bytes of a file announce, ``None`` for anything we do not read."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FORMATS["png"]
    if head.startswith(b"\xff\xd8\xff"):
        return FORMATS["jpeg"]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return FORMATS["webp"]
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return FORMATS["gif"]
    if head[:2] == b"BM" and len(head) >= 26:
        return FORMATS["bmp"]
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return FORMATS["tiff"]
    if head[4:8] == b"ftyp":
        return _sniff_iso(head)
    if head[:4] == b"\x1aE\xdf\xa3":
        return FORMATS["webm"] if b"webm" in head[:64] else FORMATS["mkv"]
    if head[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip"):
        return FORMATS["mov"]
    return _sniff_sound(head)


def _sniff_sound(head: bytes) -> Format | None:
    if head[:4] == b"fLaC":
        return FORMATS["flac"]
    if head[:4] == b"OggS":
        return FORMATS["ogg"]
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return FORMATS["wav"]
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return FORMATS["aiff"]
    if head[:3] == b"ID3":
        return FORMATS["mp3"]
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:  # MPEG's sync word, and no layer: ADTS
        return FORMATS["aac"]
    if len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] < 0xF0:  # layer III
        return FORMATS["mp3"]
    return None


def _sniff_iso(head: bytes) -> Format | None:
    size = int.from_bytes(head[:4], "big")
    brands = head[8 : max(12, min(size, len(head)))]
    if brands[:4] in (b"avif", b"avis") or (brands[:4] == b"mif1" and b"avif" in brands):
        return FORMATS["avif"]
    if brands[:4] in (b"heic", b"heix", b"mif1", b"msf1"):
        return None
    if brands[:4] in (b"M4A ", b"M4B "):
        return FORMATS["m4a"]
    return FORMATS["mov"] if brands[:4] == b"qt  " else FORMATS["mp4"]


def read_head(source: bytes | Path) -> bytes:
    """Return the first bytes of ``source`` for :func:`sniff`."""
    if isinstance(source, bytes):
        return source[:HEAD_BYTES]
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)
