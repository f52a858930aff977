"""Asking one backend for its models, guarded: checked, timed, and kept on disk for the next start."""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from diorama.access.redaction import redact
from diorama.contract import FetchedFile, ListContext, ModelInfo, from_plain, to_plain
from diorama.contract.plain import dumps, loads
from diorama.plugins import routing
from diorama.plugins.registry import PluginRegistry

log = logging.getLogger(__name__)
Fetch = Callable[..., FetchedFile]
LONGEST_ID = 512
"""Characters of a model id; longer ones could not be named in a request."""
MOST_ASKING = 4
"""Calls of one backend that may hang at once."""
MOST_MODELS = 200_000
"""Entries of one backend that are taken."""
FORMAT = 1
"""Version of the disk cache; another one is ignored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What is known about one backend's models.

    Attributes:
        models: The last good list.
        fetched_at: Unix seconds of that list; 0 when there never was one.
        stale: True when a newer attempt failed or has not ended yet.
        error: What the last attempt failed with.
        dropped: Entries of the list that broke the contract, one sentence each.
    """

    models: tuple[ModelInfo, ...] = ()
    fetched_at: float = 0.0
    stale: bool = True
    error: str | None = None
    dropped: tuple[str, ...] = ()


class BackendListContext(ListContext):
    """The context of ``list_models`` and ``describe``."""

    def __init__(
        self,
        backend_id: str,
        *,
        refresh: bool,
        offline: bool,
        fetch: Fetch | None = None,
        secret: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self.refresh = refresh
        self.offline = offline
        self.log = logging.getLogger(f"diorama.backends.{backend_id}")
        self._backend_id = backend_id
        self._fetch = fetch
        self._secret = secret

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        max_bytes: int = 2 * 1024**3,
        timeout: float = 60.0,
    ) -> FetchedFile:
        """See :meth:`diorama.contract.BaseContext.fetch`."""
        from diorama.contract import BackendError

        if self._fetch is None or self.offline:
            raise BackendError("There is no network here.", retryable=True)
        return self._fetch(
            self._backend_id, url, method=method, headers=headers, max_bytes=max_bytes, timeout=timeout
        )

    def secret(self, name: str) -> str | None:
        """See :meth:`diorama.contract.BaseContext.secret`."""
        return self._secret(self._backend_id, name) if self._secret else None


def ask(
    registry: PluginRegistry,
    backend_id: str,
    context: ListContext,
    previous: Listing,
    asking: list[threading.Thread],
) -> Listing:
    """Call ``list_models`` in a thread of its own and return the new listing, or the previous one marked stale.

    A backend that hangs keeps its thread (nothing can end a thread from outside); its last good list stays.

    Args:
        registry: Has the backend.
        backend_id: Whom to ask.
        context: What it sees.
        previous: The list so far.
        asking: Threads of this backend that have not come back; one that never answers gets no more of them.
    """
    asking[:] = [thread for thread in asking if thread.is_alive()]
    if len(asking) >= MOST_ASKING:
        return replace(previous, stale=True, error=f"It has not answered {len(asking)} questions yet.")
    answer: list[Any] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            answer.extend(_first(routing.call(registry, backend_id, "list_models", context=context)))
        except BaseException as error:
            failure.append(error)

    thread = threading.Thread(target=run, name=f"list-{backend_id}", daemon=True)
    asking.append(thread)
    thread.start()
    timeout = registry.backend(backend_id).list_timeout
    thread.join(timeout)
    if thread.is_alive():
        return replace(previous, stale=True, error=f"No list within {timeout:g} seconds.")
    if failure:
        log.warning("Listing %s failed", backend_id, exc_info=failure[0])
        return replace(previous, stale=True, error=redact(str(failure[0])) or type(failure[0]).__name__)
    models, dropped = _check(backend_id, answer)
    return Listing(models=models, fetched_at=time.time(), stale=False, dropped=dropped)


def _check(backend_id: str, answer: list[Any]) -> tuple[tuple[ModelInfo, ...], tuple[str, ...]]:
    good: dict[str, ModelInfo] = {}
    dropped = []
    for item in answer:
        try:
            model = checked_entry(backend_id, item)
        except ValueError as error:
            dropped.append(str(error))
            continue
        if model.id in good:
            dropped.append(f"{model.id!r} stands twice in the list")
        else:
            good[model.id] = model
    return tuple(good.values()), tuple(dropped)


def checked_entry(backend_id: str, item: Any) -> ModelInfo:
    """Return a backend's entry with every value of the type that the contract names.

    One wrong value would otherwise break the index, and with it the catalog of everybody else.

    Raises:
        ValueError: it breaks the contract; the sentence says how.
    """
    if not isinstance(item, ModelInfo):
        raise ValueError(f"an entry is {type(item).__name__}, not ModelInfo")
    try:
        model = from_plain(ModelInfo, to_plain(item))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{str(item.id)[:80]!r} breaks the contract: {error}") from error
    if model.backend != backend_id:
        raise ValueError(f"{model.id[:80]!r} belongs to another backend")
    if len(model.id) > LONGEST_ID or not model.id.isprintable():
        raise ValueError(f"{model.id[:80]!r} is no id: too long, or with characters that nobody sees")
    if model.price is not None and not 0 <= model.price.amount < math.inf:
        raise ValueError(f"{model.id!r} has the price {model.price.amount}")
    return model


def _first(answer: Iterable[Any]) -> list[Any]:
    """Take no more than a catalog can hold: a generator may never end."""
    return list(itertools.islice(answer, MOST_MODELS))


def cache_path(folder: Path, backend_id: str, options: Mapping[str, Any]) -> Path:
    """Return the file that keeps a listing; other options of the same instance have another file."""
    digest = hashlib.sha256(dumps({key: str(options[key]) for key in sorted(options)})).hexdigest()[:8]
    return folder / "catalog" / f"{backend_id}-{digest}.json"


def drop_cache(folder: Path, backend_id: str) -> None:
    """Remove all listings of a backend from the disk."""
    for path in (folder / "catalog").glob(f"{backend_id}-????????.json"):
        path.unlink(missing_ok=True)


def read_cache(path: Path) -> Listing:
    """Return a cached listing, marked stale, or an empty one."""
    try:
        plain = loads(path.read_bytes())
        if plain["format"] != FORMAT:
            return Listing()
        models = from_plain(tuple[ModelInfo, ...], plain["models"])
        return Listing(models=models, fetched_at=float(plain["fetched_at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Listing()


def write_cache(path: Path, listing: Listing) -> None:
    """Keep a listing for the next start; failing to is no error."""
    data = dumps({"format": FORMAT, "fetched_at": listing.fetched_at, "models": listing.models})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError:
        log.warning("The catalog cache %s cannot be written", path, exc_info=True)
