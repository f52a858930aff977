"""Making all tables of the newest form at once, as a fresh database needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diorama.database.tables import metadata, narrow
from diorama.database.words import COLUMNS, indexed

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NEW = ", ".join(f"new.{name}" for name in COLUMNS)
_OLD = ", ".join(f"old.{name}" for name in COLUMNS)
_NAMES = ", ".join(COLUMNS)
_ADD = f"INSERT INTO assets_text(rowid, {_NAMES}) VALUES (new.number, {_NEW});"  # noqa: S608
_REMOVE = f"INSERT INTO assets_text(assets_text, rowid, {_NAMES}) VALUES ('delete', old.number, {_OLD});"  # noqa: S608

_FTS = (
    f"""CREATE VIRTUAL TABLE assets_text USING fts5({_NAMES}, content='assets', content_rowid='number',
        tokenize='unicode61 remove_diacritics 2', prefix='2 3')""",
    f"CREATE TRIGGER assets_text_insert AFTER INSERT ON assets BEGIN {_ADD} END",
    f"CREATE TRIGGER assets_text_delete AFTER DELETE ON assets BEGIN {_REMOVE} END",
    f"CREATE TRIGGER assets_text_update AFTER UPDATE OF {_NAMES} ON assets BEGIN {_REMOVE} {_ADD} END",
)


def create_tables(connection: Connection) -> None:
    """Create every table and the text index over assets; what exists is left alone."""
    from sqlalchemy import text

    if connection.dialect.name == "postgresql":
        narrow()
    metadata.create_all(connection)
    statements = (
        _FTS
        if connection.dialect.name == "sqlite"
        else (f"CREATE INDEX assets_text ON assets USING gin ({indexed()})",)
    )
    for statement in statements:
        connection.execute(text(statement))
