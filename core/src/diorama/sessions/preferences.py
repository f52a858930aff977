"""Small things that a person set in the page, kept on the server for every browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.contract.plain import dumps, loads
from diorama.database.writer import Database

PREFIX = "page."
"""The table is shared with others; these are ours."""


class Preferences:
    """Named plain values in the database, with a copy in memory."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cached: dict[str, Any] | None = None

    @property
    def cached(self) -> Mapping[str, Any]:
        """All values; read from the database once."""
        if self._cached is None:
            self._cached = self._read()
        return self._cached

    def update(self, changes: Mapping[str, Any]) -> Mapping[str, Any]:
        """Set values, ``None`` removing one, and return all when they are on disk."""
        from sqlalchemy import delete, insert

        from diorama.database.tables import values

        def store(connection: Any) -> None:
            connection.execute(delete(values).where(values.c.key.in_([PREFIX + key for key in changes])))
            kept = [
                {"key": PREFIX + key, "value": dumps(value).decode()}
                for key, value in changes.items()
                if value is not None
            ]
            if kept:
                connection.execute(insert(values), kept)

        self._database.write(store).result()
        self._cached = self._read()
        return self._cached

    def _read(self) -> dict[str, Any]:
        from sqlalchemy import select

        from diorama.database.tables import values

        with self._database.read() as connection:
            rows = connection.execute(select(values).where(values.c.key.startswith(PREFIX, autoescape=True)))
            return {row.key.removeprefix(PREFIX): loads(row.value) for row in rows}
