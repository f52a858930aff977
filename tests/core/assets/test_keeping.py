"""Thrown away, brought back, renamed, ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.contract import InvalidRequest, NotFound

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_trash_restore_purge(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset, kept = keep(picture()), keep(picture())
    path, thumbnail = store.file(asset.id), store.thumbnail(asset.id)
    assert store.trash(asset.id).trashed_at is not None
    assert ids(store.list()) == [kept.id]
    assert ids(store.list(trashed=True)) == [asset.id]
    assert path.exists()
    assert store.restore(asset.id).trashed_at is None
    assert ids(store.list()) == [kept.id, asset.id]
    store.trash(asset.id)
    assert store.empty_trash(before=time.time() - 60) == 0
    assert store.empty_trash() == 1
    assert not path.exists()
    assert not thumbnail.exists()
    for action in (
        store.get,
        store.file,
        store.thumbnail,
        store.trash,
        store.restore,
        store.favourite,
        store.purge,
        store.as_input,
        store.export,
    ):
        with pytest.raises(NotFound):
            action(asset.id)
    assert store.file(kept.id).exists()


def test_titles(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset = keep(picture())
    assert store.rename(asset.id, "Home").title == "Home"
    assert store.rename(asset.id, "").title is None
    with pytest.raises(InvalidRequest) as caught:
        store.rename(asset.id, "x" * 201)
    assert caught.value.field == "title"
