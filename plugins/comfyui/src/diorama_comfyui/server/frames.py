"""The frames of the WebSocket, decoded. Unknown ones are None."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

_PREVIEW, _TEXT, _PREVIEW_WITH_METADATA = 1, 3, 4


@dataclass(frozen=True, slots=True)
class Event:
    """A text frame."""

    type: str
    data: dict[str, Any]

    @property
    def prompt_id(self) -> str:
        """The prompt it is about, empty for broadcasts."""
        value = self.data.get("prompt_id")
        return value if isinstance(value, str) else ""


@dataclass(frozen=True, slots=True)
class Preview:
    """An unfinished picture, encoded. ``prompt_id`` and ``node_id`` are empty where the server does not tell."""

    image: bytes
    prompt_id: str = ""
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class NodeText:
    """A line of text from a node, such as the progress of a remote service."""

    node_id: str
    text: str


Frame = Event | Preview | NodeText


def decode_frame(message: str | bytes) -> Frame | None:
    """Decode a message; None if it is damaged or of an unknown kind."""
    if isinstance(message, str):
        return _decode_text(message)
    if len(message) < 8:
        return None
    (kind,) = struct.unpack_from(">I", message)
    if kind == _PREVIEW:
        return Preview(message[8:])
    if kind not in (_TEXT, _PREVIEW_WITH_METADATA):
        return None
    (length,) = struct.unpack_from(">I", message, 4)
    if 8 + length > len(message):
        return None
    head, rest = message[8 : 8 + length], message[8 + length :]
    if kind == _TEXT:
        return NodeText(head.decode("utf-8", "replace"), rest.decode("utf-8", "replace"))
    try:
        about = json.loads(head)
    except ValueError:
        return None
    if not isinstance(about, dict):
        return None
    return Preview(rest, str(about.get("prompt_id") or ""), str(about.get("node_id") or ""))


def _decode_text(message: str) -> Event | None:
    try:
        frame = json.loads(message)
    except ValueError:
        return None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        return None
    data = frame.get("data")
    return Event(frame["type"], data if isinstance(data, dict) else {})
