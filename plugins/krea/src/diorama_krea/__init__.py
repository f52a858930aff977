"""KREA as a backend of Diorama."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_krea.backend import KreaBackend


def create_backend(settings: BackendSettings) -> KreaBackend:
    """Make the backend; named by the entry point."""
    from diorama_krea.backend import KreaBackend

    return KreaBackend(settings)
