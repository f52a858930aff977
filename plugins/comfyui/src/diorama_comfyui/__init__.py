"""ComfyUI for Diorama: workflows and checkpoints of any number of servers as models."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_comfyui.backend import ComfyBackend


def create_backend(settings: BackendSettings) -> ComfyBackend:
    """Make the backend; the entry point ``comfyui`` of ``diorama.backends``."""
    from diorama_comfyui.backend import ComfyBackend

    return ComfyBackend(settings)
