"""Searching: checked filters in, a page of models out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from diorama.contract import InvalidRequest

from diorama_civitai.api.client import CivitaiClient
from diorama_civitai.api.shapes import SAFE_LEVELS, ModelPage, read_model

TYPES = (
    "Checkpoint", "TextualInversion", "Hypernetwork", "AestheticGradient", "LORA", "LoCon", "DoRA", "Controlnet",
    "Upscaler", "MotionModule", "VAE", "Poses", "Wildcards", "Workflows", "Detection", "Other",
)  # fmt: skip
PERIODS = ("AllTime", "Year", "Month", "Week", "Day")
MOST_REQUESTS = 5
"""Pages that one search reads at most: filters can leave pages empty although more follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What is searched for.

    Attributes:
        query: Words.
        types: Kinds of file, of :data:`TYPES`.
        sort: Such as ``Most Downloaded``; Civitai's own order when empty.
        period: Of :data:`PERIODS`.
        base_models: Civitai's exact names of base models.
        nsfw: Whether mature models are shown too.
        tag: Exact tag.
        username: Creator.
        cursor: Where an earlier page ended.
        limit: Models per page, 1 to 100.
    """

    query: str = ""
    types: tuple[str, ...] = ()
    sort: str = ""
    period: str = ""
    base_models: tuple[str, ...] = ()
    nsfw: bool = False
    tag: str = ""
    username: str = ""
    cursor: str = ""
    limit: int = 20


def read_filters(raw: Mapping[str, Any]) -> Filters:
    """Check filters, since Civitai ignores unknown ones without a word.

    Raises:
        InvalidRequest: a filter is unknown or has a value that cannot be; ``field`` names it.
    """
    known = {item.name for item in fields(Filters)}
    values: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in known:
            raise InvalidRequest(
                f"There is no filter {name!r:.40}.",
                field=name[:40],
                fix=f"Known: {', '.join(sorted(known))}.",
            )
        if value is not None:
            values[name] = tuple(value) if name in ("types", "base_models") else value
    filters = Filters(**values)
    low = {name.lower(): name for name in TYPES}
    unknown = [name for name in filters.types if name.lower() not in low]
    if unknown:
        raise InvalidRequest(
            f"There is no type {unknown[0]!r:.40}.", field="types", fix=f"Known: {', '.join(TYPES)}."
        )
    if filters.period and filters.period not in PERIODS:
        raise InvalidRequest(
            f"There is no period {filters.period!r:.40}.",
            field="period",
            fix=f"Use one of {', '.join(PERIODS)}.",
        )
    if not 1 <= filters.limit <= 100:
        raise InvalidRequest("limit is a number from 1 to 100.", field="limit", fix="Use 20.")
    values["types"] = tuple(low[name.lower()] for name in filters.types)
    return Filters(**values)


def search(client: CivitaiClient, filters: Filters, key: str | None) -> tuple[list[ModelPage], str | None]:
    """Return models that fit, and the cursor of the next page, ``None`` at the end."""
    found: list[ModelPage] = []
    seen: set[int] = set()
    cursor: str | None = filters.cursor or None
    for _ in range(MOST_REQUESTS):
        answer = client.search(_query(filters, cursor), key)
        items = answer.get("items")
        for raw in items if isinstance(items, list) else ():
            model = read_model(raw)
            if model.id and model.id not in seen and shown(model, nsfw=filters.nsfw):
                seen.add(model.id)
                found.append(model)
        cursor = _next_cursor(answer)
        if cursor is None or 2 * len(found) >= filters.limit:
            break
    return found, cursor


def shown(model: ModelPage, *, nsfw: bool) -> bool:
    """Whether a model may be shown: mature ones only when asked for, and then no real people and no minors."""
    if nsfw:
        return not (model.poi or model.minor)
    return not model.nsfw and (not model.level or bool(model.level & SAFE_LEVELS))


def _query(filters: Filters, cursor: str | None) -> list[tuple[str, str]]:
    query = [("limit", str(filters.limit)), ("nsfw", "true" if filters.nsfw else "false")]
    for name, value in (
        ("query", filters.query),
        ("sort", filters.sort),
        ("period", filters.period),
        ("tag", filters.tag),
        ("username", filters.username),
        ("cursor", cursor),
    ):
        if value:
            query.append((name, value))
    query += [("types", item) for item in filters.types]
    return query + [("baseModels", item) for item in filters.base_models]


def _next_cursor(answer: Mapping[str, Any]) -> str | None:
    """Return the cursor only: the address that comes with it may lead to another host."""
    about = answer.get("metadata")
    value = about.get("nextCursor") if isinstance(about, Mapping) else None
    return (
        str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None
    )
