"""Words are found, and no text breaks the query."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.database.writer import Database
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_search_words(keep: Keep, store: AssetStore, picture: Make) -> None:
    def made(prompt: str) -> str:
        return keep(picture(8, 8), request={"prompt": prompt}).id

    ball, house, both = made("a red ball"), made("Ein rotes Häuschen am Fluß"), made("red house, ball-room")
    every = {ball, house, both}
    found = {
        "red": {ball, both}, "RED ball": {ball, both}, '"red ball"': {ball}, "hauschen": {house}, "häu": {house},
        "ba": {ball, both}, "red -house": {ball}, "-house": set(), "ball-room": {both}, "nothing": set(), "pocket": every,
        "lora": every, "!!!": set(), '"': set(), "* OR NEAR(": set(), "prompt:red": set(), "red AND": set(),
        "' OR 1=1 --": set(), "": every, "\0": set(), "red\0": {ball, both}, "\ud800": set(), "x" * 5000: set(),
    }  # fmt: skip
    for words, expected in found.items():
        assert set(ids(store.list(q=words))) == expected, words
    store.rename(ball, "Sunset \x1b[31m 夕日")
    assert ids(store.list(q="sunset")) == [ball]
    store.rename(ball, None)
    assert ids(store.list(q="sunset")) == []
    store.purge(both)
    assert ids(store.list(q="house")) == []


@hypothesis_settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.text(max_size=60) | st.text(alphabet='"-*():^+ ANDORNTabc', max_size=40))
def test_no_search_text_breaks_the_query(store: AssetStore, words: str) -> None:
    store.list(q=words, lora=words)
    store.count(q=words)


def test_the_text_index_survives_vacuum(
    keep: Keep, store: AssetStore, database: Database, picture: Make
) -> None:
    first, second = (
        keep(picture(8, 8), request={"prompt": "first"}),
        keep(picture(8, 8), request={"prompt": "second"}),
    )
    store.purge(first.id)
    raw = database.engine.raw_connection()
    try:
        raw.cursor().execute("VACUUM")
    finally:
        raw.close()
    assert ids(store.list(q="second")) == [second.id]
