"""Memory: which plan, one retry with a leaner one, what stays open, and that nothing grows."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import BackendSettings, GenerateRequest, OutOfMemory, VideoRequest
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
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


def test_plans_get_leaner_and_end() -> None:
    assert leaner("full") == "model_offload"
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


def picture(backend: Any, model: Any, job: Any) -> Any:
    context = job(model)
    result = backend.generate(
        GenerateRequest(model=model.id, prompt="a cat", width=64, height=64, seed=1), context
    )
    return np.asarray(context.saved[0][0]), result.facts


@pytest.mark.torch
@pytest.mark.parametrize("plan", ["model_offload", "group_offload"])
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


@pytest.mark.torch
def test_out_of_memory_is_tried_once_with_a_leaner_plan(
    settings: BackendSettings,
    backend: Any,
    tiny: Callable[..., Path],
    job: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import torch
    from diorama_local_diffusers.runtime import residency

    model = entries(settings, tiny, "sd")["sd"]
    expected, _ = picture(backend, model, job)
    loaded = backend.room.open(backend._entry("sd"), job(model))
    failures = iter([True, False, False, True, True])  # two steps a picture

    def fail_or_not(*_: Any) -> None:
        if next(failures, False):
            raise torch.OutOfMemoryError("no room")

    # A CPU has no leaner plan, so the device's name is that of an accelerator while the plan is put into effect here.
    loaded.device = "cuda:0"
    monkeypatch.setattr(residency, "apply_plan", lambda pipe, plan, device: None)
    loaded.pipe.unet.register_forward_pre_hook(fail_or_not)
    again, facts = picture(backend, model, job)
    assert facts["memory_plan"] == "model_offload"
    assert np.array_equal(again, expected)
    loaded.plan = "group_offload"
    with pytest.raises(OutOfMemory) as caught:
        picture(backend, model, job)
    assert caught.value.fix


class Weights:
    def __init__(self, size: int) -> None:
        self.bytes = size

    def forget_views(self) -> None:
        pass


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
    for _ in range(15):
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
