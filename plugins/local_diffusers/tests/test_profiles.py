"""Profiles: only what wins here is used, verdicts are kept, and the reference is the reference again afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import GenerateRequest, Operation, VideoRequest
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime import profiles

pytestmark = pytest.mark.torch


@pytest.fixture
def run(settings: Any, backend: Any, tiny: Callable[..., Path], job: Any) -> Callable[..., Any]:
    row = ModelEntry(
        name="tiny", path=str(tiny("sd")), type="sd", default_width=64, default_height=64, default_steps=2
    )
    write_entries(settings, [row])
    model = model_info(row, settings)
    assert "profile" in model.operations[Operation.GENERATE].parameters["properties"]

    def make(profile: str) -> Any:
        context = job(model)
        request = GenerateRequest(
            model=model.id, prompt="a cat", width=64, height=64, seed=1, parameters={"profile": profile}
        )
        result = backend.generate(request, context)
        return np.asarray(context.saved[0][0]).astype(int), result.facts["profile_rungs"], context

    return make


def kept(settings: Any) -> dict[str, float]:
    return dict(json.loads((settings.cache_dir / "profiles.json").read_bytes())["tiny|cpu|torch.float32"])


@pytest.mark.parametrize(("gain", "used"), [(2.0, ["channels_last"]), (0.5, [])])
def test_a_rung_is_used_only_where_it_wins(
    run: Any, settings: Any, monkeypatch: Any, gain: float, used: list[str]
) -> None:
    speeds = iter([1.0, 1.0 / gain])
    monkeypatch.setattr(profiles, "_seconds", lambda *_: next(speeds))
    base, rungs, _ = run("quality")
    assert rungs == []
    first, rungs, context = run("balanced")
    assert rungs == [], "the first picture is the one that is measured"
    assert np.array_equal(first, base)
    assert any("Measuring" in report["message"] for report in context.reports)
    assert kept(settings) == {"channels_last": gain}
    second, rungs, context = run("balanced")
    assert rungs == used
    assert not any("Measuring" in report["message"] for report in context.reports), "the verdict is kept"
    assert np.abs(second - base).max() <= 2
    again, rungs, _ = run("quality")
    assert rungs == []
    assert np.array_equal(again, base), "the reference is the reference again"


def test_a_real_measurement_ends_in_a_verdict(run: Any, settings: Any) -> None:
    run("fast")
    assert set(kept(settings)) == {"channels_last", "fused_qkv", "vae_channels_last"}
    assert all(gain > 0 for gain in kept(settings).values())


def test_everything_that_wins_is_put_on_and_taken_off(
    run: Any, settings: Any, backend: Any, monkeypatch: Any
) -> None:
    base, _, context = run("quality")
    loaded = backend.room.open(backend._entry("tiny"), context)
    names = list(loaded.pipe.unet.state_dict())
    for _ in range(3):
        settings.cache_dir.mkdir(exist_ok=True)
        gains = {"channels_last": 2.0, "fused_qkv": 2.0, "vae_channels_last": 2.0}
        (settings.cache_dir / "profiles.json").write_text(json.dumps({"tiny|cpu|torch.float32": gains}))
        picture, rungs, _ = run("fast")
        assert rungs == ["channels_last", "fused_qkv", "vae_channels_last"]
        assert np.abs(picture - base).max() <= 2
    assert list(loaded.pipe.unet.state_dict()) == names, "no copy of the weights is left"
    assert np.array_equal(run("quality")[0], base)


def test_quantised_weights_and_those_under_a_lora_are_not_fused() -> None:
    import torch

    class Denoiser(torch.nn.Linear):
        def fuse_qkv_projections(self) -> None: ...

        unfuse_qkv_projections = fuse_qkv_projections

    plain, under_lora, quantised, few = (Denoiser(2, 2) for _ in range(4))
    under_lora.peft_config = {"lora0": 1}
    quantised.hf_quantizer = object()
    few.to(torch.float8_e4m3fn)
    found = [profiles._may_fuse(item) for item in (plain, under_lora, quantised, few)]
    assert found == [True, False, False, False]


def test_a_rung_that_fails_is_written_off(run: Any, settings: Any, monkeypatch: Any) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("not on this machine")

    monkeypatch.setattr(profiles, "_channels_last", fail)
    run("balanced")
    assert kept(settings) == {"channels_last": 0.0}
    assert run("balanced")[1] == []


def test_of_the_attention_kernels_the_best_one_is_used(settings: Any) -> None:
    class Model:
        pass

    class Loaded:
        device = "cuda:0"
        pipe = Model()
        entry = ModelEntry(name="m", path="a/b", type="flux")
        variant = "fp8"

    Loaded.pipe.dtype = "bf16"  # type: ignore[attr-defined]
    Loaded.settings = settings  # type: ignore[attr-defined]
    verdicts = profiles.Verdicts(Loaded())  # type: ignore[arg-type]
    rungs = [
        profiles.Rung(name, lambda _: None, lambda _: None)
        for name in ("attention:a", "attention:b", "compile", "x")
    ]
    for name, gain in (("attention:a", 1.2), ("attention:b", 1.4), ("compile", 1.5), ("x", 1.0)):
        verdicts.keep(name, gain)
    assert [rung.name for rung in verdicts.winners(rungs)] == ["attention:b", "compile"]


@pytest.mark.parametrize(("family", "threshold"), [("flux", 1e9), ("flux", 0.0), ("wan", 1e9)])
def test_a_cache_is_only_for_those_who_ask(
    settings: Any, backend: Any, tiny: Any, job: Any, monkeypatch: Any, family: str, threshold: float
) -> None:
    from diorama_local_diffusers.runtime import caches

    monkeypatch.setattr(caches, "THRESHOLD", threshold)
    row = ModelEntry(name="tiny", path=str(tiny(family)), type=family, default_width=64, default_height=64)
    write_entries(settings, [row])
    model = model_info(row, settings)

    def run(cache: str) -> tuple[Any, list[str]]:
        context = job(model)
        common = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "seed": 1, "num_inference_steps": 4,
                  "parameters": {"cache": cache}}  # fmt: skip
        if family == "wan":
            result = backend.video(VideoRequest(num_frames=5, **common), context)
        else:
            result = backend.generate(GenerateRequest(**common), context)
        return np.asarray(context.saved[0][0]).astype(int), list(result.facts["profile_rungs"])

    plain, rungs = run("none")
    assert rungs == []
    cached, rungs = run("first-block")
    assert rungs == ["cache:first-block"]
    assert np.array_equal(cached, plain) == (threshold == 0.0), "a cache that is never used changes nothing"
    assert np.array_equal(run("none")[0], plain), "and afterwards there is none"


@pytest.mark.parametrize("family", ["wan", "flux", "sdxl"])
def test_the_fast_profile_runs_on_every_kind_of_network(
    settings: Any, backend: Any, tiny: Any, job: Any, family: str
) -> None:
    row = ModelEntry(name="tiny", path=str(tiny(family)), type=family, default_width=64, default_height=64)
    write_entries(settings, [row])
    model = model_info(row, settings)
    common = {"model": model.id, "prompt": "x", "width": 64, "height": 64, "seed": 1, "num_inference_steps": 2,
              "parameters": {"profile": "fast"}}  # fmt: skip
    for _ in range(2):
        context = job(model)
        if family == "wan":
            backend.video(VideoRequest(num_frames=5, **common), context)
        else:
            backend.generate(GenerateRequest(**common), context)
        assert len(context.saved) == 1


def test_a_measurement_that_fails_costs_no_picture(run: Any, settings: Any, monkeypatch: Any) -> None:
    def fail(*_: Any) -> float:
        raise IndexError("a network that cannot be called twice")

    monkeypatch.setattr(profiles, "_seconds", fail)
    run("fast")
    assert kept(settings) == {"channels_last": 0.0, "fused_qkv": 0.0, "vae_channels_last": 0.0}
