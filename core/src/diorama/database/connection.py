"""Opening the database and bringing it to the newest form."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diorama.contract.errors import BackendNotReady, Conflict, InvalidRequest

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BUSY_SECONDS = 30
POOL = 16
"""Connections that stay open."""
SLOW_START_PAGES = 64 * 1024 * 1024


def open_engine(url: str) -> Engine:
    """Return a SQLAlchemy engine for ``url``; SQLite gets WAL and durable commits.

    ``synchronous=FULL`` makes an accepted job survive a power cut; the writer's group commit makes it affordable.
    """
    from sqlalchemy import create_engine, event

    if not url.startswith("sqlite"):
        return _open_server(url)
    engine = create_engine(
        url,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        pool_size=POOL,
        max_overflow=2 * POOL,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, so that readers never hold a write lock
        for pragma in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY",
            f"mmap_size={SLOW_START_PAGES}", "journal_size_limit=67108864",
        ):  # fmt: skip
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writer") else "BEGIN")

    return engine


def _open_server(url: str) -> Engine:
    """Return an engine for PostgreSQL, whose commits are durable by themselves."""
    from sqlalchemy import create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    driver = "postgresql+psycopg://"
    for scheme in ("postgres://", "postgresql://"):
        url = driver + url.removeprefix(scheme) if url.startswith(scheme) else url
    try:
        return create_engine(url, pool_pre_ping=True, pool_size=POOL, max_overflow=2 * POOL)
    except ModuleNotFoundError as error:
        raise InvalidRequest(
            "PostgreSQL needs its driver.",
            field="database_url",
            fix='Run: pip install "diorama[postgresql]".',
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise InvalidRequest(
            "This is no address of a database.",
            field="database_url",
            fix="Write it as postgresql://user:password@host/name, or leave it out for a file of our own.",
        ) from error


def migrate(engine: Engine, backup_from: Path | None = None) -> None:
    """Create or upgrade the tables.

    Args:
        engine: The database.
        backup_from: SQLite file that is copied beside itself before an existing database is changed.

    Raises:
        Conflict: a newer Diorama has changed the tables.
        BackendNotReady: the database server does not let us in.
    """
    from sqlalchemy import inspect, text

    with connect(engine) as connection:
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" in tables:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            if version == HEAD:
                return
            if version is not None and version not in _known():
                raise Conflict(
                    f"The database was made by a newer Diorama (its form is {version}, this one knows {HEAD}).",
                    fix="Update Diorama, or set DIORAMA_HOME to another folder.",
                )
    if not tables:
        _create(engine)
        return
    if backup_from and backup_from.exists():
        _back_up(backup_from, backup_from.with_suffix(f".before-{HEAD}-{int(time.time())}.bak"))
    _upgrade(engine)


def _back_up(file: Path, target: Path) -> None:
    """Copy an SQLite database with what is still in its log of writes, which a copy of the file alone would lack."""
    import sqlite3

    source, copy = sqlite3.connect(file), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()


def connect(engine: Engine) -> Connection:
    """Return a connection.

    Raises:
        BackendNotReady: the database server does not let us in.
    """
    from sqlalchemy.exc import OperationalError

    try:
        return engine.connect()
    except OperationalError as error:
        if engine.dialect.name == "sqlite":
            raise
        raise BackendNotReady(
            f"The database cannot be reached: {str(error.orig).strip()}",
            fix="Start it, or correct database_url.",
        ) from error


def _known() -> set[str]:
    """Return the revisions that this version can upgrade from."""
    return {
        path.name.split("_")[0]
        for path in (Path(__file__).parent / "migrations" / "versions").glob("[0-9]*.py")
    }


def _create(engine: Engine) -> None:
    """Make a fresh database without alembic, whose import costs more than all the tables."""
    from sqlalchemy import text

    from diorama.database.creation import create_tables

    with engine.begin() as connection:
        create_tables(connection)
        connection.execute(
            text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        )
        connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


HEAD = "0003"
"""Newest revision in ``migrations/versions``; a test compares it with the files."""
