"""Holds every JSON answer that the tests see to the OpenAPI document (the committed one, which another test compares).

Endpoints encode their answers themselves, so nothing else would notice when the document and the answers part.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DOCUMENT = Path(__file__).parents[2] / "web" / "ui" / "openapi.json"
_SPANS_SLASHES = ("model_id", "path")


class Documented:
    """Checks answers; for ``event_hooks`` of a client."""

    def __init__(self) -> None:
        self._document: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
        self._validators: dict[tuple[str, str, str], Draft202012Validator | None] = {}

    @cached_property
    def _paths(self) -> list[tuple[re.Pattern[str], str]]:
        longest = sorted(self._document["paths"], key=lambda path: (-len(re.sub(r"\{.*?\}", "", path)), path))
        return [(re.compile(_pattern(path)), path) for path in longest]

    def __call__(self, response: httpx2.Response) -> None:
        """Raise when the answer is not as described."""
        request = response.request
        if request.method == "HEAD" or "json" not in response.headers.get("content-type", ""):
            return
        path = next((name for found, name in self._paths if found.fullmatch(request.url.path)), None)
        validator = path and self._validator(path, request.method.lower(), str(response.status_code))
        if not validator:
            return
        response.read()
        wrong = next(iter(validator.iter_errors(response.json())), None)
        where = f"{request.method} {path} -> {response.status_code}"
        assert wrong is None, f"{where} is not as documented, at {wrong.json_path}: {wrong.message}"

    def _validator(self, path: str, method: str, status: str) -> Draft202012Validator | None:
        key = (path, method, status)
        if key not in self._validators:
            answers = self._document["paths"][path].get(method, {}).get("responses", {})
            answer = answers.get(status) or answers.get(f"{status[0]}XX") or {}
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            self._validators[key] = self._made(schema) if schema else None
        return self._validators[key]

    def _made(self, schema: dict[str, Any]) -> Draft202012Validator:
        whole = Resource.from_contents(self._document, default_specification=DRAFT202012)
        registry: Registry[Any] = Registry().with_resource("urn:document", whole)
        return Draft202012Validator(_anchored(schema), registry=registry)


def _pattern(path: str) -> str:
    parts = re.split(r"\{(\w+)\}", path)
    names = [".+" if name in _SPANS_SLASHES else "[^/]+" for name in parts[1::2]]
    return "".join(re.escape(text) + name for text, name in zip(parts[::2], [*names, ""], strict=True))


def _anchored(schema: Any) -> Any:
    """Return a schema whose references lead into the document."""
    if isinstance(schema, dict):
        return {
            name: f"urn:document{value}" if name == "$ref" else _anchored(value)
            for name, value in schema.items()
        }
    return [_anchored(item) for item in schema] if isinstance(schema, list) else schema
