"""Backends and job contexts for this plugin's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from civitai_standin import Site
from diorama.contract import BackendSettings
from diorama.testing import RecordingJobContext
from diorama_civitai.backend import CivitaiBackend


def make_backend(site: Site, folder: Path, **options: Any) -> CivitaiBackend:
    return CivitaiBackend(
        BackendSettings(
            id="civitai",
            options={**site.options, **options},
            data_dir=folder / "data",
            cache_dir=folder / "cache",
            models_dirs=(folder / "models",),
        )
    )


def job(
    backend: CivitaiBackend, native_id: str, look: Any, folder: Path, key: str | None = None, **more: Any
) -> RecordingJobContext:
    model = backend.describe(native_id, look)
    assert model is not None
    return RecordingJobContext(model, folder, secrets={"api_key": key} if key else {}, **more)


def files(folder: Path) -> list[str]:
    """Every file below a folder, by relative path."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
