"""fal as a backend of Diorama."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_fal.backend import FalBackend


def create_backend(settings: BackendSettings) -> FalBackend:
    """Make the backend; named by the entry point."""
    from diorama_fal.backend import FalBackend

    return FalBackend(settings)
