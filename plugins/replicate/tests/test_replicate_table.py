"""The shared table and the conformance kit against the Replicate stand-in, through the official client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from diorama.contract import Backend, BackendSettings, Operation
from diorama_replicate import create_backend
from standins import ReplicateStandin
from standins.conformance import RemoteConformance
from standins.table import RemoteTable


class TestTable(RemoteTable):
    standin = ReplicateStandin
    models: ClassVar[Mapping[Operation, str]] = {
        Operation.GENERATE: "black-forest-labs/flux-schnell",
        Operation.EDIT: "qwen/qwen-image-edit-plus",
        Operation.VIDEO: "wan-video/wan-2.2-t2v-fast",
        Operation.UPSCALE: "nightmareai/real-esrgan",
    }
    plural = (Operation.GENERATE, "black-forest-labs/flux-schnell")

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)


class TestConformance(RemoteConformance):
    standin = ReplicateStandin

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)
