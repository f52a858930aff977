"""Shared pieces of this plugin's tests."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from diorama_comfyui.schema import ObjectInfo  # noqa: E402


@pytest.fixture(scope="session")
def raw_info() -> dict[str, Any]:
    """The node classes of a ComfyUI 0.33.0 without custom nodes and without model files."""
    with gzip.open(HERE / "data" / "object_info-0.33.0.json.gz") as file:
        return dict(json.load(file))


@pytest.fixture(scope="session")
def info(raw_info: dict[str, Any]) -> ObjectInfo:
    return ObjectInfo.from_raw(raw_info)
