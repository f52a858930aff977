"""What the queue needs of the rest of the engine, and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from diorama.assets.staged import StagedOutput
from diorama.contract import Backend, DioramaError, ModelInfo
from diorama.jobs.records import Job

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Models(Protocol):
    """The catalog."""

    def get(self, model_id: str, /) -> ModelInfo:
        """Return a model; raises ``UnknownModel``."""

    def arrived(self, model: ModelInfo, /) -> None:
        """Look anew at what is on this disk: a download of ``model`` has ended."""


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


class Purse(Protocol):
    """Keeps account of what jobs cost. All calls happen inside the transaction that stores the jobs themselves."""

    def admit(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Book the estimates of jobs, in place of earlier ones of theirs; raises when a cap would be passed."""

    def quoted(self, connection: Connection, job: Job) -> None:
        """Book what a provider asks for one job, in place of its estimate; raises when a cap would be passed."""

    def settle(self, connection: Connection, jobs: Sequence[Job]) -> None:
        """Book what finished jobs cost; nothing where ``cost`` is ``None``."""


OtherOffers = Callable[[Job, DioramaError], Iterator[Job]]
"""Gives a job as other offers of its family would run it, best first, after its own offer failed."""
