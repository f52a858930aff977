"""Tiny models through the whole engine: submission, ledger, worker process, files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import InvalidRequest
from diorama.engine import Engine
from diorama.jobs.submission import Submission
from diorama.settings import load_settings
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.user import write_entries
from PIL import Image

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    import torch
    from diorama_local_diffusers.testing.tiny import build as tiny
    from diorama_local_diffusers.upscale.networks import Shape, build
    from safetensors.torch import save_file

    home = tmp_path_factory.mktemp("home")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    save_file(build(Shape("compact", 4, 8, 2)).state_dict(), home / "enlarger.safetensors")
    settings = replace(
        load_settings({"DIORAMA_HOME": str(home)}), plugins_allow=("local",), offline=True, devices=("cpu",)
    )
    with Engine(settings) as running:
        rows = [
            ModelEntry(
                name=f"tiny-{name}",
                path=str(tiny(name, home)),
                type=name,
                default_width=64,
                default_height=64,
                default_steps=2,
            )
            for name in ("sd", "flux-kontext", "wan", "ltx2", "svd")
        ]
        write_entries(running.registry.backend("local").settings, rows)
        running.add_model("local", str(home / "enlarger.safetensors"))
        yield running


@pytest.fixture
def run(engine: Any) -> Callable[..., Any]:
    def submit(kind: str, model: str, **more: Any) -> Any:
        job = engine.submit(Submission(kind=kind, model=f"local:{model}", seed=5, **more))
        done = engine.wait(job.id, 120)
        assert done.status == "completed", done.error
        return done, [engine.assets.get(asset_id) for asset_id in done.asset_ids]

    return submit


@pytest.fixture
def source(engine: Any, tmp_path: Path) -> Any:
    Image.linear_gradient("L").resize((75, 61)).convert("RGB").save(tmp_path / "in.png")
    return engine.take_in(tmp_path / "in.png")


def test_pictures(engine: Any, run: Any) -> None:
    _, assets = run("generate", "tiny-sd", prompt="a cat", num_images=2, width=64, height=96)
    assert [(asset.width, asset.height, asset.seed) for asset in assets] == [(64, 96, 5), (64, 96, 6)]
    recipe = assets[0].recipe
    assert recipe["model"] == "local:tiny-sd" or recipe["model"]["id"] == "local:tiny-sd"


@pytest.mark.parametrize("model", ["tiny-sd", "tiny-flux-kontext"])
def test_edits_keep_the_size(run: Any, source: Any, model: str) -> None:
    _, (asset,) = run("edit", model, prompt="make it blue", images=(source,))
    assert (asset.width, asset.height) == (75, 61)


@pytest.mark.parametrize(("model", "frames"), [("tiny-wan", 5), ("tiny-ltx2", 9), ("tiny-svd", 3)])
def test_videos(engine: Any, run: Any, source: Any, model: str, frames: int) -> None:
    import av

    needs_picture = model == "tiny-svd"
    more: dict[str, Any] = {"images": (source,)} if needs_picture else {"prompt": "a cat"}
    if model == "tiny-ltx2":
        more["audio"] = True
    _, (asset,) = run("video", model, num_frames=frames, width=64, height=64, fps=8, **more)
    with av.open(str(engine.assets.file(asset.id))) as container:
        assert sum(1 for _ in container.decode(video=0)) == frames
        assert bool(container.streams.audio) == (model == "tiny-ltx2")
        assert container.streams.video[0].codec_context.name == "h264"


def test_upscaling(run: Any, source: Any) -> None:
    _, (asset,) = run("upscale", "enlarger", media=source, scale=2.0)
    assert (asset.width, asset.height) == (150, 122)


def test_a_file_that_somebody_puts_into_the_folder_is_listed_while_the_server_runs(
    engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diorama_local_diffusers.upscale.networks import Shape, build
    from safetensors.torch import save_file

    monkeypatch.setattr(engine.registry.backend("local"), "list_lifetime", 0.01)
    place = engine.settings.models_dirs[0] / "dropped.safetensors"
    place.parent.mkdir(parents=True, exist_ok=True)

    def listed(wanted: bool) -> bool:
        until = time.monotonic() + 60
        while (found := "local:dropped" in {model.id for model in engine.catalog.models()}) != wanted:
            assert time.monotonic() < until
            time.sleep(0.02)
        return found

    assert not listed(wanted=False)
    save_file(build(Shape("compact", 4, 8, 2)).state_dict(), place)
    assert listed(wanted=True)
    place.unlink()
    assert not listed(wanted=False)


def test_bad_requests_are_refused_before_anything_runs(engine: Any, source: Any) -> None:
    for kind, model, more in (
        ("generate", "tiny-sd", {"prompt": "x", "width": 10_000}),
        ("video", "tiny-svd", {}),
        ("generate", "tiny-sd", {"prompt": "x", "parameters": {"nonsense": 1}, "strict": True}),
    ):
        with pytest.raises(InvalidRequest):
            engine.submit(
                Submission(
                    kind=kind,
                    model=f"local:{model}",
                    strict=True,
                    **{k: v for k, v in more.items() if k != "strict"},
                )
            )
