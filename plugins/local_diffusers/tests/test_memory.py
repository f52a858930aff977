"""Memory: which plan, one retry with a leaner one, what stays open, and that nothing grows."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import BackendSettings, GenerateRequest, OutOfMemory, VideoRequest
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.peaks import Peaks
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime.memory import choose_plan, leaner
from diorama_local_diffusers.runtime.residency import Residents

GB = 1_000_000_000


@pytest.mark.parametrize(
    ("device", "parts", "free", "plan"),
    [
        ("cpu", {"a": 90 * GB}, 8 * GB, "full"),
        ("cuda:0", {"unet": 5 * GB, "text": 2 * GB}, 24 * GB, "full"),
        ("cuda:0", {"transformer": 12 * GB, "text": 10 * GB}, 24 * GB, "model_offload"),
        ("cuda:0", {"transformer": 24 * GB, "text": 10 * GB}, 24 * GB, "group_offload"),
    ],
)
def test_the_plan_follows_what_is_free(device: str, parts: dict[str, int], free: int, plan: str) -> None:
    assert choose_plan(device, parts, free) == plan


def test_large_pictures_are_decoded_in_tiles_before_anything_leaves_the_device() -> None:
    parts = {"unet": 5 * GB, "text": 2 * GB}
    assert choose_plan("cuda:0", parts, 12 * GB, pixels=1024 * 1024) == "full"
    assert choose_plan("cuda:0", parts, 12 * GB, pixels=4096 * 2048) == "vae_tiling"
    assert choose_plan("cuda:0", parts, 24 * GB, pixels=4096 * 2048) == "full"
    assert choose_plan("cuda:0", parts, 8 * GB, pixels=4096 * 2048) == "model_offload"


def test_plans_get_leaner_and_end() -> None:
    assert leaner("full") == "model_offload", "tiles help only where the result is decoded"
    assert leaner("full", decoding=True) == "vae_tiling"
    assert leaner("vae_tiling", decoding=True) == "model_offload"
    assert leaner("group_offload") is None


def entries(settings: BackendSettings, tiny: Callable[..., Path], *names: str) -> dict[str, Any]:
    rows = [
        ModelEntry(
            name=name, path=str(tiny(name)), type=name, default_width=64, default_height=64, default_steps=2
        )
        for name in names
    ]
    write_entries(settings, rows)
    return {row.name: model_info(row, settings) for row in rows}


def asked(model: Any) -> GenerateRequest:
    return GenerateRequest(model=model.id, prompt="a cat", width=64, height=64, seed=1)


def picture(backend: Any, model: Any, job: Any) -> Any:
    context = job(model)
    result = backend.generate(asked(model), context)
    return np.asarray(context.saved[0][0]), result.facts


@pytest.mark.torch
@pytest.mark.parametrize("plan", ["vae_tiling", "model_offload", "group_offload"])
def test_every_plan_gives_the_same_pixels(
    settings: BackendSettings, tiny: Callable[..., Path], job: Any, plan: str
) -> None:
    models = entries(settings, tiny, "sd")
    plain, _ = picture(create_backend(settings), models["sd"], job)
    options = BackendSettings(
        id="local",
        config_dir=settings.config_dir,
        data_dir=settings.data_dir,
        device="cpu",
        options={"memory_plan": plan},
    )
    lean = create_backend(options)
    offloaded, facts = picture(lean, models["sd"], job)
    assert facts["memory_plan"] == plan
    assert np.array_equal(plain, offloaded)
    assert np.array_equal(picture(lean, models["sd"], job)[0], plain)


class Card:
    """A card's memory at the edge of the program: what is free, and how high its use went."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, free: int) -> None:
        from diorama_local_diffusers.runtime import engine_room, residency

        self.free, self.ram, self.peak = free, 500 * GB, 0
        self.plans: list[str] = []
        for module in (engine_room, residency):
            monkeypatch.setattr(
                module, "free_bytes", lambda device: self.ram if device == "cpu" else self.free
            )
            # A CPU has no other plan, so the name is that of a card while the plan is put into effect here.
            monkeypatch.setattr(module, "apply_plan", lambda pipe, plan, device: self.plans.append(plan))
            monkeypatch.setattr(module, "release_cache", lambda device: None)
        monkeypatch.setattr(engine_room, "start_measuring", lambda device: None)
        monkeypatch.setattr(engine_room, "peak_bytes", lambda device: self.peak)

    def give(self, backend: Any, monkeypatch: pytest.MonkeyPatch, *, fails_to_load: int = 0) -> None:
        """Make the backend believe in the card; its first loads onto it run out of memory."""
        import torch
        from diorama_local_diffusers.runtime import engine_room

        left = iter([True] * fails_to_load)

        class OnCard(engine_room.Opener):
            def __init__(self, *given: Any) -> None:
                super().__init__(*given[:3], "cpu", given[4])
                self.wanted = given[3]

            def open(self, quantization: str = "") -> Any:
                if self.wanted.startswith("cuda") and next(left, False):
                    raise torch.OutOfMemoryError("no room")
                return super().open(quantization)

        monkeypatch.setattr(engine_room, "Opener", OnCard)
        backend.room.device = backend.room.residents.device = "cuda:0"


