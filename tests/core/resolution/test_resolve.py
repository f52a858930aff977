"""From wish to request: nothing is dropped silently, nonsense is refused with field and remedy."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    Availability,
    AvailabilityState,
    BackendNotReady,
    Capabilities,
    DioramaError,
    InvalidRequest,
    LoraRef,
    MediaInput,
    ModelInfo,
    Operation,
    OperationNotSupported,
    Range,
    Sizes,
    UpscaleRequest,
)
from diorama.jobs.submission import Submission
from diorama.resolution import resolve
from diorama.resolution.notebook import Notebook
from diorama.resolution.sizes import resolve_size
from diorama.testing import FakeBackend, RecordingListContext, backend_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MODELS = {
    model.native_id: model
    for model in FakeBackend(backend_settings("fake", Path("/nonexistent"))).list_models(
        RecordingListContext()
    )
}
IMAGE = MODELS["image"]
PICTURE = MediaInput(path="/x.png", width=641, height=363, sha256="0" * 64)


def ask(model: ModelInfo = IMAGE, **values: Any) -> Any:
    return resolve(Submission(**{"prompt": "a ball", **values}), model)


def test_defaults_are_filled_and_told() -> None:
    resolved = ask()
    assert (resolved.request.width, resolved.request.height) == (64, 64)
    assert resolved.request.num_inference_steps == 10
    assert 0 <= resolved.request.seed < 2**32
    assert resolved.applied["seed"] == resolved.request.seed
    assert resolved.applied["parameters.delay"] == 0
    assert resolved.adjusted == resolved.ignored == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("width", 0), ("width", -1), ("width", 10**9), ("height", 0), ("num_inference_steps", 0),
        ("num_inference_steps", 10**9), ("guidance_scale", math.nan), ("guidance_scale", math.inf),
        ("guidance_scale", -1.0), ("strength", 1.5), ("strength", math.nan), ("num_images", 0), ("num_images", 101),
        ("seed", -1), ("seed", 2**32), ("prompt", ""), ("prompt", "   "), ("prompt", "x" * 100_000),
        ("prompt", "a\x00b"), ("aspect_ratio", "wide"), ("aspect_ratio", "0:1"), ("aspect_ratio", "1:100000"),
        ("num_inference_steps", 10**400), ("guidance_scale", -(10**400)), ("duration", 10**400),
        ("fps", -1.0), ("duration", math.inf), ("kind", "sculpt"),
    ],
)  # fmt: skip
def test_nonsense_is_refused_with_field_and_remedy(field: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(**{field: value})
    assert caught.value.field == field
    assert caught.value.fix


def test_what_the_model_lacks_is_ignored_aloud() -> None:
    resolved = ask(loras=(LoraRef(id="x"),), scheduler="euler", parameters={"swirl": 3}, fps=12.0)
    assert {note.field for note in resolved.ignored} == {"loras", "scheduler", "parameters.swirl", "fps"}


@pytest.mark.parametrize(
    "extra", [{"parameters": {"swirl": 3}}, {"scheduler": "euler"}, {"width": 65}, {"num_images": 9}]
)
def test_strict_refuses_instead(extra: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(strict=True, **extra)
    assert caught.value.field
    assert caught.value.fix


def test_out_of_range_is_adjusted_and_said() -> None:
    resolved = ask(num_inference_steps=400, num_images=7)
    assert resolved.request.num_inference_steps == 50
    assert {(note.field, note.before, note.after) for note in resolved.adjusted} == {
        ("num_inference_steps", 400, 50), ("num_images", 7, 4),
    }  # fmt: skip


def test_a_wrong_parameter_names_its_place_and_range() -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(parameters={"delay": "long"})
    assert caught.value.field == "parameters.delay"
    assert "number" in str(caught.value.fix)


def test_images_choose_the_operation() -> None:
    assert ask().kind is Operation.GENERATE
    assert ask(images=(PICTURE,)).kind is Operation.EDIT
    assert ask(MODELS["video"], images=(PICTURE,)).kind is Operation.VIDEO
    assert ask(MODELS["upscale"], images=(PICTURE,), prompt="").kind is Operation.UPSCALE
    with pytest.raises(InvalidRequest, match="needs one"):
        ask(MODELS["edit"])
    with pytest.raises(OperationNotSupported, match="offers: video"):
        ask(MODELS["video"], kind="upscale", images=(PICTURE,))


def test_edit_models_keep_the_size_of_their_input() -> None:
    resolved = ask(MODELS["edit"], images=(PICTURE,), width=64, aspect_ratio="1:1")
    assert (resolved.request.width, resolved.request.height) == (641, 363)
    assert {note.field for note in resolved.ignored} == {"width", "aspect_ratio"}


def test_too_many_pictures_and_a_mask_of_another_size() -> None:
    with pytest.raises(InvalidRequest, match="at most 3") as caught:
        ask(images=(PICTURE,) * 20)
    assert caught.value.field == "reference_images"
    mask = MediaInput(path="/m.png", width=10, height=10)
    with pytest.raises(InvalidRequest) as caught:
        ask(images=(PICTURE,), mask=mask)
    assert caught.value.field == "mask"


def away(**more: Any) -> ModelInfo:
    """A model that runs elsewhere and takes LoRA by address."""
    can = Capabilities(lora_kinds=("flux",), lora_sources=("https", "civitai"), **more)
    return ModelInfo(id="far:away", title="Far away", operations={Operation.GENERATE: can})


def test_a_lora_that_a_provider_cannot_fetch_is_refused_before_anything_is_stored() -> None:
    for name in ("kite.safetensors", "/home/ann/kite.safetensors", "kite", "ann/kites"):
        with pytest.raises(InvalidRequest, match="runs elsewhere") as caught:
            ask(away(), loras=(LoraRef(id=name),))
        assert caught.value.field == "loras"
        assert "https address" in (caught.value.fix or "")


def test_a_lora_at_civitai_is_written_down_by_its_version() -> None:
    page = "https://civitai.com/models/42/kite?modelVersionId=128713"
    resolved = ask(away(), loras=(LoraRef(id=page, weight=0.5),))
    assert resolved.request.loras == (LoraRef(id="civitai:128713", weight=0.5),)
    assert resolved.applied["loras"] == [{"id": "civitai:128713", "weight": 0.5}]


def test_a_lora_weight_out_of_range() -> None:
    with pytest.raises(InvalidRequest) as caught:
        ask(loras=(LoraRef(id="x", weight=3.0),))
    assert caught.value.field == "loras"


def test_seconds_become_frames_for_models_that_count_frames() -> None:
    resolved = ask(MODELS["video"], duration=2.0)
    assert resolved.request.num_frames == 17  # 2 s at 8 fps, on the grid 1 + 4k
    assert resolved.request.duration is None
    assert {note.field for note in resolved.adjusted} == {"duration", "num_frames"}


def test_upscale_takes_media_and_no_prompt() -> None:
    resolved = ask(MODELS["upscale"], media=PICTURE, scale=3.0)
    assert isinstance(resolved.request, UpscaleRequest)
    assert resolved.request.scale == 3.0
    assert [note.field for note in resolved.ignored] == ["prompt"]


def test_a_model_that_is_not_ready_says_what_helps() -> None:
    from dataclasses import replace

    locked = replace(IMAGE, availability=Availability(state=AvailabilityState.NEEDS_KEY, fix="Set FAL_KEY."))
    with pytest.raises(BackendNotReady) as caught:
        ask(locked)
    assert caught.value.fix == "Set FAL_KEY."
    waiting = Availability(state=AvailabilityState.NEEDS_DOWNLOAD, fix="It is fetched on first use.")
    assert ask(replace(IMAGE, availability=waiting, downloadable=True))


SIDES = st.integers(1, 16_384)
RATIOS = st.sampled_from([None, "1:1", "16:9", "9:16", "3:2", "21:9"])
KINDS = st.builds(
    Sizes,
    default=st.sampled_from([(64, 64), (1024, 768)]),
    minimum=st.sampled_from([16, 256]),
    maximum=st.sampled_from([1024, 2048]),
    multiple_of=st.sampled_from([1, 8, 16, 64]),
    max_pixels=st.sampled_from([None, 1024 * 1024]),
    choices=st.sampled_from([(), ((512, 512), (1024, 1024), (1280, 720))]),
)


@given(KINDS, st.none() | SIDES, st.none() | SIDES, RATIOS)
def test_any_size_ends_inside_what_the_model_makes(
    sizes: Sizes, width: int | None, height: int | None, ratio: str | None
) -> None:
    notes = Notebook(strict=False)
    got_width, got_height, _ = resolve_size(
        sizes, width=width, height=height, aspect_ratio=ratio, source=None, notes=notes
    )
    assert got_width is not None
    assert got_height is not None
    if sizes.choices:
        assert (got_width, got_height) in sizes.choices
    else:
        for side in (got_width, got_height):
            assert sizes.minimum <= side <= sizes.maximum
            assert side % sizes.multiple_of == 0
    if width and height and (width, height) != (got_width, got_height):
        assert notes.adjusted


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no fault
@given(
    st.dictionaries(
        st.sampled_from(["width", "steps", "delay", "trouble", "x"]), st.integers() | st.text() | st.none()
    )
)
def test_any_parameters_give_a_request_or_a_clear_error(parameters: dict[str, Any]) -> None:
    try:
        ask(parameters=parameters)
    except DioramaError as error:
        assert error.field  # noqa: PT017


@given(st.floats(0, 1000), st.integers(0, 50), st.integers(0, 60), st.sampled_from([None, 1, 4, 8]))
def test_the_nearest_value_is_on_the_grid_and_in_range(
    value: float, low: int, span: int, step: int | None
) -> None:
    offered = Range(minimum=low, maximum=low + span, step=step, integer=True)
    nearest = offered.nearest(value)
    assert low <= nearest <= low + span
    assert not step or (nearest - low) % step == 0


def test_a_capability_without_controls_takes_none() -> None:
    bare = ModelInfo(id="a:b", title="Bare", operations={Operation.GENERATE: Capabilities(seed=False)})
    resolved = ask(bare, seed=3, guidance_scale=2.0, width=64)
    assert resolved.request.seed is resolved.request.guidance_scale is resolved.request.width is None
    assert {note.field for note in resolved.ignored} == {"seed", "guidance_scale", "width"}


def test_a_seed_is_brought_into_the_models_range_and_said():
    small = Capabilities(seed_range=Range(minimum=1, maximum=1_000_000, integer=True))
    few = ModelInfo(id="a:b", title="Few", operations={Operation.GENERATE: small})
    for asked, fitted in ((1, 1), (1_000_000, 1_000_000), (0, 1), (1_000_001, 2), (4_294_967_295, 967_296)):
        resolved = ask(few, seed=asked)
        assert resolved.request.seed == resolved.applied["seed"] == fitted
        notes = [(note.field, note.before, note.after) for note in resolved.adjusted]
        assert notes == ([] if asked == fitted else [("seed", asked, fitted)])
    assert all(1 <= ask(few).request.seed <= 1_000_000 for _ in range(50))
    with pytest.raises(InvalidRequest, match="seed"):
        ask(few, seed=0, strict=True)
