"""All node classes of a server, parsed one by one when asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .parse import parse_class
from .specs import NodeClass

Loader = Callable[[str], Mapping[str, Any] | None]


class ObjectInfo(Mapping[str, NodeClass]):
    """A read-only mapping from class name to :class:`NodeClass`.

    A server has thousands of classes and a workflow uses a dozen, so a class is parsed at its
    first use and kept. Entries that are not objects count as absent.
    """

    def __init__(self, names: Mapping[str, object] | list[str], load: Loader) -> None:
        self._names = dict.fromkeys(names)
        self._load = load
        self._parsed: dict[str, NodeClass] = {}

    @classmethod
    def from_raw(cls, raw: object) -> ObjectInfo:
        """Wrap the decoded answer of ``/object_info``. Raises ``ValueError`` if it is not an object."""
        if not isinstance(raw, Mapping):
            raise ValueError("object_info is not a JSON object; is this the address of a ComfyUI server?")
        entries = {str(k): v for k, v in raw.items() if isinstance(v, Mapping) and isinstance(v.get("input"), Mapping)}
        return cls(list(entries), entries.get)

    @classmethod
    def from_json(cls, text: str | bytes) -> ObjectInfo:
        """Parse the body of ``/object_info``. Raises ``ValueError`` if it is not a JSON object."""
        return cls.from_raw(json.loads(text))

    def __getitem__(self, name: str) -> NodeClass:
        found = self._parsed.get(name)
        if found is None:
            if name not in self._names:
                raise KeyError(name)
            raw = self._load(name)
            if raw is None:
                raise KeyError(name)
            found = self._parsed[name] = parse_class(name, raw)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def raw(self, name: str) -> Mapping[str, Any] | None:
        """Return the server's own JSON for a class, or None."""
        return self._load(name) if name in self._names else None

    def choices(self, class_name: str, input_name: str) -> tuple[Any, ...]:
        """Return the choices of a combo input; empty if there is no such input."""
        if class_name not in self:
            return ()
        spec = self[class_name].by_name.get(input_name)
        return (spec.choices or ()) if spec else ()
