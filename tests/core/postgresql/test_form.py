"""Opening: the form of the tables, and the sentences when it cannot be opened."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from diorama.contract import BackendNotReady, Conflict, InvalidRequest
from diorama.database import connection as connecting
from diorama.database.connection import migrate, open_engine
from diorama.database.tables import assets, metadata
from sqlalchemy import insert, select, text


def form(engine: Any) -> set[tuple[str, ...]]:
    """Return every column and index, as PostgreSQL tells them."""
    columns = "SELECT table_name, column_name, data_type, column_default, is_nullable FROM information_schema.columns "
    indexes = "SELECT tablename, indexname, indexdef, '', '' FROM pg_indexes "
    with engine.connect() as connection:
        rows = connection.execute(
            text(f"{columns} WHERE table_schema = 'public' UNION ALL {indexes} WHERE schemaname = 'public'")
        ).all()
    return {tuple(map(str, row)) for row in rows if "alembic" not in str(row)}


def test_a_fresh_database_equals_a_migrated_one(cluster: Any) -> None:
    fresh, migrated = open_engine(cluster.database()), open_engine(cluster.database())
    migrate(fresh)
    connecting._upgrade(migrated)
    assert form(fresh) == form(migrated)
    assert {row[0] for row in form(fresh)} == set(metadata.tables)
    migrate(fresh)  # a second start changes nothing
    for engine in (fresh, migrated):
        engine.dispose()


def test_a_newer_database_is_refused_with_a_sentence(database_url: str) -> None:
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9999')"))
    with pytest.raises(Conflict, match="newer Diorama"):
        migrate(engine)
    engine.dispose()


def test_the_largest_seed_and_a_film_of_many_gigabytes_fit(database_url: str) -> None:
    engine = open_engine(database_url)
    migrate(engine)
    row = {
        "id": "a",
        "kind": "video",
        "mime": "video/mp4",
        "path": "a.mp4",
        "bytes": 9 * 10**9,
        "seed": 2**32 - 1,
    }
    with engine.begin() as connection:
        connection.execute(insert(assets).values(**row, sha256="0" * 64, recipe="{}", created_at=1.0))
        assert connection.execute(select(assets.c.bytes, assets.c.seed)).one() == (9 * 10**9, 2**32 - 1)
    engine.dispose()


def test_a_search_uses_the_index(database_url: str) -> None:
    from diorama.assets.query import _narrowed, _search
    from diorama.assets.records import Filters

    engine = open_engine(database_url)
    migrate(engine)
    filters = Filters(q="number 77 -ball")
    statement = _narrowed(select(assets.c.id), filters, _search(filters), "postgresql")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO assets (id, kind, mime, path, bytes, sha256, recipe, created_at, prompt) SELECT n::text, "
                "'image', 'image/png', n::text, 1, '', '{}', 1, 'a thing number ' || n FROM generate_series(1, 5000) n"
            )
        )
        connection.execute(text("ANALYZE assets"))
        shown = statement.compile(engine)
        plan = connection.exec_driver_sql(f"EXPLAIN {shown}", dict(shown.params)).scalars().all()
    assert "assets_text" in "\n".join(plan)
    engine.dispose()


def test_a_server_that_is_away_is_told_in_a_sentence(tmp_path: Any) -> None:
    pytest.importorskip("psycopg")
    with pytest.raises(BackendNotReady, match="cannot be reached") as caught:
        migrate(open_engine(f"postgresql://ann:secret@/none?host={tmp_path}"))
    assert "secret" not in str(caught.value.describe())


def test_a_missing_driver_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(InvalidRequest) as caught:
        open_engine("postgresql://localhost/none")
    assert "diorama[postgresql]" in str(caught.value.fix)


@pytest.mark.parametrize("url", ["nonsense", "oracle9://x/y", "://"])
def test_what_is_no_address_is_told_in_a_sentence(url: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        open_engine(url)
    assert caught.value.field == "database_url"


def test_the_doctor_says_whether_it_answers(
    database_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diorama.cli.doctor_command import _database

    monkeypatch.setenv("DIORAMA_HOME", str(tmp_path))
    monkeypatch.setenv("DIORAMA_DATABASE_URL", database_url)
    assert [finding["level"] for finding in _database()] == ["ok"]
    monkeypatch.setenv("DIORAMA_DATABASE_URL", f"postgresql://ann:secret@/none?host={tmp_path}")
    (finding,) = _database()
    assert finding["level"] == "error"
    assert "secret" not in str(finding)
