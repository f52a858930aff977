"""Listing and searching: always newest first, always continued from the last row, never by counting rows off."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from diorama.assets.records import Count, Filters, Page, from_row
from diorama.contract import InvalidRequest
from diorama.ids import first_id_at, is_id

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

MAX_PAGE = 500
COUNT_LIMIT = 10_000
_EQUAL = (
    "kind",
    "model",
    "seed",
    "session_id",
    "batch_id",
    "job_id",
    "operation",
    "width",
    "height",
    "owner",
)
_MAX_WORDS = 32
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|(\S+))')


def list_assets(connection: Connection, filters: Filters, *, limit: int, cursor: str | None) -> Page:
    """Return one page.

    Args:
        connection: For reading.
        filters: What to narrow to.
        limit: 1 to :data:`MAX_PAGE`.
        cursor: ``next_cursor`` of the page before.

    Raises:
        InvalidRequest: the cursor or limit is not one of ours.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise InvalidRequest(f"limit is {limit}.", field="limit", fix=f"Give 1 to {MAX_PAGE}.")
    query = _search(filters)
    if query == "":
        return Page(items=())
    key, value = _place(cursor, by_number=query is not None)
    from sqlalchemy import literal_column, select

    from diorama.database.tables import assets

    statement = _narrowed(select(assets), filters, query, connection.dialect.name)
    column: Any = assets.c[key]
    if key == "number" and connection.dialect.name == "sqlite":
        column = literal_column("assets_text.rowid")  # the same, but lets the text index give the order
    if value is not None:
        statement = statement.where(column < value)
    rows = connection.execute(statement.order_by(column.desc()).limit(limit + 1)).mappings().all()
    items = tuple(from_row(row) for row in rows[:limit])  # type: ignore[arg-type]
    more = str(rows[limit - 1][key]) if len(rows) > limit else None
    return Page(items=items, next_cursor=more)


def count_assets(connection: Connection, filters: Filters) -> Count:
    """Count, but not beyond :data:`COUNT_LIMIT`: nobody reads the rest and it costs time."""
    from sqlalchemy import func, literal, select

    query = _search(filters)
    if query == "":
        return Count(number=0, exact=True)
    inner = (
        _narrowed(select(literal(1).label("one")), filters, query, connection.dialect.name)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    number = int(connection.execute(select(func.count()).select_from(inner)).scalar_one())
    return Count(number=min(number, COUNT_LIMIT), exact=number <= COUNT_LIMIT)


def _place(cursor: str | None, *, by_number: bool) -> tuple[str, Any]:
    key = "number" if by_number else "id"
    if cursor is None:
        return key, None
    if by_number and cursor.isascii() and cursor.isdigit() and len(cursor) < 19:
        return key, int(cursor)
    if not by_number and is_id(cursor):
        return key, cursor
    raise InvalidRequest("The cursor is not one that we gave.", field="cursor", fix="Start without a cursor.")


def _search(filters: Filters) -> str | None:
    """Return the text query: ``None`` when none is needed, empty when nothing can match."""
    if filters.q is None or not filters.q.strip():
        return (
            None
            if filters.lora is None
            else f"loras : {_phrase(filters.lora)}"
            if _has_word(filters.lora)
            else ""
        )
    terms = _terms(filters.q)
    wanted = [_phrase(text) + "*" * goes_on for text, missing, goes_on in terms if not missing]
    if not wanted:
        return ""
    query = " AND ".join(wanted)
    for name, value in (("loras", filters.lora), ("model", filters.model)):
        if value is not None and _has_word(value):  # met in the index, where it costs least
            query += f" AND {name} : {_phrase(value)}"
    return query + "".join(f" NOT {_phrase(text)}" for text, missing, _ in terms if missing)


def _terms(words: str) -> list[tuple[str, bool, bool]]:
    """Return what is searched: text, whether it must be missing, whether it is a word that is being typed."""
    found = [
        (phrase or word, bool(minus), bool(word)) for minus, phrase, word in _TERM.findall(words)[:_MAX_WORDS]
    ]
    found = [term for term in found if _has_word(term[0])]
    last = len(found) - 1
    return [
        (text, missing, word and not missing and at == last) for at, (text, missing, word) in enumerate(found)
    ]


def _has_word(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _phrase(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\0", " ") + '"'


def _narrowed(statement: Select[Any], filters: Filters, query: str | None, dialect: str) -> Select[Any]:
    from diorama.database.tables import assets

    statement = (
        statement.select_from(assets) if query is None else _matching(statement, query, filters, dialect)
    )
    for condition in _conditions(filters):
        statement = statement.where(condition)
    return statement


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    from sqlalchemy import false, true

    from diorama.database.tables import assets

    columns = assets.c
    found: list[ColumnElement[bool]] = [
        columns.trashed_at.is_not(None) if filters.trashed else columns.trashed_at.is_(None)
    ]
    found += [
        columns[name] == getattr(filters, name) for name in _EQUAL if getattr(filters, name) is not None
    ]
    if filters.favourite is not None:
        found.append(columns.favourite == (true() if filters.favourite else false()))
    if filters.lora is not None:  # the text index found the words; this makes it the whole name
        found.append(columns.loras.contains(json.dumps(filters.lora, ensure_ascii=False), autoescape=True))
    if filters.after is not None:
        found.append(columns.id >= first_id_at(filters.after))
    if filters.before is not None:
        found.append(columns.id < first_id_at(filters.before))
    return found


def _matching(statement: Select[Any], query: str, filters: Filters, dialect: str) -> Select[Any]:
    from sqlalchemy import column, func, literal_column, table, text

    from diorama.database.tables import assets
    from diorama.database.words import indexed, searched

    if dialect == "sqlite":
        words = table("assets_text", column("rowid"))
        joined = statement.select_from(words.join(assets, assets.c.number == words.c.rowid))
        return joined.where(text("assets_text MATCH :words").bindparams(words=query))
    statement = statement.select_from(assets)
    if not (filters.q or "").strip():
        return statement  # a LoRA alone is found by its own condition
    known: ColumnElement[Any] = literal_column(indexed())
    return statement.where(known.op("@@")(func.to_tsquery("simple", searched(_terms(filters.q or "")))))
