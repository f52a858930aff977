"""What a backend author tests with: the conformance suite, recording contexts, the fake backend, samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diorama.testing.conformance import BackendConformance, backend_settings
    from diorama.testing.context import RecordingJobContext, RecordingListContext
    from diorama.testing.fake import FakeBackend
    from diorama.testing.samples import sample_image, sample_sound, sample_video, smallest_submission

__all__ = [
    "BackendConformance",
    "FakeBackend",
    "RecordingJobContext",
    "RecordingListContext",
    "backend_settings",
    "sample_image",
    "sample_sound",
    "sample_video",
    "smallest_submission",
]

_PLACES = {
    "BackendConformance": "conformance",
    "backend_settings": "conformance",
    "RecordingJobContext": "context",
    "RecordingListContext": "context",
    "FakeBackend": "fake",
    "sample_image": "samples",
    "sample_sound": "samples",
    "sample_video": "samples",
    "smallest_submission": "samples",
}


def __getattr__(name: str) -> Any:
    """Import on first use: the suite needs pytest, the fake backend does not."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
