"""Nothing but an id of ours reaches a file, and no file outside the folder is opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.assets.files import inside
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.contract import NotFound
from diorama.database.writer import Database
from diorama.ids import is_id
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


@hypothesis_settings(
    max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.text(max_size=40)
    | st.sampled_from(
        [
            "../../etc/passwd",
            "..%2f..",
            "a\0b",
            "C:\\x",
            "\\\\host\\x",
            "x:stream",
            "‮gnp.exe",
            "." * 300,
            "0" * 26 + "\n",
        ]
    )
)
def test_no_text_but_an_id_reaches_a_file(store: AssetStore, text: str) -> None:
    if is_id(text):
        return
    for action in (
        store.get,
        store.file,
        store.thumbnail,
        store.export,
        store.trash,
        store.restore,
        store.purge,
        store.as_input,
    ):
        with pytest.raises(NotFound) as caught:
            action(text)
        assert not text.strip() or len(text) < 3 or text not in caught.value.message


@pytest.mark.parametrize(
    "relative",
    [
        "../outside.png",
        "/etc/passwd",
        "2026/../../outside.png",
        "link/inner.png",
        "link.png",
        "2026/11/\0",
        "missing.png",
        ".",
        "",
    ],
)
def test_nothing_outside_is_opened_and_no_link_followed(tmp_path: Path, relative: str) -> None:
    root, outside = tmp_path / "root", tmp_path / "elsewhere"
    (root / "2026").mkdir(parents=True)
    outside.mkdir()
    for path in (outside / "inner.png", tmp_path / "outside.png"):
        path.write_bytes(b"secret")
    (root / "link").symlink_to(outside)
    (root / "link.png").symlink_to(outside / "inner.png")
    with pytest.raises(NotFound):
        inside(root, relative)


def test_a_data_folder_behind_a_link_is_the_users_choice(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.png").write_bytes(b"x")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert inside(tmp_path / "root", "a.png").read_bytes() == b"x"


def test_a_path_in_a_row_that_was_tampered_with_opens_nothing(
    keep: Keep, store: AssetStore, database: Database, picture: Make
) -> None:
    from diorama.database.tables import assets

    asset = keep(picture())
    database.write(
        lambda c: c.execute(assets.update().values(path="../diorama.sqlite", thumbnail="../diorama.sqlite"))
    ).result()
    for action in (store.file, store.export, store.as_input, store.thumbnail):
        with pytest.raises(NotFound):
            action(asset.id)
