"""Diffusers models on this machine as a backend of Diorama. Importing this loads no heavy library."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_local_diffusers.backend import LocalDiffusersBackend

__version__ = "0.1.0"


def create_backend(settings: BackendSettings) -> LocalDiffusersBackend:
    """Make one instance of the backend; the target of the entry point ``local``."""
    from diorama_local_diffusers.backend import LocalDiffusersBackend

    return LocalDiffusersBackend(settings)
