"""Contract records to plain JSON values and back, for the wire, the ledger and the disk cache."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_known: set[Any] = set()
_learning = threading.Lock()


def to_plain(record: Any) -> Any:
    """Return ``record`` (a contract dataclass, or containers of them) as dicts, lists, strings and numbers."""
    import msgspec

    return msgspec.to_builtins(record, enc_hook=_encode_other, str_keys=True)


def from_plain(kind: type[T], plain: Any) -> T:
    """Rebuild a contract dataclass from :func:`to_plain`.

    Raises:
        ValueError: the value does not fit the type; the sentence names the place.
    """
    if kind in _known:
        return _converted(kind, plain)
    # msgspec keeps what it learns of a class with the class, and lets others see it half learned: a thread that
    # converts meanwhile takes the whole process down. So each type is met for the first time by one thread alone.
    with _learning:
        try:
            return _converted(kind, plain)
        finally:
            _known.add(kind)


def _converted(kind: type[T], plain: Any) -> T:
    import msgspec

    try:
        return msgspec.convert(plain, kind, dec_hook=_decode_other, strict=False)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error


def dumps(record: Any) -> bytes:
    """Return ``record`` as UTF-8 JSON."""
    return bytes(_encoder().encode(record))


def loads(data: bytes | str) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not JSON.
    """
    import msgspec

    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


@lru_cache(maxsize=1)
def _encoder() -> Any:
    import msgspec

    return msgspec.json.Encoder(enc_hook=_encode_other)


def _encode_other(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not plain data")


def _decode_other(kind: type, value: Any) -> Any:
    if kind is Path or issubclass(kind, Path):
        return Path(value)
    raise TypeError(f"{kind.__name__} is not plain data")
