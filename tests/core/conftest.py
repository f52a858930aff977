"""An engine with several offers of the same families, each a fake provider of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from diorama.engine import Engine
from diorama.jobs.submission import Submission
from diorama.settings import load_settings

MakeEngine = Callable[..., Engine]
FAKE = "diorama.testing.fake:create"


@pytest.fixture
def database_url() -> str:
    """Where the engine keeps its rows; empty for a file in its home."""
    return ""


@pytest.fixture
def make_engine(tmp_path: Path, database_url: str) -> Iterator[MakeEngine]:
    """Makes engines over one home; ``backends`` are tables of options by id, ``settings`` further settings."""
    opened: list[Engine] = []

    def make(backends: dict[str, dict[str, Any]], **settings: Any) -> Engine:
        for engine in opened:
            engine.close()
        tables = {name: {"plugin": FAKE, **options} for name, options in backends.items()}
        environ = {
            "DIORAMA_HOME": str(tmp_path / "home"),
            "DIORAMA_KEYRING": "0",
            "DIORAMA_PLUGINS_ALLOW": "none",
        }
        engine = Engine(load_settings(environ, backends=tables, database_url=database_url, **settings))
        opened.append(engine)
        return engine.start()

    yield make
    for engine in opened:
        engine.close()


@pytest.fixture
def ask() -> Callable[..., Submission]:
    """A submission of the family that every fake backend offers."""

    def submission(**values: Any) -> Submission:
        return Submission(**{"model": "fake-image", "prompt": "a red ball", "kind": "generate", **values})

    return submission
