"""fal's platform interface: the list of endpoints with their schemas, and prices."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlencode

from diorama.contract import BaseContext, DioramaError, License, ModelInfo, Price
from diorama.contract.models import PriceUnit
from diorama.contract.remote import Offer
from diorama.contract.remote.http import Http
from diorama.contract.remote.schema import operations_from

CATEGORIES = ("text-to-image", "image-to-image", "text-to-video", "image-to-video", "video-to-video")
PAGE, MOST_PAGES, PRICED_AT_ONCE = 50, 60, 50
UNITS: Mapping[str, PriceUnit] = {
    "image": "image", "images": "image", "megapixel": "megapixel", "megapixels": "megapixel", "second": "second",
    "seconds": "second", "video": "video", "videos": "video", "compute second": "compute_second",
    "compute seconds": "compute_second", "request": "job", "generation": "job",
}  # fmt: skip


def discover(
    backend: str, api: str, context: BaseContext, key: str | None, known: Sequence[str]
) -> dict[str, Offer]:
    """Return every active endpoint of the five categories; curated ones only for their price."""
    offers = {}
    for category in CATEGORIES:
        for row in _rows(api, context, key, {"category": category, "status": "active"}):
            if offer := offer_from(backend, row):
                offers[offer.info.native_id] = offer
    if key is not None:
        ids = [*offers, *(name for name in known if name not in offers)]
        for native, price in _prices(api, context, key, ids).items():
            if native in offers:
                offers[native] = replace(offers[native], info=replace(offers[native].info, price=price))
    return offers


def find(backend: str, api: str, endpoint: str, context: BaseContext, key: str | None) -> Offer | None:
    """Return one endpoint with its price, or ``None``."""
    for row in _rows(api, context, key, {"endpoint_id": endpoint}):
        offer = offer_from(backend, row)
        if offer is None or key is None:
            return offer
        price = _prices(api, context, key, [endpoint]).get(endpoint)
        return replace(offer, info=replace(offer.info, price=price)) if price else offer
    return None


def prove(api: str, key: str) -> None:
    """Make a call that only a good key may make."""
    http = Http(api, f"Key {key}")
    try:
        http.json("GET", "/v1/models/pricing", params={"endpoint_id": "fal-ai/flux/dev"})
    finally:
        http.close()


def offer_from(backend: str, row: Mapping[str, Any]) -> Offer | None:
    """Read one row of the list; ``None`` when its schema is missing or it makes neither pictures nor films."""
    endpoint, about, document = (
        str(row.get("endpoint_id", "")),
        row.get("metadata") or {},
        row.get("openapi") or {},
    )
    schema, kind = input_schema(document), kind_of(endpoint, about)
    if not endpoint or schema is None or kind is None:
        return None
    operations, wires = operations_from(schema, kind, document, name=endpoint, repository="{}")
    commercial = about.get("license_type")
    info = ModelInfo(
        id=f"{backend}:{endpoint}", title=str(about.get("display_name") or endpoint), operations=operations,
        description=str(about.get("description") or "")[:400], tags=tuple(str(tag) for tag in about.get("tags") or ()),
        category={"video": "video", "upscale": "upscale"}.get(kind, "other"), data_leaves_machine=True,
        license=License(name=str(commercial), commercial_use=commercial == "commercial") if commercial else None,
        links={"homepage": f"https://fal.ai/models/{endpoint}"},
    )  # fmt: skip
    return Offer(info=info, wires=wires)


def kind_of(endpoint: str, about: Mapping[str, Any]) -> Literal["image", "video", "upscale"] | None:
    """Tell what an endpoint makes, from its category, tags and name."""
    category = about.get("category")
    if category not in CATEGORIES:
        return None
    words = " ".join([endpoint, *map(str, about.get("tags") or ())]).lower()
    if any(word in words for word in ("upscal", "esrgan", "super-resolution")):
        return "upscale"
    return "video" if str(category).endswith("video") else "image"


def input_schema(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema of the request body out of an endpoint's OpenAPI document."""
    from diorama.contract.remote.schema import plain_schema

    for path in document.get("paths", {}).values():
        content = path.get("post", {}).get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema:
            found = plain_schema(schema, document)
            return found if found.get("properties") else None
    return None


def _rows(
    api: str, context: BaseContext, key: str | None, query: Mapping[str, str]
) -> Iterator[Mapping[str, Any]]:
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        asked = {
            **query,
            "limit": str(PAGE),
            "expand": "openapi-3.0",
            **({"cursor": cursor} if cursor else {}),
        }
        page = _get(f"{api}/v1/models?{urlencode(asked)}", context, key)
        yield from page.get("models", ())
        cursor = page.get("next_cursor")
        if not cursor:
            return


def _prices(api: str, context: BaseContext, key: str, endpoints: Sequence[str]) -> dict[str, Price]:
    prices: dict[str, Price] = {}
    for start in range(0, len(endpoints), PRICED_AT_ONCE):
        asked = urlencode([("endpoint_id", name) for name in endpoints[start : start + PRICED_AT_ONCE]])
        try:
            page = _get(f"{api}/v1/models/pricing?{asked}", context, key)
        except DioramaError as error:
            context.log.warning("fal told no prices: %s", error)
            return prices
        for row in page.get("prices", ()):
            unit = UNITS.get(str(row.get("unit", "")).lower())
            if unit is not None:
                prices[str(row["endpoint_id"])] = Price(
                    amount=float(row["unit_price"]), currency=str(row.get("currency", "USD")), per=unit
                )
    return prices


def _get(url: str, context: BaseContext, key: str | None) -> Mapping[str, Any]:
    fetched = context.fetch(
        url, headers={"Authorization": f"Key {key}"} if key else None, max_bytes=64 * 1024**2
    )
    found = json.loads(fetched.path.read_bytes())
    return found if isinstance(found, Mapping) else {}
