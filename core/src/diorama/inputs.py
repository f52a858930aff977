"""Every way to hand over a picture or a video, ending in one checked :class:`MediaInput`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from diorama.access.fetch import SafeFetch
from diorama.assets.store import AssetStore
from diorama.contract import InvalidRequest, MediaInput
from diorama.ids import is_id
from diorama.settings import Settings


def take_in(
    source: bytes | Path | str, *, name: str, settings: Settings, assets: AssetStore, fetch: SafeFetch
) -> MediaInput:
    """Store and check an input.

    Args:
        source: Bytes, a local path (from this machine's own command line only), or text: an asset id, a data URL or
            base64, or an http(s) address.
        name: Request field, for errors.
        settings: Limits and folders.
        assets: Where asset ids are looked up.
        fetch: Way to the network for addresses.

    Raises:
        InvalidRequest: it cannot be used.
        NotFound: there is no asset with that id.
    """
    from diorama.assets import intake  # with all that reads pictures and videos

    if isinstance(source, bytes | Path):
        return intake.take_in(source, settings, name=name)
    text = source.strip()
    if is_id(text):
        return assets.as_input(text)
    if text.startswith(("http://", "https://")):
        with tempfile.TemporaryDirectory(prefix="diorama-fetch-") as folder:
            limit = settings.limits.upload_bytes
            fetched = fetch.fetch(text, work_dir=Path(folder), max_bytes=limit)
            return intake.take_in(fetched.path, settings, name=name)
    if "://" in text[:40]:
        raise InvalidRequest(
            f"{name} is not an http or https address.", field=name, fix="Upload the file instead."
        )
    return intake.take_in(intake.decode_data_url(text, name=name, settings=settings), settings, name=name)
