from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from queue_world import World


@pytest.fixture
def database_url() -> str:
    """Where jobs are kept; empty for a file in the world's folder."""
    return ""


@pytest.fixture
def make_world(tmp_path: Path, database_url: str) -> Iterator[Callable[..., World]]:
    worlds: list[World] = []

    def make(start: bool = True, **options: Any) -> World:
        world = World(tmp_path, url=database_url, **options)
        worlds.append(world)
        if start:
            world.queue.start()
        return world

    yield make
    for world in worlds:
        world.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
