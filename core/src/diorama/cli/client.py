"""One way to talk to an engine, in this process or behind a server.

Both clients give the same plain values, those of the REST API, so that every command is written once.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol


class Client(Protocol):
    """What commands need."""

    def models(self, **filters: str | None) -> list[dict[str, Any]]:
        """Return catalog entries."""

    def model(self, model_id: str) -> dict[str, Any]:
        """Return one entry, found by id, alias or family."""

    def refresh(self) -> None:
        """Ask all backends for fresh lists."""

    def add_model(self, backend: str, source: str) -> dict[str, Any]:
        """Add a model of the user's own to a backend and return its entry."""

    def delete_model(self, model_id: str) -> int:
        """Remove a downloaded model from disk and return the freed bytes."""

    def remove_model(self, model_id: str) -> str:
        """Take a model that was added out of the list and return its id; its files stay."""

    def unload_model(self, model_id: str) -> str:
        """Free the memory that a model takes and return its id."""

    def disk_use(self) -> list[dict[str, Any]]:
        """Return what each model takes on disk, the largest first."""

    def loras(self, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the LoRA, those here first; only those of one family when ``kind`` is given."""

    def plan(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what would run: ``kind, model, applied, adjusted, ignored``."""

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Accept a job and return it."""

    def follow(self, job_id: str) -> Iterator[dict[str, Any]]:
        """Yield the job at every change, the last time when it is final."""

    def job(self, job_id: str) -> dict[str, Any]:
        """Return one job."""

    def jobs(self, **filters: Any) -> list[dict[str, Any]]:
        """Return jobs, newest first."""

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancel a job."""

    def retry(self, job_id: str) -> dict[str, Any]:
        """Submit a job again."""

    def assets(self, **filters: Any) -> list[dict[str, Any]]:
        """Return assets, newest first."""

    def asset(self, asset_id: str) -> dict[str, Any]:
        """Return one asset with its recipe."""

    def asset_bytes(self, asset_id: str, *, format: str | None = None) -> bytes:
        """Return the file's content, converted where ``format`` says so."""

    def plugins(self) -> dict[str, Any]:
        """Return ``{"loaded": [...], "broken": [...]}``."""

    def service(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Call what a single backend offers beside the hooks; see :data:`diorama.services.table.SERVICES`."""

    def status(self) -> dict[str, Any]:
        """Return the state of the system."""

    def families(self, **filters: str | None) -> list[dict[str, Any]]:
        """Return the catalog by family, each with its offers."""

    def estimate(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return price and time of a request."""

    def costs(self, **filters: str | None) -> dict[str, Any]:
        """Return ``{"by", "costs": [...], "today": [...], "caps": {...}}``."""

    def providers(self) -> list[dict[str, Any]]:
        """Return the providers and their keys, without values."""

    def set_secret(self, provider_id: str, name: str, value: str | None) -> dict[str, Any]:
        """Keep a key, or forget it when ``value`` is ``None``; return the provider."""

    def test_provider(self, provider_id: str) -> str:
        """Prove key and address with a real call; return what answered."""


@contextmanager
def connect(options: argparse.Namespace) -> Iterator[Client]:
    """Give a client: the named server, the server that holds the data directory, or an engine in this process."""
    url = server_url(options)
    if url:
        from diorama.cli.http_client import HttpClient

        with HttpClient(url, api_key=os.environ.get("DIORAMA_API_KEY")) as client:
            yield client
        return
    from diorama.cli.local_client import LocalClient

    with LocalClient() as local:
        yield local


def server_url(options: argparse.Namespace) -> str | None:
    """Return the server to talk to: the named one, or the one that holds the data directory; ``None`` without any."""
    return getattr(options, "server", None) or os.environ.get("DIORAMA_SERVER") or _running_server()


def _running_server() -> str | None:
    """Return the address of the server that holds our data directory, if one does."""
    from diorama.lock import holder_url
    from diorama.settings import load_settings

    return holder_url(load_settings().data_dir)


def read_input(path: str) -> Path:
    """Return the path of a local input file.

    Raises:
        NotFound: there is no such file.
    """
    from diorama.contract.errors import NotFound

    file = Path(path).expanduser()
    if not file.is_file():
        raise NotFound(f"There is no file {path!r}.", field="image", fix="Check the name and the folder.")
    return file
