"""Running jobs of the backend in tests, and waiting for what happens on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from comfyui_standin import StandIn
from diorama.contract import AnyRequest, ModelInfo, Operation, Result
from diorama.testing import RecordingJobContext, RecordingListContext, backend_settings
from diorama_comfyui import create_backend
from diorama_comfyui.backend import ComfyBackend


def make_backend(folder: Path, *servers: StandIn, **options: Any) -> ComfyBackend:
    return create_backend(
        backend_settings("comfyui", folder, servers=[server.url for server in servers], **options)
    )


def models(backend: ComfyBackend, **options: Any) -> dict[str, ModelInfo]:
    return {model.native_id: model for model in backend.list_models(RecordingListContext(**options))}


class Job:
    """A job in a thread of its own."""

    def __init__(self, backend: ComfyBackend, request: AnyRequest, folder: Path, **options: Any) -> None:
        kinds = {
            "GenerateRequest": "generate",
            "EditRequest": "edit",
            "VideoRequest": "video",
            "UpscaleRequest": "upscale",
        }
        operation = Operation(kinds[type(request).__name__])
        work = folder / f"work-{time.monotonic_ns()}"
        work.mkdir(parents=True)
        info = models(backend).get(request.native_id) or ModelInfo(
            id=request.model, title="gone", operations={operation: None}
        )  # type: ignore[dict-item]
        self.context = RecordingJobContext(info, work, **options)
        self.result: Result | None = None
        self.error: BaseException | None = None

        def work_it() -> None:
            try:
                self.result = getattr(backend, operation.value)(request, self.context)
            except BaseException as error:
                self.error = error

        self.thread = threading.Thread(target=work_it, daemon=True)
        self.thread.start()

    def end(self, seconds: float = 30) -> Result:
        """Wait for the result; raises what the job raised."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the job hangs"
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


def wait_for(what: Callable[[], Any], seconds: float = 20) -> Any:
    """Wait until something is true; the limit only ends a test that would never end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen")
