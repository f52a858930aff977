"""The contract's own tests, against the stand-in."""

from __future__ import annotations

from pathlib import Path

import pytest
from comfyui_standin import StandIn
from comfyui_workflows import IMAGE_TO_VIDEO, SOUND_TO_SOUND, TEXT_TO_SOUND, UPSCALE
from diorama.contract import Backend
from diorama.testing import BackendConformance, backend_settings
from diorama_comfyui import create_backend


class TestComfyUI(BackendConformance):
    """Checkpoints (generate, edit), an imported video workflow and an imported upscaler."""

    @pytest.fixture
    def backend(self, server: StandIn, tmp_path: Path) -> Backend:
        backend = create_backend(backend_settings("comfyui", tmp_path, url=server.url))
        backend.library.import_workflow(IMAGE_TO_VIDEO, title="Still to clip")
        backend.library.import_workflow(UPSCALE, title="Twice as large")
        return backend


class TestComfyUISound(BackendConformance):
    """Imported workflows out of which comes sound."""

    models_to_run = ("song", "quiet")

    @pytest.fixture
    def backend(self, server: StandIn, tmp_path: Path) -> Backend:
        backend = create_backend(backend_settings("comfyui", tmp_path, url=server.url))
        backend.library.import_workflow(TEXT_TO_SOUND, title="Song")
        backend.library.import_workflow(SOUND_TO_SOUND, title="Quiet")
        return backend
