"""The contract's tests, and what only this backend promises."""

# [start:conformance]
from pathlib import Path

import pytest
from diorama.contract import Backend, GenerateRequest
from diorama.testing import BackendConformance, RecordingJobContext, RecordingListContext, backend_settings
from diorama_example import create


class TestConformance(BackendConformance):
    @pytest.fixture
    def backend(self, tmp_path: Path) -> Backend:
        return create(backend_settings("example", tmp_path))


# [end:conformance]


# [start:meaning]
def test_asked_for_red_it_draws_red(tmp_path: Path) -> None:
    backend = create(backend_settings("example", tmp_path))
    model = backend.list_models(RecordingListContext())[0]
    context = RecordingJobContext(model, tmp_path)
    request = GenerateRequest(
        model=model.id, prompt="red", seed=1, width=64, height=64, parameters={"count": 4}
    )
    backend.generate(request, context)
    assert context.outputs[0].image.getpixel((32, 32)) == (255, 0, 0)


# [end:meaning]


def test_words_without_effect_are_told(tmp_path: Path) -> None:
    backend = create(backend_settings("example", tmp_path))
    model = backend.list_models(RecordingListContext())[0]
    context = RecordingJobContext(model, tmp_path)
    backend.generate(
        GenerateRequest(
            model=model.id, prompt="red elephant", seed=1, width=8, height=8, parameters={"count": 1}
        ),
        context,
    )
    assert [(kind, before) for kind, _field, before, _after, _why in context.notes] == [
        ("ignored", "elephant")
    ]
