"""Every service: how it is called here, and by which route it is called at a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from diorama.services import civitai, comfyui


@dataclass(frozen=True, slots=True)
class Service:
    """One call.

    Attributes:
        call: Takes the engine and named arguments.
        method: HTTP method of the route.
        path: Path of the route; arguments named in it fill it, the others go into the query or the JSON body.
    """

    call: Callable[..., Any]
    method: str
    path: str


SERVICES: Mapping[str, Service] = {
    "civitai.search": Service(civitai.search, "GET", "/api/civitai/models"),
    "civitai.model": Service(civitai.model, "GET", "/api/civitai/models/{model_id}"),
    "civitai.version": Service(civitai.version, "GET", "/api/civitai/model-versions/{version_id}"),
    "civitai.by_hash": Service(civitai.by_hash, "GET", "/api/civitai/by-hash/{digest}"),
    "civitai.of_asset": Service(civitai.of_asset, "GET", "/api/civitai/by-asset/{asset_id}"),
    "civitai.download": Service(civitai.download, "POST", "/api/civitai/downloads"),
    "comfyui.status": Service(comfyui.status, "GET", "/api/comfyui/status"),
    "comfyui.workflows": Service(comfyui.workflows, "GET", "/api/comfyui/workflows"),
    "comfyui.import": Service(comfyui.import_workflow, "POST", "/api/comfyui/workflows"),
    "comfyui.show": Service(comfyui.show, "GET", "/api/comfyui/workflows/{workflow_id}"),
    "comfyui.convert": Service(comfyui.convert, "POST", "/api/comfyui/convert"),
    "comfyui.run": Service(comfyui.run, "POST", "/api/comfyui/jobs"),
}