@pytest.mark.torch
def test_out_of_memory_is_tried_once_with_a_leaner_plan(
    settings: BackendSettings,
    backend: Any,
    tiny: Callable[..., Path],
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    model = entries(settings, tiny, "sd")["sd"]
    expected, _ = picture(create_backend(settings), model, job)
    card = Card(monkeypatch, 24 * GB)
    card.give(backend, monkeypatch)
    alive: list[Any] = []
    failures = iter([True, False, False, True, True])  # two steps a picture

    def fail_or_not(*_: Any) -> None:
        if next(failures, False):
            latents = torch.zeros(3)
            alive.append(weakref.ref(latents))
            raise torch.OutOfMemoryError("no room")
        gc.collect()
        assert all(item() is None for item in alive), "what failed must be gone before the second attempt"

    loaded = backend.room.open(backend._entry("sd"), job(model))
    loaded.pipe.unet.register_forward_pre_hook(fail_or_not)
    context = job(model)
    result = backend.generate(asked(model), context)
    assert result.facts["memory_plan"] == "model_offload"
    assert result.facts["out_of_memory"] == ["full -> model_offload"]
    assert context.adjustments == [
        ("memory_plan", "full", "model_offload", "Memory ran out; the leaner plan is slower.")
    ]
    assert any("trying again with the plan model_offload" in report["message"] for report in context.reports)
    assert np.array_equal(np.asarray(context.saved[0][0]), expected)
    with pytest.raises(OutOfMemory) as caught:
        picture(backend, model, job)
    assert caught.value.fix
    alive.clear()  # the caught error holds them
    assert card.plans == ["model_offload", "group_offload"], "once, and no further"
    again, facts = picture(backend, model, job)
    assert np.array_equal(again, expected), "the worker is clean for the next job"
    assert "out_of_memory" not in facts


@pytest.mark.torch
def test_out_of_memory_while_decoding_is_tried_once_with_tiles(
    settings: BackendSettings,
    backend: Any,
    tiny: Callable[..., Path],
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch

    model = entries(settings, tiny, "sd")["sd"]
    expected, _ = picture(create_backend(settings), model, job)
    card = Card(monkeypatch, 24 * GB)
    card.give(backend, monkeypatch)
    loaded = backend.room.open(backend._entry("sd"), job(model))
    failures = iter([True])

    def fail_once(*_: Any) -> None:
        if next(failures, False):
            raise torch.OutOfMemoryError("no room")

    loaded.pipe.vae.decoder.register_forward_pre_hook(fail_once)
    made, facts = picture(backend, model, job)
    assert facts["memory_plan"] == "vae_tiling"
    assert facts["out_of_memory"] == ["full -> vae_tiling"]
    assert np.array_equal(made, expected)
    assert card.plans == ["vae_tiling"]
    backend.unload()
    assert picture(backend, model, job)[1]["memory_plan"] != "full", (
        "what was too little once is not tried again"
    )


@pytest.mark.torch
def test_tiles_are_blended(settings: BackendSettings, tiny: Callable[..., Path], job: Any) -> None:
    model = entries(settings, tiny, "sd")["sd"]
    made = []
    for plan in ("full", "vae_tiling"):
        options = {"memory_plan": plan}
        backend = create_backend(replace(settings, options=options))
        context = job(model)
        backend.generate(replace(asked(model), width=160, height=96), context)
        loaded = backend.room.open(backend._entry("sd"), context)
        assert loaded.pipe.vae.use_tiling == (plan == "vae_tiling")
        made.append(np.asarray(context.saved[0][0]).astype(int))
    difference = np.abs(made[0] - made[1])
    assert made[1].shape == (96, 160, 3)
    assert 0 < difference.mean() < np.abs(made[0] - made[0].mean()).mean()


@pytest.mark.torch
def test_out_of_memory_while_loading_is_tried_once_with_a_leaner_plan(
    settings: BackendSettings,
    backend: Any,
    tiny: Callable[..., Path],
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = entries(settings, tiny, "sd")["sd"]
    card = Card(monkeypatch, 24 * GB)
    card.give(backend, monkeypatch, fails_to_load=1)
    context = job(model)
    result = backend.generate(asked(model), context)
    assert result.facts["memory_plan"] == "model_offload"
    assert context.adjustments[0][:3] == ("memory_plan", "full", "model_offload")
    backend.unload()
    assert picture(backend, model, job)[1]["memory_plan"] == "model_offload", (
        "what fell short is not tried again"
    )
    card.free = 48 * GB
    backend.unload()
    assert picture(backend, model, job)[1]["memory_plan"] == "full", "with more room it is"


@pytest.mark.torch
def test_a_measured_peak_decides_the_next_plan(
    settings: BackendSettings,
    backend: Any,
    tiny: Callable[..., Path],
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = entries(settings, tiny, "sd")["sd"]
    card = Card(monkeypatch, 24 * GB)
    card.give(backend, monkeypatch)
    card.peak = 20 * GB
    assert picture(backend, model, job)[1]["memory_plan"] == "full"
    kept = json.loads((settings.cache_dir / "memory.json").read_bytes())
    assert kept == {"sd|float32": {"full": {"4096": {"peak": 20 * GB}}}}
    (full, *_) = backend.memory_needs("sd", "cuda:0")
    assert (full.plan, full.device_bytes) == ("full", 22 * GB), (
        "whether it fits is told by the measured peak too"
    )
    backend.unload()
    card.free = 16 * GB
    assert picture(backend, model, job)[1]["memory_plan"] == "model_offload"


def test_measured_peaks_bound_jobs_with_more_and_less_work(tmp_path: Path) -> None:
    peaks = Peaks(tmp_path)
    assert peaks.need("m", "bfloat16", "full", 100) is None
    peaks.note("m", "bfloat16", "full", 100, 1000)
    peaks.note("m", "bfloat16", "full", 100, 900)
    assert peaks.need("m", "bfloat16", "full", 50) == 1100
    assert peaks.need("m", "bfloat16", "full", 200) is None
    assert peaks.need("m", "float16", "full", 100) is None
    peaks.fell_short("m", "bfloat16", "full", 300, 5000)
    assert peaks.need("m", "bfloat16", "full", 400) == 5001
    assert peaks.need("m", "bfloat16", "full", 200) is None
    (tmp_path / "memory.json").write_text("no json")
    assert peaks.largest("m", "full") is None


class Weights:
    def __init__(self, size: int, plan: str = "full") -> None:
        self.bytes, self.plan = size, plan
        self.moves: list[str] = []

    def forget_views(self) -> None:
        self.moves.append("closed")

    def park(self) -> None:
        self.moves.append("parked")

    def unpark(self) -> None:
        self.moves.append("back")


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A card and main memory that count what lies in them."""
    from diorama_local_diffusers.runtime import residency

    free = {"cuda:0": 100, "cpu": 1000}
    monkeypatch.setattr(residency, "free_bytes", lambda device: free[device])
    monkeypatch.setattr(residency, "release_cache", lambda device: None)
    return free


def test_what_must_leave_the_card_is_parked_and_comes_back(card: Any) -> None:
    residents = Residents("cuda:0", budget=100)
    models = {name: Weights(60) for name in "ab"}
    made: list[str] = []

    def get(name: str) -> Any:
        return residents.get(name, 60, lambda: made.append(name) or models[name])  # type: ignore[func-returns-value]

    for name in "abab":
        get(name)
    assert made == ["a", "b"], "nothing is loaded a second time"
    assert models["a"].moves == ["parked", "back", "parked"]
    assert (residents.names(), residents.parked_names()) == (("b",), ("a",))
    residents.drop("a")
    assert residents.parked_names() == ()
    get("a")
    assert made == ["a", "b", "a"]


def test_without_room_in_main_memory_nothing_is_parked(card: Any) -> None:
    residents = Residents("cuda:0", budget=100)
    first, offloaded = Weights(60), Weights(60, "model_offload")
    residents.get("first", 60, lambda: first)
    card["cpu"] = 70
    residents.get("second", 60, lambda: offloaded)
    assert first.moves == ["closed"]
    card["cpu"] = 1000
    residents.get("third", 60, lambda: Weights(60))
    assert offloaded.moves == ["closed"], "its weights are in main memory already, and would not be freed"
    assert residents.parked_names() == ()


def test_parked_models_make_way_for_one_that_is_loaded(card: Any) -> None:
    residents = Residents("cuda:0", budget=100)
    first = Weights(60)
    residents.get("first", 60, lambda: first)
    residents.get("second", 60, lambda: Weights(60))
    assert residents.parked_names() == ("first",)
    card["cpu"] = 70
    residents.get("third", 60, lambda: Weights(60))
    assert first.moves == ["parked", "closed"]


def test_the_least_recently_used_model_leaves_first_and_before_the_new_one_opens() -> None:
    residents = Residents("cpu", budget=100)
    seen: list[tuple[str, ...]] = []

    def make(size: int) -> Any:
        seen.append(residents.names())
        return Weights(size)

    residents.get("a", 40, lambda: make(40))
    residents.get("b", 40, lambda: make(40))
    residents.get("a", 40, lambda: make(40))
    residents.get("c", 50, lambda: make(50))
    assert residents.names() == ("a", "c")
    assert seen[-1] == ("a",), "room is made before the new model is opened"
    residents.get("d", 100, lambda: make(100))
    assert residents.names() == ("d",)


@pytest.mark.torch
def test_fp8_weights_take_a_quarter_and_still_make_a_video(
    settings: BackendSettings, backend: Any, tiny: Callable[..., Path], job: Any
) -> None:
    import torch

    row = ModelEntry(
        name="eight", path=str(tiny("ltx2")), type="ltx2-fp8", default_width=32, default_height=32
    )
    write_entries(settings, [row])
    model = model_info(row, settings)
    context = job(model)
    backend.video(
        VideoRequest(
            model=model.id, prompt="x", width=32, height=32, num_frames=9, num_inference_steps=2, seed=1
        ),
        context,
    )
    assert context.saved[0][0].shape == (9, 32, 32, 3)
    loaded = backend.room.open(row, context)
    kinds = {
        weight.dtype for name, weight in loaded.pipe.transformer.named_parameters() if "to_q.weight" in name
    }
    assert kinds == {torch.float8_e4m3fn}


@pytest.mark.torch
def test_two_families_alternating_stay_open_and_memory_stays_flat(
    settings: BackendSettings, backend: Any, tiny: Callable[..., Path], job: Any
) -> None:
    import psutil

    models = entries(settings, tiny, "sd", "flux")
    for model in models.values():
        picture(backend, model, job)
    used = []
    for _ in range(25):  # 50 changes from one model to the other
        for model in models.values():
            context = job(model)
            backend.generate(
                GenerateRequest(
                    model=model.id, prompt="x", width=64, height=64, seed=1, num_inference_steps=1
                ),
                context,
            )
            assert not [report for report in context.reports if report["stage"] == "loading_model"]
        gc.collect()
        used.append(psutil.Process().memory_info().rss)
    assert used[-1] - used[4] < 8_000_000
