"""All node classes of a server, parsed one by one when asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from .parse import parse_class
from .replacements import Replacement, parse_replacement
from .specs import NodeClass

Loader = Callable[[str], bytes]


class ObjectInfo(Mapping[str, NodeClass]):
    """A read-only mapping from class name to :class:`NodeClass`.

    A server has thousands of classes and a workflow uses a dozen, so a class is decoded and parsed
    at its first use and kept. Entries that are no node classes count as absent.

    Attributes:
        replacements: The decoded answer of ``/api/node_replacements``; empty for servers that have no such route.
    """

    def __init__(
        self, names: Iterable[str], load: Loader, replacements: Mapping[str, Any] | None = None
    ) -> None:
        self._names = dict.fromkeys(names)
        self._load = load
        self._parsed: dict[str, NodeClass | None] = {}
        self.replacements: Mapping[str, Any] = replacements or {}

    @classmethod
    def from_raw(cls, raw: object) -> ObjectInfo:
        """Wrap the decoded answer of ``/object_info``. Raises ``ValueError`` if it is not an object."""
        if not isinstance(raw, Mapping):
            raise ValueError("object_info is not a JSON object; is this the address of a ComfyUI server?")
        blobs = {str(name): value for name, value in raw.items() if isinstance(value, Mapping)}
        return cls(blobs, lambda name: json.dumps(blobs[name], separators=(",", ":")).encode())

    @classmethod
    def from_json(cls, body: bytes) -> ObjectInfo:
        """Index the body of ``/object_info``. Raises ``ValueError`` if it is not a JSON object."""
        try:
            blobs = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except msgspec.MsgspecError:
            # Some nodes declare infinite bounds, which strict JSON does not know and Python's reader does.
            return cls.from_raw(json.loads(body))
        return cls(blobs, lambda name: bytes(blobs[name]))

    def __getitem__(self, name: str) -> NodeClass:
        if name not in self._parsed:
            self._parsed[name] = self._parse(name)
        found = self._parsed[name]
        if found is None:
            raise KeyError(name)
        return found

    def _parse(self, name: str) -> NodeClass | None:
        if name not in self._names:
            return None
        raw = _decode(self._load(name))
        return (
            parse_class(name, raw)
            if isinstance(raw, Mapping) and isinstance(raw.get("input"), Mapping)
            else None
        )

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._names and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def blob(self, name: str) -> bytes:
        """Return the server's own JSON text for a class. Raises ``KeyError``."""
        if name not in self._names:
            raise KeyError(name)
        return self._load(name)

    def replacement(self, name: str) -> Replacement | None:
        """Return what takes the place of a class that the server does not have."""
        if name in self or name not in self.replacements:
            return None
        found = parse_replacement(self.replacements[name])
        return found if found is not None and found.class_type in self else None

    def choices(self, class_name: str, input_name: str) -> tuple[Any, ...]:
        """Return the choices of a combo input; empty if there is no such input."""
        if class_name not in self:
            return ()
        spec = self[class_name].by_name.get(input_name)
        return (spec.choices or ()) if spec else ()


def _decode(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return json.loads(body)
