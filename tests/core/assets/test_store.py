"""From content to a file, a thumbnail and a row."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from diorama.assets.metadata import read_metadata
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.ids import first_id_at, id_time, is_id, new_id
from PIL import Image

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_an_asset_is_a_file_with_its_recipe_a_thumbnail_and_a_row(
    keep: Keep, store: AssetStore, picture: Make
) -> None:
    asset = keep(picture(), seed=7, session_id="s", batch_id="b", owner="ann", facts={"model_revision": "r1"})
    path = store.file(asset.id)
    year_month = time.strftime("%Y/%m", time.gmtime(id_time(asset.id)))
    assert path == store.root / year_month / f"{asset.id}.png"
    assert np.array_equal(np.asarray(Image.open(path)), picture())
    assert read_metadata(path).recipe == asset.recipe
    assert asset.recipe["model_revision"] == "r1"
    assert (asset.kind, asset.mime, asset.width, asset.height, asset.seed) == (
        "image",
        "image/png",
        96,
        64,
        7,
    )
    assert (asset.session_id, asset.batch_id, asset.owner, asset.operation) == ("s", "b", "ann", "generate")
    assert (asset.model, asset.loras, asset.bytes) == ("local:pocket", ("my lora, v2",), path.stat().st_size)
    assert asset.created_at == pytest.approx(time.time(), abs=30)
    with Image.open(store.thumbnail(asset.id)) as thumbnail:
        assert thumbnail.format == "WEBP"
    assert {entry.name for entry in path.parent.iterdir()} == {path.name, f"{asset.id}.thumb.webp"}


def test_a_lost_thumbnail_is_made_again(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    for asset in (keep(picture()), keep(clip, kind="video", fps=8)):
        path = store.thumbnail(asset.id)
        path.unlink()
        with Image.open(store.thumbnail(asset.id)) as again:
            assert again.size == (96, 64)
        path.write_bytes(b"")
        assert store.thumbnail(asset.id).stat().st_size > 0


def test_an_asset_becomes_an_input(keep: Keep, store: AssetStore, picture: Make) -> None:
    asset = keep(picture())
    given_back = store.as_input(asset.id)
    assert (given_back.asset_id, given_back.sha256, given_back.width) == (asset.id, asset.sha256, 96)
    assert np.array_equal(np.asarray(given_back.load_image()), picture())
    child = keep(
        picture(),
        request={"images": [{"path": given_back.path, "sha256": asset.sha256, "asset_id": asset.id}]},
    )
    assert child.parents == (asset.id,)


def test_many_threads_at_once(keep: Keep, store: AssetStore, picture: Make) -> None:
    made: list[str] = []
    errors: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for i in range(5):
                asset = keep(picture(8, 8), position=number * 5 + i)
                made.append(store.favourite(asset.id).id)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert set(ids(store.list(favourite=True))) == set(made)


def test_ids_tell_their_time() -> None:
    fresh = new_id()
    assert id_time(fresh) == pytest.approx(time.time(), abs=5)
    assert first_id_at(id_time(fresh)) <= fresh < first_id_at(id_time(fresh) + 0.002)
    assert is_id(first_id_at(0))


def test_rows_mirror_the_table() -> None:
    from dataclasses import fields

    from diorama.database.tables import assets

    assert {item.name for item in fields(Asset)} == set(assets.c.keys()) - {"number"}
    assert replace(Asset(id="x", kind="image", mime="", path="", bytes=0, sha256=""), seed=1).seed == 1
