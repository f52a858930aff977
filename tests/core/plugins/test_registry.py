"""Loading: good, failing, duplicate, too new, several instances; a broken one harms only itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from diorama.contract import BackendNotReady, UnknownModel
from diorama.plugins.registry import PluginRegistry
from diorama.settings import Settings, load_settings

GOOD = """
    from diorama.contract import Backend, Capabilities, ModelInfo, Operation, hookimpl

    class Good(Backend):
        @hookimpl
        def list_models(self, context):
            return [ModelInfo(id=f"{self.name}:a", title="A", operations={Operation.GENERATE: Capabilities()})]

    def create(settings):
        return Good(settings)

    def nameless(settings):
        backend = Good(settings)
        backend.name = "other"
        return backend

    def too_new(settings):
        backend = Good(settings)
        backend.hook_api = 99
        return backend

    def wrong_hook(settings):
        class Wrong(Good):
            @hookimpl
            def generate(self, request, context, surprise):
                return None
        return Wrong(settings)

    def no_backend(settings):
        return object()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path that looks like site-packages, with a module and any dist-info written into it."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "sample_backends.py").write_text(dedent(GOOD), encoding="utf-8")
    (folder / "sample_broken.py").write_text(
        "raise ImportError('no module named vendor_sdk')\n", encoding="utf-8"
    )
    (folder / "sample_exits.py").write_text("raise SystemExit(3)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("sample_")]:
        del sys.modules[name]


def distribution(site: Path, name: str, version: str, **points: str) -> None:
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8"
    )
    lines = "\n".join(f"{key} = {value}" for key, value in points.items())
    (info / "entry_points.txt").write_text(f"[diorama.backends]\n{lines}\n", encoding="utf-8")


def settings(tmp_path: Path, *allow: str, **backends: dict[str, object]) -> Settings:
    base = load_settings({"DIORAMA_HOME": str(tmp_path / "home")})
    return replace(base, plugins_allow=allow or ("none",), backends=backends)


def test_a_broken_plugin_is_listed_with_package_version_and_reason(site: Path, tmp_path: Path) -> None:
    distribution(site, "acme-good", "1.2", good="sample_backends:create")
    distribution(site, "acme-bad", "3.4", bad="sample_broken:create", quits="sample_exits:create")
    registry = PluginRegistry(settings(tmp_path, "good", "bad", "quits"))
    registry.load()
    assert set(registry.backends) == {"good"}
    reasons = {item.name: item for item in registry.broken}
    assert reasons["bad"].distribution == "acme-bad"
    assert reasons["bad"].version == "3.4"
    assert "vendor_sdk" in reasons["bad"].reason
    assert "SystemExit" in reasons["quits"].reason
    with pytest.raises(BackendNotReady, match="vendor_sdk"):
        registry.backend("bad")
    with pytest.raises(UnknownModel, match="nothing"):
        registry.backend("nothing")


@pytest.mark.parametrize(
    ("factory", "reason"),
    [
        ("nameless", "calls itself"),
        ("too_new", "contract version 99"),
        ("wrong_hook", "surprise"),
        ("no_backend", "not a diorama.contract.Backend"),
        ("missing", "missing"),
    ],
)
def test_what_breaks_the_contract_is_refused(site: Path, tmp_path: Path, factory: str, reason: str) -> None:
    distribution(site, "acme", "1", odd=f"sample_backends:{factory}")
    registry = PluginRegistry(settings(tmp_path, "odd"))
    registry.load()
    assert not registry.backends
    assert reason in registry.broken[0].reason


def test_a_name_taken_twice_is_reported_with_both_packages(site: Path, tmp_path: Path) -> None:
    distribution(site, "acme-one", "1", twin="sample_backends:create")
    distribution(site, "acme-two", "2", twin="sample_backends:create")
    registry = PluginRegistry(settings(tmp_path, "twin"))
    registry.load()
    assert set(registry.backends) == {"twin"}
    assert "taken by acme-" in registry.broken[0].reason


def test_one_factory_makes_several_instances(site: Path, tmp_path: Path) -> None:
    distribution(site, "acme", "1", good="sample_backends:create")
    tables = {"attic": {"plugin": "good", "url": "http://a"}, "cellar": {"plugin": "sample_backends:create"}}
    registry = PluginRegistry(settings(tmp_path, "good", **tables))
    registry.load()
    assert set(registry.backends) == {"good", "attic", "cellar"}
    assert registry.backend("attic").settings.options == {"url": "http://a"}


def test_a_backend_can_be_switched_off(site: Path, tmp_path: Path) -> None:
    distribution(site, "acme", "1", good="sample_backends:create")
    registry = PluginRegistry(settings(tmp_path, "good", good={"enabled": False}))
    registry.load()
    assert not registry.backends
    assert not registry.broken
