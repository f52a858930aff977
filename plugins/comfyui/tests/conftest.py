"""Shared pieces of this plugin's tests."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from comfyui_jobs import make_backend  # noqa: E402
from comfyui_standin import StandIn  # noqa: E402
from diorama_comfyui.backend import ComfyBackend  # noqa: E402
from diorama_comfyui.schema import ObjectInfo  # noqa: E402


@pytest.fixture(scope="session")
def raw_info() -> dict[str, Any]:
    """The node classes of a ComfyUI 0.33.0 without custom nodes and without model files."""
    with gzip.open(HERE / "data" / "object_info-0.33.0.json.gz") as file:
        return dict(json.load(file))


@pytest.fixture(scope="session")
def info(raw_info: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo.from_raw(raw_info)


@pytest.fixture
def server(raw_info: dict[str, Any], tmp_path: Path) -> Iterator[StandIn]:
    """A ComfyUI on loopback."""
    with StandIn(raw_info, tmp_path / "comfyui") as standin:
        yield standin


@pytest.fixture
def backend(server: StandIn, tmp_path: Path) -> Iterator[ComfyBackend]:
    """A backend that is connected to it and has no workflows."""
    made = make_backend(tmp_path, server, offline_seconds=20)
    yield made
    made.close()
