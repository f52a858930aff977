"""Ids of our own making: 26 characters, sorted by time, safe as file names."""

from __future__ import annotations

import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32, lower case
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a new ULID; ids made by one process are strictly increasing, also within a millisecond."""
    global _last
    fresh = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    with _lock:
        _last = fresh if fresh > _last else _last + 1
        value = _last
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))


def is_id(text: str) -> bool:
    """Tell whether ``text`` has the form of an id; anything else never reaches a path or a query."""
    return len(text) == 26 and all(character in _ALPHABET for character in text)


def id_time(id: str) -> float:
    """Return the Unix seconds at which an id was made, exact to a millisecond."""
    value = 0
    for character in id[:16]:
        value = value << 5 | _ALPHABET.index(character)
    return (value >> 30) / 1000


def first_id_at(seconds: float) -> str:
    """Return the smallest id of a moment: ids made before it sort before it."""
    value = min(max(0, int(seconds * 1000)), 2**48 - 1) << 80
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))
