"""One writer, many writes a commit; a fresh database and an upgraded one have the same form."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from diorama.contract import Conflict
from diorama.database import connection as connecting
from diorama.database.connection import HEAD, migrate, open_engine
from diorama.database.tables import values
from diorama.database.writer import Database
from sqlalchemy import insert, select, text

VERSIONS = Path(connecting.__file__).parent / "migrations" / "versions"


@pytest.fixture
def database(tmp_path: Path):  # type: ignore[no-untyped-def]
    engine = open_engine(f"sqlite:///{tmp_path / 'x.sqlite'}")
    migrate(engine)
    made = Database(engine)
    yield made
    made.close()


def form(path: Path) -> set[tuple[str, ...]]:
    """Return every table, index and trigger with its SQL."""
    with sqlite3.connect(path) as connection:
        rows = connection.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'"
        ).fetchall()
    connection.close()
    return {(kind, name, " ".join(str(sql).split())) for kind, name, sql in rows if "alembic" not in str(sql)}


def test_head_names_the_newest_migration() -> None:
    assert max(path.name.split("_")[0] for path in VERSIONS.glob("[0-9]*.py")) == HEAD


def test_a_fresh_database_equals_a_migrated_one(tmp_path: Path) -> None:
    fresh, migrated = tmp_path / "fresh.sqlite", tmp_path / "migrated.sqlite"
    migrate(open_engine(f"sqlite:///{fresh}"))
    connecting._upgrade(open_engine(f"sqlite:///{migrated}"))
    assert form(fresh) == form(migrated)
    migrate(open_engine(f"sqlite:///{fresh}"))  # a second start changes nothing


def test_a_database_from_before_there_was_sound_gets_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite"
    migrate(open_engine(f"sqlite:///{file}"))
    with sqlite3.connect(file) as connection:
        for name in ("sample_rate", "channels"):
            connection.execute(f"ALTER TABLE assets DROP COLUMN {name}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    migrate(open_engine(f"sqlite:///{file}"), backup_from=file)
    with sqlite3.connect(file) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(assets)")}
    connection.close()
    assert {"sample_rate", "channels", "has_audio"} <= columns
    assert len(list(tmp_path.glob("old.before-*.bak"))) == 1


def test_an_older_database_is_backed_up_first(tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    connection.close()
    migrate(open_engine(f"sqlite:///{file}"), backup_from=file)
    assert len(list(tmp_path.glob("old.before-*.bak"))) == 1
    assert "jobs" in {name for _kind, name, _sql in form(file)}


def test_the_backup_holds_what_is_still_in_the_log_of_writes(tmp_path: Path) -> None:
    file = tmp_path / "old.sqlite"
    keeper = sqlite3.connect(file)
    keeper.execute("PRAGMA journal_mode=WAL")
    keeper.execute("PRAGMA wal_autocheckpoint=0")
    keeper.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    keeper.execute("CREATE TABLE mine (word TEXT)")
    keeper.execute("INSERT INTO mine VALUES ('kept')")
    keeper.commit()
    engine = open_engine(f"sqlite:///{file}")
    migrate(engine, backup_from=file)
    (backup,) = tmp_path.glob("old.before-*.bak")
    with sqlite3.connect(backup) as copy:
        assert copy.execute("SELECT word FROM mine").fetchall() == [("kept",)]
    copy.close()
    keeper.close()
    engine.dispose()


def test_a_newer_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    connection.close()
    with pytest.raises(Conflict, match="newer Diorama"):
        migrate(open_engine(f"sqlite:///{file}"), backup_from=file)


def test_a_failing_write_takes_nothing_else_with_it(database: Database) -> None:
    gate = threading.Event()
    blocked = database.write(lambda _connection: gate.wait(10))
    good = database.write(lambda c: c.execute(insert(values), [{"key": "a", "value": "1"}]).rowcount)

    def bad(connection) -> None:  # type: ignore[no-untyped-def]
        connection.execute(insert(values), [{"key": "b", "value": "2"}])
        raise KeyError("no")

    failing = database.write(bad)
    later = database.write(lambda c: c.execute(insert(values), [{"key": "c", "value": "3"}]).rowcount)
    gate.set()
    assert blocked.result(10)
    assert (good.result(10), later.result(10)) == (1, 1)
    with pytest.raises(KeyError):
        failing.result(10)
    with database.read() as connection:
        assert connection.execute(select(values.c.key).order_by(values.c.key)).scalars().all() == ["a", "c"]


def test_writes_are_on_disk_when_they_are_done(database: Database, tmp_path: Path) -> None:
    database.write(lambda c: c.execute(insert(values), [{"key": "k", "value": "v"}])).result(10)
    with sqlite3.connect(tmp_path / "x.sqlite") as other:
        assert other.execute("SELECT value FROM settings_values WHERE key = 'k'").fetchone() == ("v",)
    other.close()
    with database.read() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_a_closed_database_refuses(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'y.sqlite'}")
    migrate(engine)
    made = Database(engine)
    made.close()
    with pytest.raises(RuntimeError):
        made.write(lambda _c: None)


def test_a_transaction_that_cannot_begin_fails_its_writes_and_the_next_ones_run(
    database: Database, tmp_path: Path
) -> None:
    database.write(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=10")).result(10)
    with sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        failing = [database.write(lambda _connection: "never") for _ in range(3)]
        for future in failing:
            with pytest.raises(Exception, match="locked"):
                future.result(20)
        other.execute("ROLLBACK")
    other.close()
    assert database.write(lambda _connection: "fine").result(20) == "fine"


def test_when_sqlite_gives_the_transaction_up_no_write_of_the_group_is_called_stored(
    database: Database,
) -> None:
    gate = threading.Event()
    blocked = database.write(lambda _connection: gate.wait(10))
    first = database.write(lambda c: c.execute(insert(values), [{"key": "a", "value": "1"}]).rowcount)

    def full(connection) -> None:  # type: ignore[no-untyped-def]
        connection.connection.dbapi_connection.rollback()  # as SQLite does by itself when the disk is full
        raise OSError("database or disk is full")

    failing = database.write(full)
    last = database.write(lambda c: c.execute(insert(values), [{"key": "c", "value": "3"}]).rowcount)
    gate.set()
    told = {key: future.exception(10) for key, future in (("a", first), ("c", last))}
    assert blocked.exception(10) is None or told["a"] is not None
    assert failing.exception(10) is not None
    with database.read() as connection:
        stored = set(connection.execute(select(values.c.key)).scalars())
    assert stored == {key for key, failure in told.items() if failure is None}
    assert database.write(lambda _connection: "fine").result(10) == "fine"


def test_no_write_is_lost_between_closing_and_closed(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'z.sqlite'}")
    migrate(engine)
    made = Database(engine)
    futures: list[Future[int]] = []
    started = threading.Event()

    def keep_writing() -> None:
        while True:
            try:
                futures.append(made.write(lambda _connection: 1))
            except RuntimeError:
                return
            started.set()

    writers = [threading.Thread(target=keep_writing) for _ in range(4)]
    for writer in writers:
        writer.start()
    started.wait(10)
    made.close()
    for writer in writers:
        writer.join(20)
    assert {future.result(10) for future in futures} == {1}
