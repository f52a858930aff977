"""The shared table and the conformance kit against the KREA stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from diorama.contract import Backend, BackendSettings, Operation
from diorama_krea import create_backend
from standins import KreaStandin
from standins.conformance import RemoteConformance
from standins.table import RemoteTable


class TestTable(RemoteTable):
    standin = KreaStandin
    models: ClassVar[Mapping[Operation, str]] = {
        Operation.GENERATE: "image/bfl/flux-1-dev",
        Operation.EDIT: "image/google/nano-banana",
        Operation.VIDEO: "video/kling/kling-2.5",
        Operation.UPSCALE: "enhance/topaz/standard-enhance",
    }

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)


class TestConformance(RemoteConformance):
    standin = KreaStandin

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)
