"""The contract's own tests, run with tiny models of three families."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import Backend
from diorama.testing import BackendConformance, backend_settings
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.user import write_entries


@pytest.mark.torch
class TestLocalDiffusers(BackendConformance):
    models_to_run = ("tiny-sd", "tiny-flux", "tiny-wan", "tiny-upscaler")

    @pytest.fixture
    def backend(self, tmp_path: Path, tiny: Callable[..., Path]) -> Backend:
        from diorama_local_diffusers.upscale.networks import Shape, build
        from safetensors.torch import save_file

        settings = backend_settings("local", tmp_path)
        entries: list[Any] = [
            ModelEntry(
                name=f"tiny-{name}", path=str(tiny(name)), type=name, default_width=64, default_height=64
            )
            for name in ("sd", "flux", "wan")
        ]
        place = tmp_path / "upscaler.safetensors"
        save_file(build(Shape("compact", 4, 8, 2)).state_dict(), place)
        entries.append(ModelEntry(name="tiny-upscaler", path=str(place), type="upscaler", scale=4))
        write_entries(settings, entries)
        return create_backend(settings)
