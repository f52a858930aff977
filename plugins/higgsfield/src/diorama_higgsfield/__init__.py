"""Higgsfield as a backend of Diorama."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_higgsfield.backend import HiggsfieldBackend


def create_backend(settings: BackendSettings) -> HiggsfieldBackend:
    """Make the backend; named by the entry point."""
    from diorama_higgsfield.backend import HiggsfieldBackend

    return HiggsfieldBackend(settings)
