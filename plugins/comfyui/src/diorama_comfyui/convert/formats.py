"""Reading a document and telling the two workflow formats apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .errors import WorkflowError, excerpt

MAX_BYTES = 64 * 1024 * 1024
_ENVELOPES = ("prompt", "workflow", "graph")


def load_document(data: bytes | str | Mapping[str, Any]) -> dict[str, Any]:
    """Decode JSON text (or take a decoded object) and return the workflow inside its envelope.

    Raises :class:`WorkflowError` for anything that is not a workflow in API or UI form.
    """
    document = _decode(data) if isinstance(data, (bytes, str)) else data
    if not isinstance(document, Mapping):
        raise WorkflowError(f"a workflow is a JSON object, this is {excerpt(document)}")
    return _unwrap(document)


def is_ui(document: Mapping[str, Any]) -> bool:
    """Whether this is the web page's own format (with node positions and links)."""
    return isinstance(document.get("nodes"), list)


def is_api(document: Mapping[str, Any]) -> bool:
    """Whether this is the format that ``POST /prompt`` takes."""
    return bool(document) and any(isinstance(v, Mapping) and "class_type" in v for v in document.values())


def _decode(data: bytes | str) -> object:
    if len(data) > MAX_BYTES:
        raise WorkflowError(f"the file is larger than {MAX_BYTES >> 20} MB; a workflow is not")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        return json.loads(text)
    except UnicodeDecodeError:
        raise WorkflowError(
            "the file is neither JSON text nor an image or video that this importer reads"
        ) from None
    except RecursionError:
        raise WorkflowError("the JSON is nested too deeply to be a workflow") from None
    except ValueError as error:
        raise WorkflowError(f"not valid JSON: {error}") from None


def _unwrap(document: Mapping[str, Any]) -> dict[str, Any]:
    if is_ui(document) or is_api(document):
        return dict(document)
    for key in _ENVELOPES:
        inner = document.get(key)
        if isinstance(inner, str):
            inner = _decode(inner)
        if isinstance(inner, Mapping) and (is_ui(inner) or is_api(inner)):
            return dict(inner)
    if not document:
        raise WorkflowError("the workflow is empty")
    keys = ", ".join(excerpt(str(key), 20) for key in list(document)[:5])
    raise WorkflowError(
        f"not a ComfyUI workflow: neither a list of nodes nor nodes with a class_type (found {keys}). "
        "Save it in ComfyUI with Save or with Export (API)"
    )
