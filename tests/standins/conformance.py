"""The conformance kit for a remote backend: models listed from, and run against, its stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from diorama.contract import Backend, BackendSettings
from diorama.testing import BackendConformance

from .server import Standin
from .table import QUICK, safe_fetcher


class RemoteConformance(BackendConformance):
    """Derive from it beside a `RemoteTable`; the stand-in checks every request of the kit's runs too."""

    deterministic = False
    offline = False
    standin: ClassVar[type[Standin]]

    def factory(self, settings: BackendSettings) -> Backend:
        """Override: make the backend."""
        raise AssertionError("override factory")

    def options(self, server: Standin) -> dict[str, Any]:
        """Override where more than `api_url` leads to the stand-in."""
        return {"api_url": server.url()}

    @pytest.fixture
    def server(self, loopback_only: Any) -> Any:
        """The stand-in."""
        with self.standin() as server:
            yield server

    @pytest.fixture
    def backend(self, server: Standin, tmp_path: Path) -> Backend:
        """The backend under test."""
        options = {**QUICK, **self.options(server)}
        return self.factory(BackendSettings(id="remote", options=options, cache_dir=tmp_path / "cache"))

    @pytest.fixture
    def secrets(self, server: Standin) -> Mapping[str, str]:
        """The stand-in's key."""
        return {"api_key": server.key}

    @pytest.fixture
    def fetcher(self, server: Standin, tmp_path: Path) -> Any:
        """The engine's guarded fetch."""
        return safe_fetcher(server, tmp_path)
