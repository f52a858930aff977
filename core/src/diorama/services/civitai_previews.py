"""Preview pictures of Civitai for pages, which load nothing from other hosts: fetched, decoded, made small, kept."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from diorama.contract import BackendError, InvalidRequest
from diorama.services.backends import backend_with

if TYPE_CHECKING:
    from PIL.Image import Image

    from diorama.engine import Engine

BACKEND = "civitai"
SIDES = {"card": 480, "page": 1280}
"""Longest side in pixels, by where a preview is shown."""
_MOST_BYTES = 24 * 1024**2
_SECONDS = 20.0
_KEPT = 2000
"""Previews on disk; beyond this a quarter of them goes, oldest first."""
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*civitai\.(?:com|red|green)")
_CHANGES = re.compile(r"[a-z]+=[A-Za-z0-9]+(?:,[a-z]+=[A-Za-z0-9]+)*")
"""The part of an address of Civitai's image server that says how the file is changed on its way."""


def preview(engine: Engine, url: str, size: str = "card") -> Path:
    """Return a WebP of a preview picture, or of the first frame of a preview video.

    Args:
        engine: The engine.
        url: As a model or a version lists it.
        size: A key of :data:`SIDES`.

    Raises:
        InvalidRequest: the address is not Civitai's; ``field`` is ``url``.
        BackendError: it does not come, or is no picture.
        BackendNotReady: Diorama is offline, or the plugin is not installed.
    """
    backend_with(engine, BACKEND, "search")
    _check(engine, url)
    folder = engine.settings.cache_dir / "civitai-previews"
    target = folder / f"{hashlib.sha256(f'{size} {url}'.encode()).hexdigest()[:40]}.webp"
    if target.is_file():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    _write(_picture(engine, url, SIDES[size]), SIDES[size], target)
    _prune(folder)
    return target


def _check(engine: Engine, url: str) -> None:
    """Refuse what is neither Civitai nor a host that the user put into the settings of this backend."""
    from diorama.access.addresses import configured_hosts

    scheme, host, port = "", "", None
    try:
        parts = urlsplit(url)
        scheme, host = parts.scheme, (parts.hostname or "").lower()
        port = parts.port or {"http": 80, "https": 443}.get(scheme)
    except ValueError:
        host = ""  # it cannot be read, so it is nobody's
    known = configured_hosts(engine.settings.backends.get(BACKEND, {}))
    if (host, port) in known or (host, None) in known:
        return
    if scheme != "https" or not _HOST.fullmatch(host):
        raise InvalidRequest(
            f"{host or 'That'} is no host of Civitai.", field="url", fix="Use an address that a model lists."
        )


def _picture(engine: Engine, url: str, side: int) -> Image:
    from diorama.access.fetch import SafeFetch
    from diorama.assets.decoding import Undecodable

    fetch = SafeFetch(engine.settings, backend=BACKEND, max_seconds=_SECONDS)
    addresses = dict.fromkeys((smaller(url, side), url))
    with tempfile.TemporaryDirectory(prefix="preview-", dir=engine.settings.cache_dir) as folder:
        for address in addresses:
            try:
                found = fetch.fetch(address, work_dir=Path(folder), max_bytes=_MOST_BYTES, timeout=_SECONDS)
                return _decoded(found.path, engine)
            except (BackendError, Undecodable) as error:
                problem = error
    if isinstance(problem, BackendError):
        raise problem
    raise BackendError("The preview is not a picture.") from problem


def smaller(url: str, side: int) -> str:
    """Return the address at which Civitai's image server gives a still of at most ``side`` pixels width, where it has one."""
    parts = urlsplit(url)
    steps = parts.path.split("/")
    places = [place for place, step in enumerate(steps) if _CHANGES.fullmatch(step)]
    if not places or not _HOST.fullmatch((parts.hostname or "").lower()):
        return url
    steps[places[-1]] = f"anim=false,width={side}"
    return urlunsplit(parts._replace(path="/".join(steps)))


def _decoded(file: Path, engine: Engine) -> Image:
    from diorama.assets.decoding import decode, open_image, recognise
    from diorama.assets.video import read_video

    limits = engine.settings.limits
    found = recognise(file)
    if found.kind == "video":
        return read_video(file, found, limits).poster
    with open_image(file, limits) as opened:
        return decode(opened).copy()


def _write(picture: Image, side: int, target: Path) -> None:
    from diorama.assets.decoding import plain_mode
    from diorama.assets.thumbnails import shrink

    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".new-")
    try:
        with os.fdopen(handle, "wb") as file:
            shrink(plain_mode(picture), side).save(file, "WEBP", quality=80, method=2)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _prune(folder: Path) -> None:
    with os.scandir(folder) as found:
        names = [entry.path for entry in found if entry.name.endswith(".webp")]
    if len(names) <= _KEPT:
        return
    ages = []
    for name in names:
        with suppress(OSError):  # another request is pruning, too
            ages.append((os.stat(name).st_mtime, name))
    for _, name in sorted(ages)[: _KEPT // 4]:
        Path(name).unlink(missing_ok=True)
