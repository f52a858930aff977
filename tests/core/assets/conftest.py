"""A real store on a real SQLite file, and pixels to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from diorama.assets.recipe import build_recipe
from diorama.assets.records import Asset
from diorama.assets.staging import stage
from diorama.assets.store import AssetStore
from diorama.database.connection import migrate, open_engine
from diorama.database.writer import Database
from diorama.ids import new_id
from diorama.settings import Settings, load_settings

hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")

Pixels = np.ndarray[Any, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings({"DIORAMA_HOME": str(tmp_path / "home")})
    found.work_dir.mkdir(parents=True)
    return found


@pytest.fixture
def database_url(settings: Settings) -> str:
    """Where rows are kept; the tests of PostgreSQL put another place here."""
    return f"sqlite:///{settings.data_dir / 'diorama.sqlite'}"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    engine = open_engine(database_url)
    migrate(engine)
    opened = Database(engine)
    yield opened
    opened.close()


@pytest.fixture
def store(database: Database, settings: Settings) -> AssetStore:
    return AssetStore(database, settings)


@pytest.fixture
def picture() -> Callable[..., Pixels]:
    """Return a maker of smooth, grainy pictures."""

    def make(width: int = 96, height: int = 64, channels: int = 3, seed: int = 0) -> Pixels:
        y, x = np.mgrid[0:height, 0:width]
        waves = [127 + 100 * np.sin(x / (9 + i) + y / (17 - i) + seed) for i in range(channels)]
        grain = np.random.default_rng(seed).normal(0, 3, (height, width, channels))
        return np.clip(np.stack(waves, -1) + grain, 0, 255).astype(np.uint8)

    return make


@pytest.fixture
def clip(picture: Callable[..., Pixels]) -> Pixels:
    return np.stack([np.roll(picture(), 4 * i, axis=1) for i in range(12)])


@pytest.fixture
def job() -> dict[str, Any]:
    return {
        "id": new_id(), "kind": "generate", "model": "local:pocket", "session_id": None, "batch_id": None, "owner": "",
        "request": {
            "model": "local:pocket", "prompt": "a red ball, über alles 🎈", "negative_prompt": "blur: strong",
            "seed": 7, "num_inference_steps": 20, "guidance_scale": 7.5, "scheduler": "dpm++",
            "loras": [{"id": "my lora, v2", "weight": 0.8}], "parameters": {"tiling": True},
        },
    }  # fmt: skip


@pytest.fixture
def keep(
    store: AssetStore, database: Database, settings: Settings, job: dict[str, Any]
) -> Callable[..., Asset]:
    """Return a function that takes content all the way into the store."""

    def run(content: Any, *, position: int = 0, request: dict[str, Any] | None = None, **more: Any) -> Asset:
        own: dict[str, Any] = {
            name: more.pop(name) for name in ("session_id", "batch_id", "owner") if name in more
        }
        facts = more.pop("facts", {})
        this: dict[str, Any] = {
            **job,
            "id": new_id(),
            **own,
            "request": {**job["request"], **(request or {})},
        }
        staged = stage(content, index=position, work_dir=settings.work_dir, **more)
        row = store.place(staged, build_recipe(this, staged, facts), new_id(), job=this)
        database.write(lambda connection: store.insert(connection, [row])).result()
        return store.get(row["id"])

    return run
