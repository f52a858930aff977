"""Replicate as a backend of Diorama."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_replicate.backend import ReplicateBackend


def create_backend(settings: BackendSettings) -> ReplicateBackend:
    """Make the backend; named by the entry point."""
    from diorama_replicate.backend import ReplicateBackend

    return ReplicateBackend(settings)
