"""Assets leave as files of another format or as an archive."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diorama.assets.metadata import read_metadata
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.contract import InvalidRequest, NotFound
from diorama.ids import new_id
from PIL import Image

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def test_exports(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    asset = keep(picture())
    same, mime = store.export(asset.id)
    assert (same, mime) == (store.file(asset.id), "image/png")
    for name, kind in (
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("webp", "image/webp"),
    ):
        for metadata in (True, False):
            content, mime = store.export(asset.id, name, metadata=metadata)
            data = content if isinstance(content, bytes) else content.read_bytes()
            assert mime == kind
            assert (read_metadata(data).recipe == asset.recipe) is metadata
            assert (b"red ball" in data) is metadata
            with Image.open(io.BytesIO(data)) as opened:
                assert np.abs(np.asarray(opened.convert("RGB")).astype(int) - picture()).mean() < (
                    1 if name == "png" else 6
                )
    film = keep(clip, kind="video", fps=8)
    bare, mime = store.export(film.id, metadata=False)
    assert mime == "video/mp4"
    assert isinstance(bare, bytes)
    assert read_metadata(bare).recipe is None
    for bad in ("gif", "exe", "../png"):
        with pytest.raises(InvalidRequest) as caught:
            store.export(asset.id, bad)
        assert caught.value.field == "format"
    with pytest.raises(InvalidRequest):
        store.export(film.id, "png")


def test_a_zip_is_streamed(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    made = [keep(picture(seed=1)), keep(clip, kind="video", fps=8), keep(picture(seed=2))]
    pieces = list(store.export_zip([asset.id for asset in made] + [made[0].id]))
    assert len(pieces) >= 3
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [store.file(asset.id).name for asset in made]
        assert archive.read(archive.namelist()[1]) == store.file(made[1].id).read_bytes()
    store.file(made[0].id).unlink()
    with zipfile.ZipFile(
        io.BytesIO(b"".join(store.export_zip([asset.id for asset in made], "jpeg", metadata=False)))
    ) as archive:
        assert archive.namelist() == [f"{made[1].id}.mp4", f"{made[2].id}.jpg", "MISSING.txt"]
        assert made[0].id.encode() in archive.read("MISSING.txt")
    with pytest.raises(NotFound):
        store.export_zip([new_id()])
