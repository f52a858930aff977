"""Model inputs as one-line tables, turned into JSON schemas: what a stand-in publishes and checks against.

A table is `name type=default; ...`; a star after the name makes it required. Types: `str`, `bool`, `int(a..b)`,
`num(a..b)`, `uri`, `uri[](a..b)`, `enum(a,b)` of strings, `ienum(1,2)` of whole numbers, `pairs(a,b)` of objects with
a text and a number, `strs`, `nums`, `list`, `obj`, `any`; ranges may be left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

Schema = dict[str, Any]
FIELD = re.compile(
    r"^(?P<name>\w+)(?P<star>\*?) (?P<kind>[a-z]+(?:\[\])?)(?:\((?P<args>[^)]*)\))?(?:=(?P<default>.*))?$"
)
PLAIN: dict[str, Schema] = {
    "str": {"type": "string"},
    "bool": {"type": "boolean"},
    "uri": {"type": "string", "format": "uri"},
    "list": {"type": "array"},
    "strs": {"type": "array", "items": {"type": "string"}},
    "nums": {"type": "array", "items": {"type": "number"}},
    "obj": {"type": "object"},
    "any": {},
}


def table(text: str) -> Schema:
    """The JSON schema of an input table; unknown fields are not allowed. Raises ValueError for a bad line."""
    properties: dict[str, Schema] = {}
    required = []
    for order, part in enumerate(
        filter(None, (piece.strip() for piece in text.replace("\n", " ").split(";")))
    ):
        match = FIELD.match(part)
        if match is None:
            raise ValueError(f"not a field: {part!r}")
        properties[match["name"]] = _field(match, order)
        if match["star"]:
            required.append(match["name"])
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


def _field(match: re.Match[str], order: int) -> Schema:
    kind, args = match["kind"], match["args"] or ""
    schema: Schema = {"title": match["name"].replace("_", " ").capitalize(), "x-order": order}
    if kind in PLAIN:
        schema |= PLAIN[kind]
    elif kind in ("int", "num"):
        schema |= {"type": "integer" if kind == "int" else "number"} | _range(args, "minimum", "maximum")
    elif kind == "uri[]":
        schema |= {"type": "array", "items": dict(PLAIN["uri"])} | _range(args, "minItems", "maxItems")
    elif kind == "enum":
        schema |= {"type": "string", "enum": args.split(",")}
    elif kind == "ienum":
        schema |= {"type": "integer", "enum": [int(value) for value in args.split(",")]}
    elif kind == "pairs":
        text, number = args.split(",")
        entry = {text: {"type": "string"}, number: {"type": "number"}}
        item = {"type": "object", "required": [text], "properties": entry, "additionalProperties": False}
        schema |= {"type": "array", "items": item}
    else:
        raise ValueError(f"unknown type {kind!r}")
    if match["default"] is not None:
        schema["default"] = _default(match["default"], schema.get("type"))
    return schema


def _range(args: str, low: str, high: str) -> Schema:
    if not args:
        return {}
    first, last = args.split("..")
    return {low: json.loads(first), high: json.loads(last)}


def _default(text: str, kind: Any) -> Any:
    return text if kind == "string" else json.loads(text)


def complaints(schema: Schema, value: Any) -> list[str]:
    """What is wrong with `value`, one sentence per fault, each beginning with the field's path."""
    from jsonschema import Draft202012Validator

    return [
        f"{'/'.join(map(str, error.absolute_path)) or 'body'}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(value)
    ]
