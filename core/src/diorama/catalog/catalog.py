"""One list of models over all backends."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from diorama.catalog.freshness import Freshness
from diorama.catalog.listing import (
    BackendListContext,
    Fetch,
    Listing,
    ask,
    cache_path,
    checked_entry,
    drop_cache,
    read_cache,
    write_cache,
)
from diorama.catalog.prices import PriceBook
from diorama.catalog.search import ModelFilter, ModelIndex
from diorama.contract import AvailabilityState, DioramaError, ModelInfo, UnknownModel, split_model_id
from diorama.plugins.registry import PluginRegistry
from diorama.settings import Settings

log = logging.getLogger(__name__)
MAX_LISTERS = 16
FIRST_PATIENCE = 30.0
"""Seconds that a question waits at most for the first lists there have ever been."""


class Catalog:
    """Keeps every backend's last good list, on disk too, and answers from memory.

    Args:
        registry: The backends.
        settings: Aliases, offline switch, cache folder, the user's prices.
        fetch: The guarded way to the network, for backends that list over it.
        secret: Looks up ``(backend id, name)``.
    """

    def __init__(
        self,
        registry: PluginRegistry,
        settings: Settings,
        *,
        fetch: Fetch | None = None,
        secret: Callable[[str, str], str | None] | None = None,
    ) -> None:
        self._registry = registry
        self._settings = settings
        self._fetch = fetch
        self._secret = secret
        self._prices = PriceBook(settings.prices_file)
        self._lock = threading.Lock()
        self._listings: dict[str, Listing] = {}
        self._described: dict[str, ModelInfo] = {}
        self._index = ModelIndex(())
        self._revision = 0
        self._asked = 0
        self._asking: dict[str, list[threading.Thread]] = {}
        self._answered: dict[str, int] = {}  # by backend: which question the present list answers
        self._first: dict[str, threading.Event] = {}  # by backend: it has been asked once since the start
        self._freshness = Freshness(lambda: registry.backends, lambda name: self._refresh_one(name, False))

    @property
    def revision(self) -> int:
        """Grows with every change of the list; good for ETags and caches."""
        return self._revision

    def start(self) -> None:
        """Show the lists of the last run at once, and ask every backend anew in the background.

        Raises:
            InvalidRequest: the user's prices cannot be read.
        """
        self._prices.load()
        for backend_id in self._registry.backends:
            self._listings[backend_id] = read_cache(self._cache_file(backend_id))
            self._first[backend_id] = threading.Event()
        self._rebuild()
        threading.Thread(target=self._first_refresh, name="catalog", daemon=True).start()

    def refresh(self, backend_id: str | None = None, *, force: bool = True) -> None:
        """Ask backends for their lists now and wait for the answers.

        Args:
            backend_id: One backend, or ``None`` for all.
            force: Tell the backends to pass their own caches by.

        Raises:
            UnknownModel: there is no such backend.
            InvalidRequest: the user's prices cannot be read.
        """
        if backend_id is not None:
            self._registry.backend(backend_id)
        if self._prices.load():
            self._rebuild()
        names = [backend_id] if backend_id else list(self._registry.backends)
        if not names:
            return
        _side_by_side(names, lambda name: self._refresh_one(name, force))

    def arrived(self, model: ModelInfo) -> None:
        """Ask those backends again whose lists a download can change: its own, and those that run files of this disk."""
        for name, backend in list(self._registry.backends.items()):
            if name == model.backend or backend.placement == "worker":
                self._refresh_one(name, False)

    def models(self, wanted: ModelFilter | None = None) -> tuple[ModelInfo, ...]:
        """Return the models that fit; waits only when nothing has ever been listed."""
        self._wait_for_first_list()
        self._freshness.look()
        return tuple(self._index.search(wanted)) if wanted else self._index.models

    def listings(self) -> Mapping[str, Listing]:
        """Return what is known per backend: age, staleness, last error."""
        with self._lock:
            return dict(self._listings)

    def get(self, name: str) -> ModelInfo:
        """Return a model by id, alias, family or unprefixed id.

        A family stands for its first offer that is ready, offers on this machine before others. A model that was
        offline is asked after again where lists change by themselves: its server may be up now.

        Raises:
            UnknownModel: nothing fits; the sentence proposes what looks similar.
            BackendNotReady: its backend is installed but broken.
        """
        wanted = self._settings.aliases.get(name, name)
        if wanted in self._index.by_id:
            return self._awake(self._index.by_id[wanted])
        self._wait_for_first_list(split_model_id(wanted)[0])
        found = self._index.by_id.get(wanted) or self._described.get(wanted)
        if found is None:
            named = self._index.named(wanted)
            found = named[0] if named else self._describe(wanted)
        if found is None:
            raise self._unknown(name)
        return found

    def offers(self, name: str) -> tuple[ModelInfo, ...]:
        """Return all models of a family, ready ones first; empty when ``name`` means one model and no family."""
        wanted = self._settings.aliases.get(name, name)
        if wanted in self._index.by_id:
            return ()
        self._wait_for_first_list()
        low = wanted.casefold()
        return tuple(model for model in self._index.named(wanted) if model.family.casefold() == low)

    def forget(self, backend_id: str) -> None:
        """Drop what is kept on disk of a backend whose key or address has changed, and its list if it is switched off."""
        drop_cache(self._settings.cache_dir, backend_id)
        if backend_id not in self._registry.backends:
            with self._lock:
                self._listings.pop(backend_id, None)
            self._rebuild()

    def _awake(self, model: ModelInfo) -> ModelInfo:
        offline = model.availability.state is AvailabilityState.OFFLINE
        if offline and self._freshness.renew(model.backend):
            return self._index.by_id.get(model.id, model)
        return model

    def _describe(self, model_id: str) -> ModelInfo | None:
        backend_id, native_id = split_model_id(model_id)
        if not backend_id or not native_id:
            return None
        backend = self._registry.backend(backend_id)
        try:
            model = backend.describe(native_id, self.context(backend_id, refresh=False))
        except DioramaError:
            raise
        except Exception as error:
            log.warning("Backend %s failed to describe %s", backend_id, native_id, exc_info=True)
            raise UnknownModel(f"{backend_id} could not look up {native_id!r}.", field="model") from error
        if model is None:
            return None
        try:
            model = checked_entry(backend_id, model)
        except ValueError as error:
            raise UnknownModel(
                f"{backend_id} described {native_id[:80]!r} wrongly: {error}", field="model"
            ) from error
        if model.id != model_id:
            return None
        model = self._described[model_id] = self._prices.applied(model)
        return model

    def _unknown(self, name: str) -> UnknownModel:
        shown = name if len(name) <= 100 else name[:100] + "..."
        similar = self._index.similar(name[:200])
        fix = f"Did you mean {', '.join(similar)}?" if similar else "`diorama models` lists what there is."
        return UnknownModel(f"There is no model {shown!r}.", field="model", fix=fix)

    def _wait_for_first_list(self, backend_id: str | None = None) -> None:
        """Wait for what has never been listed: one backend, so that a slow one delays nobody else's models, or all."""
        names = [backend_id] if backend_id else list(self._listings)
        until = time.monotonic() + FIRST_PATIENCE
        for name in names:
            listing, asked = self._listings.get(name), self._first.get(name)
            if listing is not None and asked is not None and not listing.fetched_at and not listing.error:
                asked.wait(timeout=max(0.0, until - time.monotonic()))

    def _first_refresh(self) -> None:
        try:
            self.refresh(force=False)
        except RuntimeError:  # a short command has ended meanwhile, and Python starts no more threads
            log.debug("the first look at the backends was cut short", exc_info=True)
        finally:
            for asked in list(self._first.values()):
                asked.set()

    def _refresh_one(self, backend_id: str, force: bool) -> None:
        try:
            self._ask_one(backend_id, force)
        finally:
            if backend_id in self._first:
                self._first[backend_id].set()

    def _ask_one(self, backend_id: str, force: bool) -> None:
        self._freshness.asked(backend_id)
        with self._lock:
            self._asked += 1
            turn, hanging = self._asked, self._asking.setdefault(backend_id, [])
        previous = self._listings.get(backend_id, Listing())
        listing = ask(self._registry, backend_id, self.context(backend_id, refresh=force), previous, hanging)
        with self._lock:
            if backend_id not in self._registry.backends:
                return  # switched off meanwhile
            if self._answered.get(backend_id, 0) > turn and not self._listings[backend_id].stale:
                return  # asked before the newest answer: it may not know of a new key yet
            self._answered[backend_id] = turn
            changed = listing.models != self._listings.get(backend_id, Listing()).models
            self._listings[backend_id] = listing
            self._described = {
                key: model for key, model in self._described.items() if model.backend != backend_id
            }
            if changed:  # in one step: whoever sees that there is a list finds its models
                self._index_anew()
        if changed and not listing.stale:
            write_cache(self._cache_file(backend_id), listing)

    def _rebuild(self) -> None:
        with self._lock:
            self._index_anew()

    def _index_anew(self) -> None:
        """Make the index out of all lists. The lock is held."""
        listed = [self._prices.applied(model) for item in self._listings.values() for model in item.models]
        self._index = ModelIndex(sorted(listed, key=_shelf))
        self._revision += 1

    def context(self, backend_id: str, *, refresh: bool = False) -> BackendListContext:
        """Return what a backend sees while it lists, describes or checks itself."""
        return BackendListContext(
            backend_id,
            refresh=refresh,
            offline=self._settings.offline,
            fetch=self._fetch,
            secret=self._secret,
        )

    def _cache_file(self, backend_id: str) -> Path:
        """A key that is exported or no more makes another file: a list without keys is not shown to who has one now."""
        options = dict(self._settings.backends.get(backend_id, {}))
        backend = self._registry.backends.get(backend_id)
        if backend is not None:
            variables = [name for names in backend.secrets.values() for name in names]
            options["exported"] = [name for name in variables if os.environ.get(name)]
        return cache_path(self._settings.cache_dir, backend_id, options)


def _shelf(model: ModelInfo) -> tuple[bool, bool]:
    """What runs here and now stands first; within that, each backend's own order is kept."""
    return model.data_leaves_machine, model.availability.state != "ready"


def _side_by_side(names: Sequence[str], do: Callable[[str], None]) -> None:
    """Do something for every name, `MAX_LISTERS` at once, and wait.

    The threads are daemons: those of an executor would hold a command that is done until the slowest backend answers.
    """
    left, lock = iter(names), threading.Lock()

    def work() -> None:
        while True:
            with lock:
                name = next(left, None)
            if name is None:
                return
            try:
                do(name)
            except Exception:
                log.warning("Listing %s failed", name, exc_info=True)

    threads = [threading.Thread(target=work, name="catalog", daemon=True) for _ in names[:MAX_LISTERS]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
