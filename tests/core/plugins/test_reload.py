"""One backend is made anew, switched off and mended while the others go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendNotReady, UnknownModel
from diorama.plugins.registry import PluginRegistry
from diorama.settings import load_settings

FAKE = "diorama.testing.fake:create"


@pytest.fixture
def registry(tmp_path: Path) -> PluginRegistry:
    tables: dict[str, Any] = {"one": {"plugin": FAKE, "price": 1}, "two": {"plugin": FAKE}}
    settings = load_settings(
        {"DIORAMA_HOME": str(tmp_path), "DIORAMA_PLUGINS_ALLOW": "none"}, backends=tables
    )
    made = PluginRegistry(settings)
    made.load()
    return made


def change(registry: PluginRegistry, **options: Any) -> None:
    tables: Any = registry.settings.backends
    tables["one"] = {"plugin": FAKE, **options}
    registry.reload("one")


def test_new_options_make_a_new_object_and_leave_the_rest(registry: PluginRegistry) -> None:
    before = dict(registry.backends)
    change(registry, price=2)
    assert registry.backend("one") is not before["one"]
    assert registry.backend("one").settings.options == {"price": 2}
    assert registry.backend("two") is before["two"]
    assert [item.id for item in registry.loaded] == ["two", "one"]


def test_the_old_object_is_closed_at_the_end_only(registry: PluginRegistry) -> None:
    closed = []
    old = registry.backend("one")
    old.close = lambda: closed.append("old")  # type: ignore[method-assign]
    change(registry)
    assert closed == [], "jobs may still be using it"
    registry.close()
    assert closed == ["old"]


@pytest.mark.parametrize("value", [False, "0", "off", "False"])
def test_a_backend_that_is_switched_off_says_so(registry: PluginRegistry, value: Any) -> None:
    change(registry, enabled=value)
    assert (list(registry.backends), registry.disabled) == (["two"], ("one",))
    with pytest.raises(BackendNotReady, match="switched off"):
        registry.backend("one")
    with pytest.raises(UnknownModel):
        registry.backend("three")
    change(registry, enabled="1")
    assert registry.backend("one").name == "one"


def test_a_broken_one_is_mended(registry: PluginRegistry) -> None:
    change(registry, concurrency="many")
    assert [item.name for item in registry.broken] == ["one"]
    change(registry, concurrency=2)
    assert registry.broken == ()
    assert registry.backend("one").concurrency == 2
