"""A call reaches the owner only, inside the extensions."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import GenerateRequest, OperationNotSupported, Result, hookimpl
from diorama.plugins import routing
from diorama.plugins.registry import PluginRegistry
from diorama.settings import load_settings
from diorama.testing import FakeBackend, RecordingJobContext, RecordingListContext, backend_settings


class Loud(FakeBackend):
    """Raises in every hook: must never be reached by a call for another backend."""

    @hookimpl
    def list_models(self, context: Any) -> Any:
        raise RuntimeError("reached")

    @hookimpl
    def generate(self, request: Any, context: Any) -> Any:
        raise RuntimeError("reached")


class Watermark:
    """A wrapper that sees every generate call."""

    seen: list[str]

    def __init__(self) -> None:
        self.seen = []

    @hookimpl(wrapper=True)
    def generate(self, request: GenerateRequest, context: Any) -> Generator[None, Result, Result]:
        self.seen.append(request.model)
        result = yield
        return Result(artifacts=result.artifacts, facts={**result.facts, "watermark": True})


@pytest.fixture
def registry(tmp_path: Path) -> PluginRegistry:
    registry = PluginRegistry(load_settings({"DIORAMA_HOME": str(tmp_path)}))
    registry.add(Loud(backend_settings("loud", tmp_path)))
    registry.add(FakeBackend(backend_settings("fake", tmp_path)))
    registry.add(Loud(backend_settings("loud2", tmp_path)))
    return registry


def test_only_the_owner_is_called(registry: PluginRegistry) -> None:
    models = routing.call(registry, "fake", "list_models", context=RecordingListContext())
    assert {model.backend for model in models} == {"fake"}


def test_extensions_wrap_the_call(registry: PluginRegistry, tmp_path: Path) -> None:
    mark = Watermark()
    registry.manager.register(mark, name="extension mark")
    model = routing.call(registry, "fake", "list_models", context=RecordingListContext())[0]
    request = GenerateRequest(model=model.id, prompt="x", seed=1, width=16, height=16)
    result = routing.call(
        registry, "fake", "generate", request=request, context=RecordingJobContext(model, tmp_path)
    )
    assert mark.seen == ["fake:image"]
    assert result.facts["watermark"] is True


def test_a_hook_that_is_not_offered_is_a_clear_error(registry: PluginRegistry, tmp_path: Path) -> None:
    class ListsOnly(type(registry.backend("fake")).__mro__[1]):  # the plain Backend
        @hookimpl
        def list_models(self, context: Any) -> Any:
            return []

    registry.add(ListsOnly(backend_settings("quiet", tmp_path)))
    with pytest.raises(OperationNotSupported, match="quiet"):
        routing.call(registry, "quiet", "video", request=None, context=None)
