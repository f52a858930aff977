"""The shared table and the conformance kit against the Higgsfield stand-in, through the official client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from diorama.contract import Backend, BackendSettings, Operation
from diorama_higgsfield import create_backend
from standins import HiggsfieldStandin
from standins.conformance import RemoteConformance
from standins.table import RemoteTable


class TestTable(RemoteTable):
    standin = HiggsfieldStandin
    models: ClassVar[Mapping[Operation, str]] = {
        Operation.GENERATE: "higgsfield-ai/soul/standard",
        Operation.EDIT: "higgsfield-ai/popcorn/auto",
        Operation.VIDEO: "higgsfield-ai/dop/turbo",
    }
    plural = (Operation.GENERATE, "higgsfield-ai/soul/standard")
    cancels_running = False

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)


class TestConformance(RemoteConformance):
    standin = HiggsfieldStandin

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)
