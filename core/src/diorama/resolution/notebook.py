"""Keeping account of what was applied, adjusted and ignored."""

from __future__ import annotations

from typing import Any

from diorama.contract import InvalidRequest
from diorama.jobs.records import Note


class Notebook:
    """Collects the notes of one request.

    Args:
        strict: Refuse instead of adjusting or ignoring.
    """

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.applied: dict[str, Any] = {}
        self.adjusted: list[Note] = []
        self.ignored: list[Note] = []

    def apply(self, field: str, value: Any) -> None:
        """Record the value that will run."""
        if value is not None:
            self.applied[field] = value

    def adjust(self, field: str, before: Any, after: Any, why: str) -> None:
        """Record that another value runs than was asked.

        Raises:
            InvalidRequest: the request is strict.
        """
        if self.strict:
            raise InvalidRequest(
                f"{why} {before!r} was asked.", field=field, fix=f"Ask for {after!r}, or leave out `strict`."
            )
        self.adjusted.append(Note(field=field, before=before, after=after, why=why))

    def ignore(self, field: str, value: Any, why: str) -> None:
        """Record that a value has no effect.

        Raises:
            InvalidRequest: the request is strict.
        """
        if self.strict:
            raise InvalidRequest(why, field=field, fix=f"Leave out {field!r}, or leave out `strict`.")
        self.ignored.append(Note(field=field, before=value, why=why))
