"""Fixtures for backend authors, loaded by pytest through its entry point. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from diorama.engine import Engine
    from diorama.settings import Settings


@pytest.fixture
def diorama_settings(tmp_path: Path) -> Settings:
    """Settings whose folders all lie in a temporary one, with the fake backend and no other plugin."""
    from dataclasses import replace

    from diorama.settings import load_settings

    settings = load_settings({"DIORAMA_HOME": str(tmp_path / "home")})
    fake = {"plugin": "diorama.testing.fake:create"}
    return replace(
        settings, backends={"fake": fake}, plugins_allow=("none",), default_model="fake:image", offline=True
    )


@pytest.fixture
def diorama_engine(diorama_settings: Settings) -> Iterator[Engine]:
    """A running engine over :func:`diorama_settings`."""
    from diorama.engine import Engine

    with Engine(diorama_settings) as engine:
        yield engine
