"""The contract as it was published. A difference needs a reason, a line in the changelog, and a new snapshot:

python tests/contract/test_snapshot.py
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
from pathlib import Path
from typing import Any

import diorama.contract as contract

SNAPSHOT = Path(__file__).with_name("contract_v1.json")


def describe(thing: Any) -> Any:
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        return {member.name: member.value for member in thing}
    if dataclasses.is_dataclass(thing):
        return {field.name: _with_default(field) for field in dataclasses.fields(thing)}
    if inspect.isclass(thing):
        return {
            name: str(inspect.signature(member)).replace("'", "")
            for name, member in inspect.getmembers(thing, inspect.isfunction)
            if not name.startswith("_") or name == "__init__"
        }
    if inspect.isfunction(thing):
        return str(inspect.signature(thing)).replace("'", "")
    return repr(thing) if isinstance(thing, str | int) else type(thing).__name__


def _with_default(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"{field.type} = {field.default!r}"
    return f"{field.type} = ..." if field.default_factory is not dataclasses.MISSING else str(field.type)


def current() -> dict[str, Any]:
    return {name: describe(getattr(contract, name)) for name in sorted(contract.__all__)}


def test_the_contract_is_as_published() -> None:
    assert current() == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


def test_every_public_field_is_documented() -> None:
    for name in contract.__all__:
        thing = getattr(contract, name)
        if dataclasses.is_dataclass(thing) and inspect.isclass(thing):
            text = "".join(base.__doc__ or "" for base in thing.__mro__)
            for field in dataclasses.fields(thing):
                assert f"{field.name}:" in text, f"{name}.{field.name} has no sentence"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(current(), indent=1) + "\n", encoding="utf-8")
