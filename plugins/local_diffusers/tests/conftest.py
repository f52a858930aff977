from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")

from diorama.contract import BackendSettings, ModelInfo
from diorama_local_diffusers import create_backend


def _helper(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        f"local_diffusers_{name}", Path(__file__).parent / f"{name}.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RecordingContext = _helper("context").RecordingContext


@pytest.fixture(scope="session")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="session")
def tiny(tiny_root: Path) -> Callable[..., Path]:
    """Builds a tiny pipeline once per session: ``tiny("sdxl")``."""
    import torch
    from diorama_local_diffusers.testing.tiny import build

    torch.set_num_threads(1)
    return lambda name, seed=0: build(name, tiny_root, seed)


@pytest.fixture
def settings(tmp_path: Path) -> BackendSettings:
    return BackendSettings(
        id="local", data_dir=tmp_path / "data", cache_dir=tmp_path / "cache", models_dirs=(tmp_path / "models",),
        config_dir=tmp_path / "config", device="cpu", offline=True,
    )  # fmt: skip


@pytest.fixture
def backend(settings: BackendSettings) -> Any:
    made = create_backend(settings)
    yield made
    made.close()


@pytest.fixture
def job(tmp_path: Path) -> Callable[..., Any]:
    """Makes a recording job context for a model."""

    def make(model: ModelInfo, **more: Any) -> Any:
        return RecordingContext(model, tmp_path, **more)

    return make


@pytest.fixture
def fake_hub() -> ModuleType:
    return _helper("fake_hub")


@pytest.fixture(scope="session")
def single_files() -> ModuleType:
    """The tests of single files, for the tiny parts that they make."""
    return _helper("test_single_files")
