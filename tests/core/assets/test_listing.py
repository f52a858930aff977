"""Pages, filters and counts: newest first, continued from the last row."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from diorama.assets.records import Asset
from diorama.assets.store import AssetStore
from diorama.contract import InvalidRequest

Keep = Callable[..., Asset]
Make = Callable[..., np.ndarray[Any, Any]]


def ids(page: Any) -> list[str]:
    return [asset.id for asset in page.items]


def test_pages_are_newest_first_and_meet_every_asset_once(
    keep: Keep, store: AssetStore, picture: Make
) -> None:
    made = [keep(picture(8, 8, seed=i)).id for i in range(11)]
    for narrowed in ({}, {"q": "red"}, {"kind": "image"}, {"lora": "my lora, v2"}):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = store.list(limit=4, cursor=cursor, **narrowed)
            seen += ids(page)
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == made[::-1]


def test_a_page_stays_true_while_others_come_and_go(keep: Keep, store: AssetStore, picture: Make) -> None:
    made = [keep(picture(8, 8)).id for _ in range(6)]
    first = store.list(limit=3)
    keep(picture(8, 8))
    store.purge(made[3])
    assert ids(store.list(limit=3, cursor=first.next_cursor)) == made[2::-1]


def test_filters(keep: Keep, store: AssetStore, picture: Make, clip: Any) -> None:
    plain = keep(picture(), session_id="one", batch_id="b1", seed=1)
    other = keep(
        picture(40, 40), request={"model": "fal:flux", "prompt": "a whale", "loras": []}, seed=2, owner="bob"
    )
    film = keep(clip, kind="video", fps=8, seed=1)
    store.favourite(other.id)
    cases: list[tuple[dict[str, Any], list[Asset]]] = [
        ({"kind": "video"}, [film]),
        ({"model": "fal:flux"}, [other]),
        ({"lora": "my lora, v2"}, [film, plain]),
        ({"lora": "my lora"}, []),
        ({"lora": "%"}, []),
        ({"seed": 1}, [film, plain]),
        ({"seed": 1, "kind": "image"}, [plain]),
        ({"session_id": "one"}, [plain]),
        ({"batch_id": "b1"}, [plain]),
        ({"job_id": film.job_id}, [film]),
        ({"favourite": True}, [other]),
        ({"favourite": False}, [film, plain]),
        ({"width": 40, "height": 40}, [other]),
        ({"operation": "generate"}, [film, other, plain]),
        ({"operation": "edit"}, []),
        ({"owner": "bob"}, [other]),
        ({"q": "ball", "seed": 1, "kind": "video"}, [film]),
        ({"q": "whale", "favourite": True}, [other]),
        ({"after": plain.created_at}, [film, other, plain]),
        ({"before": plain.created_at}, []),
        ({"after": time.time() + 9}, []),
    ]
    for filters, expected in cases:
        assert ids(store.list(**filters)) == [asset.id for asset in expected], filters
        assert store.count(**filters).number == len(expected), filters
    with pytest.raises(InvalidRequest, match="colour"):
        store.list(colour="red")


@pytest.mark.parametrize("cursor", ["", "x", "0", "9" * 30, "' OR 1", "../", "\0"])
def test_foreign_cursors_are_refused(store: AssetStore, cursor: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        store.list(cursor=cursor)
    assert caught.value.field == "cursor"


@pytest.mark.parametrize("limit", [0, -1, 501, 10**9])
def test_limits_of_a_page(store: AssetStore, limit: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        store.list(limit=limit)
    assert caught.value.field == "limit"


def test_counting_is_bounded(
    keep: Keep, store: AssetStore, picture: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        keep(picture(8, 8))
    assert (store.count().number, store.count().exact) == (4, True)
    monkeypatch.setattr("diorama.assets.query.COUNT_LIMIT", 3)
    assert (store.count().number, store.count().exact) == (3, False)
