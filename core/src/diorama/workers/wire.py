"""Messages between the server and a worker: a length in four bytes, then one msgpack map. No pickles, no pixels.

Every message has a ``kind``. To the worker: ``configure``, ``run``, ``cancel``, ``unload``, ``warm``, ``ping``,
``reply``, ``shutdown``. From it: ``hello``, ``begun``, ``progress``, ``preview``, ``staged``, ``note``, ``remember``,
``quote``, ``secret``, ``result``, ``error``, ``reply``.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import msgspec

LARGEST = 64 * 1024**2
"""Bytes of the largest message; files travel by path, so that real ones stay far below."""

_LENGTH = struct.Struct("<I")


class WireError(Exception):
    """The other end is gone, or sent something that is no message."""


class Channel:
    """One end of the wire. Any thread may send; one thread receives."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_encode_other)

    def send(self, kind: str, **fields: Any) -> None:
        """Send one message; contract records among ``fields`` become plain values.

        Raises:
            WireError: the other end is gone.
            TypeError: a value is not plain data.
        """
        body = self._encoder.encode({"kind": kind, **fields})
        if len(body) > LARGEST:
            raise TypeError(f"A message of {len(body)} bytes is too large to send.")
        try:
            with self._lock:
                self._writer.write(_LENGTH.pack(len(body)) + body)
                self._writer.flush()
        except (OSError, ValueError) as error:
            raise WireError("The other end of the wire is gone.") from error

    def receive(self) -> Mapping[str, Any] | None:
        """Return the next message, or ``None`` at the end.

        Raises:
            WireError: what came is no message.
        """
        try:
            head = self._reader.read(_LENGTH.size)
            if len(head) < _LENGTH.size:
                return None
            (length,) = _LENGTH.unpack(head)
            if length > LARGEST:
                raise WireError("Something that is no message came over the wire.")
            body = self._reader.read(length)
        except (OSError, ValueError):
            return None
        if len(body) < length:
            return None
        try:
            message = msgspec.msgpack.decode(body)
        except msgspec.DecodeError as error:
            raise WireError("Something that is no message came over the wire.") from error
        if not isinstance(message, dict) or "kind" not in message:
            raise WireError("A message without a kind came over the wire.")
        return message

    def close(self) -> None:
        """Close the sending direction; the other end then sees the end."""
        try:
            self._writer.close()
        except OSError:
            return  # it was broken already, which is as good as closed


def _encode_other(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "ndim", None) == 0:
        return item()  # a number of numpy or torch among the facts
    raise TypeError(f"{type(value).__name__} is not plain data")
