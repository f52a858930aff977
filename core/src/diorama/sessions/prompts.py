"""The prompts that were used last, at hand in every browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diorama.contract.plain import dumps, loads
from diorama.database.writer import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

KEY = "history.prompts"


class PromptHistory:
    """Prompts, newest first, each once. Reads and writes block for milliseconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self, limit: int) -> list[str]:
        """Return the ``limit`` newest."""
        with self._database.read() as connection:
            return _read(connection)[:limit]

    def remember(self, prompt: str, limit: int) -> list[str]:
        """Put ``prompt`` first, keep ``limit`` of all (0 keeps none), and return them when they are on disk."""
        text = prompt.strip()

        def change(connection: Connection) -> list[str]:
            others = [old for old in _read(connection) if old != text]
            kept = ([text, *others] if text else others)[:limit]
            _write(connection, kept)
            return kept

        return self._database.write(change).result()

    def clear(self) -> None:
        """Forget all."""
        self._database.write(lambda connection: _write(connection, [])).result()


def _read(connection: Connection) -> list[str]:
    from sqlalchemy import select

    from diorama.database.tables import values

    found = connection.execute(select(values.c.value).where(values.c.key == KEY)).scalar()
    plain: Any = loads(found) if found else []
    return list(plain)


def _write(connection: Connection, prompts: list[str]) -> None:
    from sqlalchemy import delete, insert

    from diorama.database.tables import values

    connection.execute(delete(values).where(values.c.key == KEY))
    if prompts:
        connection.execute(insert(values), {"key": KEY, "value": dumps(prompts).decode()})
