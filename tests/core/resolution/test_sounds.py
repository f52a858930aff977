"""Models that make or take sound: what fits them, and what is told about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    Capabilities,
    InvalidRequest,
    MediaInput,
    ModelInfo,
    Operation,
    Range,
    from_plain,
    to_plain,
)
from diorama.jobs.submission import Submission
from diorama.resolution import resolve
from diorama.testing import FakeBackend, RecordingListContext, backend_settings

MODELS = {
    model.native_id: model
    for model in FakeBackend(backend_settings("fake", Path("/nonexistent"), sounds=True)).list_models(
        RecordingListContext()
    )
}
SOUND = MediaInput(path="/x.wav", kind="audio", mime="audio/wav", sha256="1" * 64)
PICTURE = MediaInput(path="/x.png", width=64, height=64, sha256="0" * 64)


def ask(model: str = "sound", **values: Any) -> Any:
    return resolve(Submission(**{"prompt": "a drum", **values}), MODELS[model])


def test_a_sound_has_seconds_and_no_size() -> None:
    resolved = ask(duration=3, width=640, aspect_ratio="16:9")
    assert (resolved.kind, resolved.request.duration, resolved.request.width) == ("generate", 3, None)
    assert {note.field: note.why for note in resolved.ignored} == {
        "width": "Sound has no size.",
        "aspect_ratio": "Sound has no size.",
    }
    assert ask().request.duration == 2
    assert ask(duration=500).adjusted[0].after == 60


def test_a_picture_has_no_seconds() -> None:
    resolved = ask("image", duration=3)
    assert resolved.request.duration is None
    assert resolved.ignored[0].field == "duration"


def test_a_sound_given_means_a_change() -> None:
    resolved = ask(sounds=(SOUND,))
    assert (resolved.kind, resolved.request.sounds, resolved.request.images) == ("edit", (SOUND,), ())
    assert resolved.applied["sounds"] == [SOUND.sha256]
    ignored = ask("image", sounds=(SOUND,))
    assert (ignored.kind, ignored.ignored[0].field) == ("generate", "sounds")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"kind": "edit"}, "sounds"),
        ({"sounds": (SOUND, SOUND)}, "sounds"),
        ({"sounds": (PICTURE,)}, "sounds"),
        ({"prompt": ""}, "prompt"),
    ],
)
def test_nonsense_is_refused_with_its_field(values: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(**values)
    assert caught.value.field == field
    assert caught.value.fix


@pytest.mark.parametrize(("model", "values"), [("edit", {"images": (SOUND,)}), ("upscale", {"media": SOUND})])
def test_sound_is_no_picture(model: str, values: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"[Ss]ound"):
        ask(model, **values)


def test_what_comes_out_is_data() -> None:
    assert Capabilities().output_of(Operation.GENERATE) == "image"
    assert Capabilities().output_of(Operation.VIDEO) == "video"
    assert Capabilities().output_of(Operation.UPSCALE) is None
    assert Capabilities(produces="audio").output_of(Operation.EDIT) == "audio"
    assert MODELS["sound"].mode == "sound"
    both = {Operation.GENERATE: Capabilities(), Operation.EDIT: Capabilities(produces="audio")}
    assert ModelInfo(id="a:b", title="B", operations=both).mode == "hybrid"


def test_stored_requests_of_before_are_still_read() -> None:
    plain = to_plain(ask("image").request)
    for name in ("sounds", "duration"):
        del plain[name]
    again = from_plain(type(ask("image").request), plain)
    assert (again.sounds, again.duration) == ((), None)


def test_a_sound_of_its_own_needs_none_given() -> None:
    can = Capabilities(
        produces="audio", prompt="none", seed=False, sounds_in=Range(minimum=0, maximum=1, integer=True)
    )
    model = ModelInfo(id="a:quiet", title="Quiet", operations={Operation.EDIT: can})
    assert resolve(Submission(model="a:quiet"), model).kind == "edit"
