"""Refused requests: the newest few are kept, whatever comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from diorama.contract import NotFound
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.jobs import refusals as module
from diorama.jobs.refusals import Refusal, Refusals


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Refusals]:
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(engine)
    database = Database(engine)
    yield Refusals(database)
    database.close()


def test_only_the_newest_stay(kept: Refusals, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    for number in range(5):
        kept.keep(Refusal(kind="edit", prompt=str(number), error={"code": "invalid_request"})).result()
    assert [item.prompt for item in kept.list()] == ["4", "3", "2"]
    newest, middle, _ = kept.list()
    assert kept.get(middle.id) == middle
    assert [item.prompt for item in kept.list(before=newest.id, limit=1)] == ["3"]
    assert kept.forget(middle.id)
    assert not kept.forget(middle.id)
    with pytest.raises(NotFound):
        kept.get(middle.id)


def test_clearing_by_kind_number_and_age(kept: Refusals) -> None:
    for kind in ("edit", "video", "edit", "video", "edit"):
        kept.keep(Refusal(kind=kind, error={})).result()
    assert kept.clear(before=kept.list()[-1].created_at) == 0
    assert kept.clear(kind="video") == 2
    assert kept.clear(keep=1) == 2
    assert [item.kind for item in kept.list()] == ["edit"]
    assert kept.clear() == 1
