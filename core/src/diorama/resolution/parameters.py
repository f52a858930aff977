"""Parameters that only one model has, checked against its JSON schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diorama.contract import Capabilities, InvalidRequest
from diorama.contract.plain import dumps
from diorama.resolution.notebook import Notebook

MAX_BYTES = 256_000


def check_parameters(given: Mapping[str, Any], capabilities: Capabilities, notes: Notebook) -> dict[str, Any]:
    """Return the parameters with the schema's defaults filled in.

    Unknown names are noted as ignored, unless the schema allows further properties.

    Raises:
        InvalidRequest: a value does not fit; ``field`` is ``parameters.<name>``.
    """
    schema = capabilities.parameters
    properties: Mapping[str, Any] = schema.get("properties", {})
    if given and len(dumps(given)) > MAX_BYTES:
        raise InvalidRequest(
            "The parameters are too large.", field="parameters", fix="Send files as inputs, not as text."
        )
    open_ended = bool(schema) and schema.get("additionalProperties", False) is not False
    taken = {}
    for name, value in given.items():
        if name in properties or open_ended:
            taken[name] = value
        else:
            known = ", ".join(properties) or "none"
            notes.ignore(f"parameters.{name}", value, f"This model has no such parameter; it has: {known}.")
    for name, rule in properties.items():
        if name not in taken and isinstance(rule, Mapping) and "default" in rule:
            taken[name] = rule["default"]
    if schema and (taken or schema.get("required")):
        _validate(taken, schema)
    for name, value in taken.items():
        notes.apply(f"parameters.{name}", value)
    return taken


def _validate(values: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    import jsonschema

    validator = jsonschema.Draft202012Validator(dict(schema))
    error = next(iter(validator.iter_errors(dict(values))), None)
    if error is None:
        return
    place = ".".join(["parameters", *(str(part) for part in error.absolute_path)])
    raise InvalidRequest(
        f"{error.message[:300]}.",
        field=place,
        fix=f"Allowed: {_allowed(error.schema)}." if error.absolute_path else None,
    )


def _allowed(rule: Any) -> str:
    if not isinstance(rule, Mapping):
        return "see the model's parameters"
    words = [
        f"{name} {rule[name]}"
        for name in ("type", "enum", "minimum", "maximum", "pattern", "maxLength")
        if name in rule
    ]
    return ", ".join(words) or "see the model's parameters"
