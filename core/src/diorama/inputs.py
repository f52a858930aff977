"""Every way to hand over a picture, a video or a sound, ending in one checked :class:`MediaInput`, and to use one again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from diorama.access.fetch import SafeFetch
from diorama.assets.store import AssetStore
from diorama.contract import InvalidRequest, MediaInput
from diorama.ids import is_id
from diorama.jobs.submission import Submission
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


def keep_inputs(submission: Submission, settings: Settings) -> None:
    """Let the inputs of a submission that is used again count as handed in just now.

    Raises:
        InvalidRequest: one of them is not there any more.
    """
    from diorama.assets.leftovers import touch

    given: dict[str, MediaInput | None] = {
        f"reference_images[{index}]": item for index, item in enumerate(submission.images)
    }
    given |= {f"sounds[{index}]": item for index, item in enumerate(submission.sounds)}
    given |= {f"control.{kind}": item for kind, item in submission.control.items()}
    given |= {"mask": submission.mask, "media": submission.media}
    for name, item in given.items():
        path = Path(item.path) if item is not None else None
        if path is not None and path.parent == settings.inputs_dir.absolute() and not touch(path):
            raise InvalidRequest(f"The input {name} is not here any more.", field=name, fix="Give it again.")
