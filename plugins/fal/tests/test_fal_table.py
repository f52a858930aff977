"""The shared table and the conformance kit against the fal stand-in, through the official client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from diorama.contract import Backend, BackendSettings, Operation
from diorama_fal import create_backend
from standins import FalStandin, Standin
from standins.conformance import RemoteConformance
from standins.table import RemoteTable


def hosts(server: Standin) -> dict[str, Any]:
    """Options that lead to the stand-in."""
    return {f"{name}_url": server.url(name) for name in ("api", "queue", "rest", "cdn")}


class TestTable(RemoteTable):
    standin = FalStandin
    models: ClassVar[Mapping[Operation, str]] = {
        Operation.GENERATE: "fal-ai/flux/schnell",
        Operation.EDIT: "fal-ai/qwen-image-edit-plus",
        Operation.VIDEO: "fal-ai/wan/v2.2-a14b/text-to-video",
        Operation.UPSCALE: "fal-ai/esrgan",
    }
    plural = (Operation.GENERATE, "fal-ai/flux/dev")

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)

    def options(self, server: Standin) -> dict[str, Any]:
        return hosts(server)


class TestConformance(RemoteConformance):
    standin = FalStandin

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)

    def options(self, server: Standin) -> dict[str, Any]:
        return hosts(server)
