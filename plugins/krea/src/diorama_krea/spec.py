"""KREA's OpenAPI document: the list of models is the list of POST paths under ``/generate/``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from diorama.contract import BaseContext, ModelInfo, Price
from diorama.contract.remote import Offer
from diorama.contract.remote.schema import MediaType, operations_from

MODEL = re.compile(r"/generate/(?P<kind>image|video|enhance)/(?P<rest>[^{}]+)")
UNITS = re.compile(r"^\|\s*~?\s*(\d+(?:\.\d+)?)", re.MULTILINE)
KINDS: Mapping[str, MediaType] = {"image": "image", "video": "video", "enhance": "upscale"}


def read_document(api: str, context: BaseContext) -> Mapping[str, Any]:
    """Fetch the document; it is public, so no key goes with it."""
    fetched = context.fetch(f"{api}/openapi.json", max_bytes=64 * 1024**2)
    found = json.loads(fetched.path.read_bytes())
    return found if isinstance(found, Mapping) else {}


def offers_from(backend: str, document: Mapping[str, Any]) -> dict[str, Offer]:
    """Return every model of the document by its native id."""
    offers = {}
    for path, methods in document.get("paths", {}).items():
        match, post = MODEL.fullmatch(path), methods.get("post")
        if match is None or not isinstance(post, Mapping):
            continue
        content = post.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema:
            native = f"{match['kind']}/{match['rest']}"
            offers[native] = _offer(f"{backend}:{native}", KINDS[match["kind"]], post, schema)
    return offers


def _offer(model_id: str, kind: MediaType, post: Mapping[str, Any], schema: Mapping[str, Any]) -> Offer:
    operations, wires = operations_from(schema, kind)
    text = str(post.get("description") or "")
    info = ModelInfo(
        id=model_id, title=str(post.get("summary") or model_id), operations=operations, price=price_of(text),
        description=text.partition("|")[0].strip()[:400], author=model_id.split("/")[1],
        category={"video": "video", "upscale": "upscale"}.get(kind, "other"), data_leaves_machine=True,
    )  # fmt: skip
    return Offer(info=info, wires=wires)


def price_of(description: str) -> Price | None:
    """Read the compute units out of the description's table; of several rows the cheapest."""
    units = [float(number) for number in UNITS.findall(description)]
    if not units:
        return None
    note = (
        "Approximate compute units."
        if len(units) == 1
        else f"Approximate compute units, up to {max(units):g} by length and size."
    )
    return Price(amount=min(units), currency="credits", per="job", note=note)
