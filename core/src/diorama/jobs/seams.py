"""What the queue needs of the rest of the engine, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from diorama.assets.staged import StagedOutput
from diorama.contract import Backend, ModelInfo

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Models(Protocol):
    """The catalog."""

    def get(self, model_id: str, /) -> ModelInfo:
        """Return a model; raises ``UnknownModel``."""


class Backends(Protocol):
    """The registry of backends."""

    def backend(self, backend_id: str, /) -> Backend:
        """Return a backend; raises ``BackendNotReady`` or ``UnknownModel``."""


class Assets(Protocol):
    """The asset store."""

    def place(
        self,
        staged: StagedOutput,
        recipe: Mapping[str, Any],
        asset_id: str,
        *,
        job: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Write the final file, on disk when this returns, and return its row."""

    def insert(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows within the caller's transaction."""

    def discard(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remove the files of rows that will not be inserted."""
