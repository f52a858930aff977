"""What was read from a file is kept for as long as the file stays as it is, since lists are made again and again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple

More = TypeVarTuple("More")
T = TypeVar("T")


def kept_while_unchanged(
    most: int,
) -> Callable[[Callable[[Path, *More], T]], Callable[[Path, *More], T]]:
    """Keep the last ``most`` answers of a function of a file, by the file's length and time of change.

    Nobody may change an answer. What raises is asked again, and so is a file that is not there.
    """

    def decorate(function: Callable[[Path, *More], T]) -> Callable[[Path, *More], T]:
        @lru_cache(maxsize=most)
        def known(path: Path, length: int, changed: int, *more: Any) -> T:
            return function(path, *more)

        @wraps(function)
        def ask(path: Path, *more: *More) -> T:
            try:
                facts = path.stat()
            except OSError:
                return function(path, *more)
            return known(path, facts.st_size, facts.st_mtime_ns, *more)

        return ask

    return decorate
