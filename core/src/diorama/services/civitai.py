"""Civitai: search, details, downloads as jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from diorama.contract import Conflict, NotFound
from diorama.jobs.ledger import Page
from diorama.jobs.records import Job, JobKind
from diorama.jobs.submission import Submission
from diorama.services.backends import backend_with

if TYPE_CHECKING:
    from diorama.engine import Engine

BACKEND = "civitai"
_PAGES = 20
"""Pages of jobs that are looked through for downloads of this backend."""


def search(engine: Engine, **filters: Any) -> dict[str, Any]:
    """Return ``{"models", "next_cursor"}``; filters that are ``None`` or empty do not count."""
    backend = backend_with(engine, BACKEND, "search")
    given = {name: value for name, value in filters.items() if value not in (None, "", (), [])}
    return dict(backend.search(given, engine.catalog.context(BACKEND)))


def model(engine: Engine, model_id: int, nsfw: bool = False) -> dict[str, Any]:
    """Return a model with its versions."""
    return dict(
        backend_with(engine, BACKEND, "model").model(model_id, engine.catalog.context(BACKEND), nsfw=nsfw)
    )


def version(engine: Engine, version_id: int, nsfw: bool = False) -> dict[str, Any]:
    """Return a version with its files."""
    backend = backend_with(engine, BACKEND, "version")
    return dict(backend.version(version_id, engine.catalog.context(BACKEND), nsfw=nsfw))


def by_hash(engine: Engine, digest: str, nsfw: bool = False) -> dict[str, Any]:
    """Return the version that holds the file with this hash."""
    backend = backend_with(engine, BACKEND, "by_hash")
    return dict(backend.by_hash(digest, engine.catalog.context(BACKEND), nsfw=nsfw))


def of_asset(engine: Engine, asset_id: str) -> dict[str, Any]:
    """Return the versions behind the hashes of an asset's recipe: ``{"asset_id", "found", "unknown"}``.

    Raises:
        NotFound: there is no such asset.
    """
    found, unknown = [], []
    for role, name, digest in recipe_hashes(engine.assets.get(asset_id).recipe or {}):
        about = {"role": role, "name": name, "hash": digest}
        try:
            found.append({**about, "version": by_hash(engine, digest)})
        except NotFound:
            unknown.append(about)
    return {"asset_id": asset_id, "found": found, "unknown": unknown}


def recipe_hashes(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield role, name and hash of every weight file that a recipe names."""
    if isinstance(recipe.get("model_hash"), str):
        yield "model", str(recipe.get("model") or ""), recipe["model_hash"]
    for item in recipe.get("loras") or ():
        digest = item.get("sha256") or item.get("hash") if isinstance(item, Mapping) else None
        if isinstance(digest, str):
            yield "lora", str(item.get("id") or ""), digest


def download(engine: Engine, source: str, file_id: int | None = None, owner: str = "") -> Job:
    """Accept a download, or return the one of the same file that is going on.

    Args:
        engine: The engine.
        source: Number of a version, link, AIR or hash.
        file_id: One file of the version; the best safe one when left out.
        owner: Who asks.

    Raises:
        DioramaError: there is no such file, or none that may be fetched; nothing was stored.
    """
    backend = backend_with(engine, BACKEND, "native_id")
    native_id = backend.native_id(source, engine.catalog.context(BACKEND))
    if file_id:
        native_id = f"{native_id.partition('/')[0]}/{file_id}"
    wanted = f"{BACKEND}:{native_id}"
    for job in downloads(engine, active_only=True, limit=200).items:
        if job.model == wanted:
            return job
    return engine.submit(Submission(kind=JobKind.DOWNLOAD.value, model=wanted, owner=owner))


def downloads(
    engine: Engine, active_only: bool = False, limit: int = 50, cursor: str | None = None
) -> Page[Job]:
    """Return the downloads from Civitai, newest first."""
    found: list[Job] = []
    for _ in range(_PAGES):
        page = engine.jobs(kind="download", active_only=active_only, limit=limit, cursor=cursor)
        found += [job for job in page.items if job.model.startswith(f"{BACKEND}:")]
        cursor = page.next_cursor
        if cursor is None or len(found) >= limit:
            break
    return Page(items=tuple(found), next_cursor=cursor)


def end_download(engine: Engine, job_id: str) -> Job:
    """Cancel a download that is going on (its part is kept and continued by the next one), forget one that has ended.

    Raises:
        NotFound: there is no such download.
    """
    job = engine.job(job_id)
    if job.kind is not JobKind.DOWNLOAD or not job.model.startswith(f"{BACKEND}:"):
        raise NotFound("There is no such download.", field="job_id", fix="Check the id.")
    if job.status.final:
        engine.forget(job_id)
        return job
    try:
        return engine.cancel(job_id)
    except Conflict:  # it ended this very moment
        return engine.job(job_id)
