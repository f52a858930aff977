"""Servers that speak the OpenAI Images and ``/v1/videos`` shapes, as backends of Diorama."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_openai_images.backend import OpenAIImagesBackend


def create_backend(settings: BackendSettings) -> OpenAIImagesBackend:
    """Make the backend; named by the entry point."""
    from diorama_openai_images.backend import OpenAIImagesBackend

    return OpenAIImagesBackend(settings)
