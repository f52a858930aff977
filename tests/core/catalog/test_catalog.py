"""The catalog stays useful when backends raise, hang, lie or are slow."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from diorama.catalog import Catalog, ModelFilter, listing
from diorama.contract import (
    Availability,
    AvailabilityState,
    Backend,
    Capabilities,
    ModelInfo,
    Operation,
    Price,
    UnknownModel,
    hookimpl,
)
from diorama.plugins.registry import PluginRegistry
from diorama.settings import load_settings
from diorama.testing import FakeBackend, backend_settings


class Scripted(Backend):
    """Lists what the test says."""

    list_timeout = 0.3
    answer: Any = ()

    @hookimpl
    def list_models(self, context: Any) -> Any:
        return self.answer() if callable(self.answer) else self.answer


def entry(model_id: str, **values: Any) -> ModelInfo:
    return ModelInfo(id=model_id, title=model_id, operations={Operation.GENERATE: Capabilities()}, **values)


def make(tmp_path: Path, *backends: Backend, **changes: Any) -> Catalog:
    from dataclasses import replace

    settings = replace(load_settings({"DIORAMA_HOME": str(tmp_path / "home")}), **changes)
    registry = PluginRegistry(settings)
    for backend in backends:
        registry.add(backend)
    return Catalog(registry, settings)


def scripted(tmp_path: Path, name: str, answer: Any) -> Scripted:
    backend = Scripted(backend_settings(name, tmp_path))
    backend.answer = answer
    return backend


def test_a_raising_backend_keeps_its_last_good_list(tmp_path: Path) -> None:
    backend = scripted(tmp_path, "shaky", [entry("shaky:a")])
    catalog = make(tmp_path, backend, FakeBackend(backend_settings("fake", tmp_path)))
    catalog.start()
    assert {m.backend for m in catalog.models()} == {"shaky", "fake"}

    def fail() -> Any:
        raise RuntimeError("provider is down")

    backend.answer = fail
    catalog.refresh()
    assert catalog.get("shaky:a").title == "shaky:a"
    assert catalog.listings()["shaky"].stale
    assert "provider is down" in str(catalog.listings()["shaky"].error)
    assert not catalog.listings()["fake"].stale


def test_nobody_waits_for_the_first_list_of_somebody_else(tmp_path: Path) -> None:
    go_on = threading.Event()
    slow = scripted(tmp_path, "slow", lambda: go_on.wait(20) and [])
    slow.list_timeout = 20
    catalog = make(tmp_path, slow, FakeBackend(backend_settings("fake", tmp_path)))
    before = set(threading.enumerate())
    catalog.start()
    try:
        assert catalog.get("fake:image").id == "fake:image"
        assert not catalog.listings()["slow"].fetched_at, "the slow one has not answered yet"
        busy = set(threading.enumerate()) - before
        assert busy
        assert all(thread.daemon for thread in busy), "a command that is done does not wait for them"
    finally:
        go_on.set()


def test_a_hanging_backend_costs_only_its_own_list(tmp_path: Path) -> None:
    release = threading.Event()
    backend = scripted(tmp_path, "stuck", lambda: release.wait(30) and [])
    catalog = make(tmp_path, backend, FakeBackend(backend_settings("fake", tmp_path)))
    catalog.start()
    catalog.refresh("fake")
    assert catalog.get("fake:image")
    catalog.refresh("stuck")
    assert "0.3 seconds" in str(catalog.listings()["stuck"].error)
    release.set()


def test_entries_that_break_the_contract_are_dropped_and_named(tmp_path: Path) -> None:
    backend = scripted(tmp_path, "liar", [entry("liar:a"), entry("fake:stolen"), entry("liar:a"), "text"])
    catalog = make(tmp_path, backend)
    catalog.refresh()
    assert [model.id for model in catalog.models()] == ["liar:a"]
    assert len(catalog.listings()["liar"].dropped) == 3


LIES: dict[str, dict[str, Any]] = {
    "title": {"title": None},
    "tags": {"tags": (1, 2)},
    "family": {"family": 5},
    "operations": {"operations": {Operation.GENERATE: "everything"}},
    "availability": {"availability": "ready"},
    "memory": {"memory_gb": "much"},
    "negative price": {"price": Price(amount=-1.0)},
    "no price": {"price": Price(amount=float("nan"))},
    "unseen characters": {"id": "liar:a\x1b[2J"},
    "endless id": {"id": "liar:" + "a" * 100_000},
    "an object": {"links": {"home": object()}},
}


@pytest.mark.parametrize("name", LIES)
def test_one_lie_does_not_break_the_catalog_of_the_others(tmp_path: Path, name: str) -> None:
    from dataclasses import replace

    lie = replace(entry("liar:b"), **LIES[name])
    catalog = make(
        tmp_path,
        scripted(tmp_path, "liar", [entry("liar:good"), lie]),
        scripted(tmp_path, "shop", [entry("shop:a")]),
    )
    catalog.refresh("liar")
    catalog.refresh("shop")
    assert [model.id for model in catalog.models()] == ["liar:good", "shop:a"]
    (dropped,) = catalog.listings()["liar"].dropped
    assert len(dropped) < 500


def test_a_list_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_MODELS", 5)
    catalog = make(
        tmp_path, scripted(tmp_path, "flood", lambda: (entry(f"flood:{n}") for n in itertools.count()))
    )
    catalog.refresh()
    assert len(catalog.models()) == 5


@pytest.mark.parametrize(
    "described", ["text", ModelInfo(id="shop:other", title="x", operations={Operation.EDIT: Capabilities()})]
)
def test_a_wrong_description_is_no_model(tmp_path: Path, described: Any) -> None:
    backend = scripted(tmp_path, "shop", [entry("shop:a")])
    backend.describe = lambda native_id, context: described  # type: ignore[method-assign]
    catalog = make(tmp_path, backend)
    catalog.refresh()
    with pytest.raises(UnknownModel):
        catalog.get("shop:named")


def test_a_backend_that_never_answers_gets_no_more_threads(tmp_path: Path) -> None:
    release = threading.Event()
    backend = scripted(tmp_path, "stuck", lambda: release.wait(60) and [])
    backend.list_timeout = 0.01
    catalog = make(tmp_path, backend)
    for _ in range(20):
        catalog.refresh()
    stuck = [thread for thread in threading.enumerate() if thread.name == "list-stuck"]
    assert len(stuck) == listing.MOST_ASKING
    assert "not answered" in str(catalog.listings()["stuck"].error)
    release.set()
    for thread in stuck:
        thread.join(20)
    backend.answer, backend.list_timeout = [entry("stuck:a")], 20
    catalog.refresh()
    assert [model.id for model in catalog.models()] == ["stuck:a"]


def test_a_slow_answer_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    """Asked before a key was set, answered after: the list without the key must not win."""
    asked, go = threading.Event(), threading.Event()

    def slow() -> Any:
        asked.set()
        assert go.wait(20)
        return [entry("shop:old")]

    backend = scripted(tmp_path, "shop", slow)
    backend.list_timeout = 20
    catalog = make(tmp_path, backend)
    first = threading.Thread(target=catalog.refresh)
    first.start()
    assert asked.wait(10)
    backend.answer = [entry("shop:new")]
    catalog.refresh()
    go.set()
    first.join(20)
    assert [model.id for model in catalog.models()] == ["shop:new"]


def test_an_answer_that_comes_after_its_backend_was_switched_off_is_dropped(tmp_path: Path) -> None:
    asked, go = threading.Event(), threading.Event()

    def slow() -> Any:
        asked.set()
        assert go.wait(20)
        return [entry("shop:a")]

    backend = scripted(tmp_path, "shop", slow)
    backend.list_timeout = 20
    catalog = make(tmp_path, backend)
    thread = threading.Thread(target=catalog.refresh)
    thread.start()
    assert asked.wait(10)
    catalog._registry._backends.pop("shop")
    catalog.forget("shop")
    go.set()
    thread.join(20)
    assert "shop" not in catalog.listings()


def test_a_list_that_changes_by_itself_is_asked_again_when_somebody_looks(tmp_path: Path) -> None:
    backend = scripted(tmp_path, "servers", [entry("servers:a")])
    catalog = make(tmp_path, backend)
    catalog.refresh()
    backend.answer = [entry("servers:a"), entry("servers:b")]
    assert len(catalog.models()) == 1, "a list without a lifetime stays until it is asked for"
    backend.list_lifetime = 1e-6
    deadline = time.monotonic() + 20
    while len(catalog.models()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert {model.id for model in catalog.models()} == {"servers:a", "servers:b"}


def test_a_model_that_was_offline_is_asked_after_when_it_is_wanted(tmp_path: Path) -> None:
    gone = Availability(state=AvailabilityState.OFFLINE, fix="Start it.")
    backend = scripted(tmp_path, "servers", [entry("servers:a", availability=gone)])
    catalog = make(tmp_path, backend)
    catalog.refresh()
    backend.answer = [entry("servers:a")]
    assert catalog.get("servers:a").availability.state == "offline", "its list has no lifetime"
    backend.list_lifetime = 1e-6
    assert catalog.get("servers:a").availability.state == "ready"


def test_the_next_start_shows_the_last_list_at_once(tmp_path: Path) -> None:
    catalog = make(tmp_path, scripted(tmp_path, "slow", [entry("slow:a")]))
    catalog.refresh()
    hanging = threading.Event()
    again = make(tmp_path, scripted(tmp_path, "slow", lambda: hanging.wait(30) and []))
    again.start()
    assert [model.id for model in again.models()] == ["slow:a"]
    assert again.listings()["slow"].stale
    hanging.set()


def test_names_aliases_and_families_are_found(tmp_path: Path) -> None:
    listed = [entry("shop:x/flux", family="flux-schnell", data_leaves_machine=True), entry("shop:plain")]
    catalog = make(tmp_path, scripted(tmp_path, "shop", listed), aliases={"fast": "shop:x/flux"})
    catalog.refresh()
    assert (
        catalog.get("fast").id == catalog.get("flux-schnell").id == catalog.get("x/flux").id == "shop:x/flux"
    )
    with pytest.raises(UnknownModel) as caught:
        catalog.get("shop:plane")
    assert "shop:plain" in str(caught.value.fix)


def test_ten_thousand_models_are_searched_quickly(tmp_path: Path) -> None:
    listed = [
        entry(f"big:{number}", tags=("odd",) if number % 2 else (), category="c") for number in range(10_000)
    ]
    catalog = make(tmp_path, scripted(tmp_path, "big", listed))
    catalog.refresh()
    started = time.perf_counter()
    found = catalog.models(ModelFilter(text="777", tag="odd"))
    elapsed = time.perf_counter() - started
    assert {model.native_id for model in found} == {
        str(n) for n in range(10_000) if "777" in str(n) and n % 2
    }
    print(f"search over 10,000 models: {elapsed * 1000:.1f} ms")


def test_filters_combine(tmp_path: Path) -> None:
    catalog = make(tmp_path, FakeBackend(backend_settings("fake", tmp_path)))
    catalog.refresh()
    assert {m.id for m in catalog.models(ModelFilter(operation="edit"))} == {"fake:image", "fake:edit"}
    assert catalog.models(ModelFilter(operation="edit", backend="other")) == ()
    assert (
        catalog.models(ModelFilter(availability="ready", category="test", text="VIDEO fake"))[0].id
        == "fake:video"
    )
