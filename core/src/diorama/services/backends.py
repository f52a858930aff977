"""Finding a backend that offers more than the hooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diorama.contract import BackendNotReady, UnknownModel

if TYPE_CHECKING:
    from diorama.engine import Engine


def backend_with(engine: Engine, backend_id: str, *names: str) -> Any:
    """Return a backend that has all these attributes.

    Raises:
        BackendNotReady: it is not installed, broken, switched off, or of a version that lacks one of them.
    """
    try:
        backend = engine.registry.backend(backend_id)
    except UnknownModel as error:
        raise BackendNotReady(
            f"The backend {backend_id!r} is not installed.", fix=f"Run `pip install diorama-{backend_id}`."
        ) from error
    missing = [name for name in names if not hasattr(backend, name)]
    if missing:
        raise BackendNotReady(
            f"The backend {backend_id!r} does not offer {missing[0]}.", fix=f"Update diorama-{backend_id}."
        )
    return backend
