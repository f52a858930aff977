"""Civitai for Diorama: search, details, and downloads that end as usable models on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from diorama.contract import BackendSettings

    from diorama_civitai.backend import CivitaiBackend


def create_backend(settings: BackendSettings) -> CivitaiBackend:
    """Make the backend; the entry point ``civitai`` of ``diorama.backends``."""
    from diorama_civitai.backend import CivitaiBackend

    return CivitaiBackend(settings)
