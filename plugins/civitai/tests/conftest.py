"""Shared pieces of this plugin's tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
if str(HERE) not in sys.path:
    sys.path.insert(0, str(HERE))

from civitai_jobs import job, make_backend  # noqa: E402
from civitai_standin import Site  # noqa: E402
from diorama.testing import RecordingJobContext, RecordingListContext  # noqa: E402
from diorama_civitai.backend import CivitaiBackend  # noqa: E402


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def backend(site: Site, tmp_path: Path, models_dir: Path) -> Iterator[CivitaiBackend]:
    made = make_backend(site, tmp_path)
    yield made
    made.close()


@pytest.fixture
def look() -> Callable[..., RecordingListContext]:
    """Makes the context of a search: ``look()`` or ``look(key="...")``."""

    def make(key: str | None = None, **more: Any) -> RecordingListContext:
        return RecordingListContext(secrets={"api_key": key} if key else {}, **{"offline": False, **more})

    return make


@pytest.fixture
def fetch(backend: CivitaiBackend, look: Any, tmp_path: Path) -> Callable[..., RecordingJobContext]:
    """Runs a download to its end and returns its context."""

    def run(native_id: str, key: str | None = None, **more: Any) -> RecordingJobContext:
        context = job(backend, native_id, look(key), tmp_path, key, **more)
        backend.download(native_id, context)
        return context

    return run
