"""Assets on their way out: other formats, without their recipe, many in one archive."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from diorama.assets.decoding import Undecodable, decode, open_image, plain_mode
from diorama.assets.formats import BY_MIME, FORMATS, OTHER_NAMES
from diorama.assets.metadata import embed, strip
from diorama.assets.pixels import encode_image
from diorama.assets.records import Asset
from diorama.assets.thumbnails import make_thumbnail
from diorama.contract import DioramaError, InvalidRequest, NotFound
from diorama.settings import LimitSettings

PICTURES = ("png", "jpeg", "webp")
"""Formats that a picture can be exported in."""

SOUNDS = ("flac", "mp3", "ogg", "wav", "m4a")
"""Formats that a sound can be exported in."""

_OFFERED: dict[str, tuple[str, ...]] = {"image": PICTURES, "audio": SOUNDS}

_PIECE = 1 << 18


def export_asset(
    asset: Asset, path: Path, format: str | None, metadata: bool, limits: LimitSettings
) -> tuple[Path | bytes, str]:
    """Return ``path`` itself where it already is what was asked, else new bytes; with the content type.

    Raises:
        InvalidRequest: the asset cannot be had in that format.
        NotFound: its file is damaged.
    """
    wanted = _format(asset, format)
    mime = FORMATS[wanted].mime
    if mime == asset.mime and metadata:
        return path, mime
    with tempfile.TemporaryDirectory(prefix="diorama-export-") as folder:
        target = Path(folder) / f"out.{FORMATS[wanted].extension}"
        if mime == asset.mime:
            try:
                strip(path, target, mime)
            except ValueError as error:
                raise NotFound(f"The file of this asset is damaged ({error}).") from error
        else:
            plain = target.with_name(f"pixels.{FORMATS[wanted].extension}")
            _convert(path, plain, asset, wanted, limits)
            if not metadata:
                return plain.read_bytes(), mime
            embed(plain, target, asset.recipe, mime)
        return target.read_bytes(), mime


def fitting(asset: Asset, format: str | None) -> str | None:
    """Return ``format`` where an asset of this kind can be had in it, else ``None``: the format it has."""
    return format if format in _OFFERED.get(asset.kind, ()) else None


def _format(asset: Asset, format: str | None) -> str:
    own = BY_MIME[asset.mime].name
    if format is None:
        return own
    name = OTHER_NAMES.get(format.lower(), format.lower())
    offered = _OFFERED.get(asset.kind, ())
    if name == own or name in offered:
        return name
    raise InvalidRequest(
        f"This {asset.kind} cannot be exported as {name!r}.",
        field="format",
        fix=f"Choose {', '.join(dict.fromkeys((own, *offered)))}.",
    )


def _convert(path: Path, target: Path, asset: Asset, name: str, limits: LimitSettings) -> None:
    if asset.kind != "audio":
        target.write_bytes(_encoded(path, name, limits))
        return
    from diorama.assets.sound_writing import transcode

    try:
        transcode(path, BY_MIME[asset.mime], target, format=name)
    except ValueError as error:
        raise NotFound(f"The file of this asset is damaged, or cannot become {name}.") from error


def _encoded(path: Path, name: str, limits: LimitSettings) -> bytes:
    try:
        with open_image(path, limits) as opened:
            return encode_image(plain_mode(decode(opened)), name)
    except Undecodable as error:
        raise NotFound(f"The file of this asset is damaged. {error}") from error


def thumbnail_of(path: Path, limits: LimitSettings) -> bytes:
    """Return a new thumbnail of a stored file.

    Raises:
        NotFound: the file is damaged.
    """
    from diorama.assets.decoding import recognise
    from diorama.assets.sound import read_sound
    from diorama.assets.video import read_video
    from diorama.assets.waveform import draw

    try:
        found = recognise(path)
        if found.kind == "audio":
            return make_thumbnail(draw(read_sound(path, found, limits).peaks))[0]
        if found.kind == "video":
            return make_thumbnail(read_video(path, found, limits).poster)[0]
        with open_image(path, limits) as opened:
            return make_thumbnail(plain_mode(decode(opened)))[0]
    except Undecodable as error:
        raise NotFound(f"The file of this asset is damaged. {error}") from error


class _Pipe(io.RawIOBase):
    """A file that can only be written; what was written is taken away piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


def stream_zip(assets: Sequence[Asset], read: Callable[[Asset], tuple[Path | bytes, str]]) -> Iterator[bytes]:
    """Yield a ZIP archive piece by piece; pictures are compressed already, so they are only stored.

    Args:
        assets: What goes in, under names made of our ids.
        read: Gives the content of one.
    """
    pipe, failed = _Pipe(), []
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as archive:
        for asset in assets:
            try:
                content, mime = read(asset)
            except DioramaError as error:
                failed.append(f"{asset.id}: {error.message}")
                continue
            entry = zipfile.ZipInfo(f"{asset.id}.{BY_MIME[mime].extension}")
            with archive.open(entry, "w", force_zip64=True) as target:
                for piece in _pieces(content):
                    target.write(piece)
                    yield pipe.take()
        if failed:
            archive.writestr("MISSING.txt", "\n".join(failed) + "\n")
    yield pipe.take()


def _pieces(content: Path | bytes) -> Iterator[bytes]:
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        while piece := file.read(_PIECE):
            yield piece
