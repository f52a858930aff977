"""The shared table and the conformance kit against the OpenAI-shaped stand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from diorama.contract import Backend, BackendSettings, Operation
from diorama_openai_images import create_backend
from standins import OpenAIStandin, Standin
from standins.conformance import RemoteConformance
from standins.table import RemoteTable

MODELS = {"Qwen/Qwen-Image": "image", "Qwen/Qwen-Image-Edit": "edit", "Wan-AI/Wan2.2-T2V": "video"}


class TestTable(RemoteTable):
    standin = OpenAIStandin
    models: ClassVar[Mapping[Operation, str]] = {
        Operation.GENERATE: "Qwen/Qwen-Image",
        Operation.EDIT: "Qwen/Qwen-Image-Edit",
        Operation.VIDEO: "Wan-AI/Wan2.2-T2V",
    }
    waiting = Operation.VIDEO
    plural = (Operation.GENERATE, "Qwen/Qwen-Image")
    expiry_route = "content"

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)

    def options(self, server: Standin) -> dict[str, Any]:
        return {"api_url": server.url(), "needs_key": True, "models": MODELS}


class TestConformance(RemoteConformance):
    standin = OpenAIStandin

    def factory(self, settings: BackendSettings) -> Backend:
        return create_backend(settings)
