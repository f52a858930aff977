"""Opening media files to read them, so that nothing in them reaches beyond the file or unfolds while it is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer

    from diorama.assets.formats import Format

MOST_STREAMS = 32
"""Streams of a file, pictures of its cover included; files with more are refused."""
_OPTIONS = {"protocol_whitelist": "file", "max_streams": str(MOST_STREAMS)}
"""Nothing inside a media file may make the reader open another file or an address."""


def open_media(source: Path | BinaryIO, found: Format, *, most_pixels: int = 64_000_000) -> InputContainer:
    """Open a media file; the caller closes it.

    The reader decodes the beginning of every stream to learn what it is, also the picture of a cover, which may be a
    few kilobytes that stand for a gigabyte.

    Args:
        source: The file.
        found: What it was recognised as.
        most_pixels: Pictures that are larger are not decoded while it is opened.

    Raises:
        av.FFmpegError: it cannot be opened.
    """
    import av

    limits: Any = [{"max_pixels": str(most_pixels)}] * MOST_STREAMS
    file: Any = source if hasattr(source, "read") else str(source)
    opened: InputContainer = av.open(file, format=found.reader, options=_OPTIONS, stream_options=limits)
    return opened
