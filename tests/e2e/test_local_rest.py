"""Local models through the whole house: REST, ledger, worker process, asset. The models are tiny and random."""

from __future__ import annotations

import base64
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from e2e.test_crash import Server
from PIL import Image

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SECONDS = 300
SIZES = [(1, 1), (7, 9), (641, 363), (900, 31)]


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of tiny models, whose natural size is 64 or 128 pixels."""
    import tomli_w
    import torch
    from diorama_local_diffusers.testing.tiny import build
    from diorama_local_diffusers.upscale.networks import Shape
    from diorama_local_diffusers.upscale.networks import build as network
    from safetensors.torch import save_file

    root = tmp_path_factory.mktemp("tiny")
    torch.set_num_threads(1)
    rows = [
        {
            "name": name.replace(":", "-"), "path": str(build(name, root)), "type": name.partition(":")[0],
            "default_width": size, "default_height": size, "default_steps": 2,
        }
        for name, size in (("sd", 64), ("sd:deep", 128), ("sdxl", 64), ("flux", 64), ("flux-kontext", 64))
    ]  # fmt: skip
    save_file(network(Shape("compact", 4, 8, 2)).state_dict(), root / "enlarger.safetensors")
    rows.append(
        {"name": "enlarger", "path": str(root / "enlarger.safetensors"), "type": "upscaler", "scale": 4}
    )
    (root / "models.toml").write_text(tomli_w.dumps({"models": rows}))
    return root / "models.toml"


def start(home: Path, listed: Path) -> Server:
    return Server(
        home, DIORAMA_PLUGINS_ALLOW="local", DIORAMA_OFFLINE="1", DIORAMA_DEVICES="cpu", OMP_NUM_THREADS="1",
        DIORAMA_BACKENDS__LOCAL__MODELS_FILE=str(listed),
    )  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, listed: Path) -> Iterator[Server]:
    made = start(tmp_path_factory.mktemp("local-home"), listed)
    yield made
    made.stop()


def submit(server: Server, **body: Any) -> str:
    return str(server.ask("POST", "/api/jobs", {"prompt": "a cat", "seed": 7, **body})["job_id"])


def pixels(server: Server, asset_id: str) -> Any:
    with urllib.request.urlopen(f"{server.url}/api/assets/{asset_id}/file", timeout=30) as found:
        return np.asarray(Image.open(io.BytesIO(found.read())).convert("RGB"))


@pytest.fixture
def run(server: Server) -> Callable[..., Any]:
    """Submits a job and returns it with the pixels of its pictures."""

    def finish(**body: Any) -> Any:
        job = server.finished(submit(server, **body), SECONDS)
        assert job["status"] == "completed", job
        return job, [pixels(server, asset_id) for asset_id in job["asset_ids"]]

    return finish


def refused(server: Server, **body: Any) -> dict[str, Any]:
    with pytest.raises(urllib.error.HTTPError) as raised:
        submit(server, **body)
    assert 400 <= raised.value.code < 500
    answer: dict[str, Any] = json.load(raised.value)
    return answer


def test_each_sampler_draws_otherwise_and_wrong_ones_are_refused(
    server: Server, run: Callable[..., Any]
) -> None:
    names = [None, "euler", "euler-ancestral", "dpm++-karras", "heun", "lcm", "unipc"]
    made = []
    for name in names:
        job, (picture,) = run(model="local:sd", steps=4, **({"scheduler": name} if name else {}))
        assert job["applied"].get("scheduler") == name
        made.append(picture.tobytes())
    assert len(set(made)) == len(names)
    _, (picture,) = run(model="local:sd", steps=4, scheduler="euler")
    assert picture.tobytes() == made[1]
    assert "scheduler" in json.dumps(refused(server, model="local:sd", scheduler="nonsense"))
    job, _ = run(model="local:flux", scheduler="euler")
    assert [note["field"] for note in job["ignored"]] == ["scheduler"]


def test_clip_skip_where_the_encoder_is_deep_enough(run: Callable[..., Any]) -> None:
    job, (skipped,) = run(model="local:sd-deep", parameters={"clip_skip": 2})
    assert job["applied"]["parameters.clip_skip"] == 2
    assert not np.array_equal(skipped, run(model="local:sd-deep")[1][0])
    job, _ = run(model="local:sd", parameters={"clip_skip": 2})
    assert [note["field"] for note in job["ignored"]] == ["parameters.clip_skip"]


@pytest.mark.parametrize(
    ("ratio", "value"), [("1:1", 1), ("16:9", 16 / 9), ("9:16", 9 / 16), ("21:9", 21 / 9)]
)
def test_a_ratio_means_the_models_own_number_of_pixels(
    run: Callable[..., Any], ratio: str, value: float
) -> None:
    _, (picture,) = run(model="local:sd-deep", aspect_ratio=ratio)
    height, width = picture.shape[:2]
    assert height % 8 == width % 8 == 0
    assert 0.9 < width * height / 128**2 < 1.1
    assert abs(width / height - value) / value < 0.05


@pytest.mark.parametrize("model", ["local:sd", "local:flux"])
def test_a_seed_means_one_picture_alone_or_among_others(run: Callable[..., Any], model: str) -> None:
    _, several = run(model=model, num_images=3)
    _, (alone,) = run(model=model, seed=9)
    assert len({picture.tobytes() for picture in several}) == 3
    assert np.array_equal(several[2], alone)


def test_weights_count_or_are_reported(run: Callable[..., Any]) -> None:
    _, (plain,) = run(model="local:sdxl")
    job, (heavy,) = run(model="local:sdxl", prompt="a (cat:1.5)")
    assert not job["ignored"]
    assert not np.array_equal(heavy, plain)
    job, (picture,) = run(model="local:flux", prompt="a (cat:1.5)")
    assert [note["before"] for note in job["ignored"]] == ["(cat:1.5)"]
    assert np.array_equal(picture, run(model="local:flux")[1][0])


@pytest.mark.parametrize("model", ["local:sd", "local:flux", "local:flux-kontext", "local:enlarger"])
def test_pictures_of_odd_sizes(server: Server, run: Callable[..., Any], model: str) -> None:
    for size in SIZES:
        content = io.BytesIO()
        Image.linear_gradient("L").resize(size).convert("RGB").save(content, "PNG")
        source = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
        if model == "local:enlarger":
            _, (made,) = run(model=model, kind="upscale", media=source, scale=1.5)
            assert made.shape[:2] == (max(1, round(size[1] * 1.5)), max(1, round(size[0] * 1.5)))
        else:
            _, (made,) = run(model=model, kind="edit", reference_images=[source])
            assert made.shape[:2] == size[::-1]


def stage_seen(server: Server, job_id: str, *stages: str) -> str:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        status = str(server.ask("GET", f"/api/jobs/{job_id}")["status"])
        if status in (*stages, "completed", "failed", "cancelled"):
            return status
        time.sleep(0.01)
    raise AssertionError(f"{job_id} never reached {stages}")


def test_a_job_is_cancelled_while_it_waits_loads_or_draws(server: Server, run: Callable[..., Any]) -> None:
    _, (expected,) = run(model="local:sd")
    long = {"model": "local:sd", "steps": 150, "width": 256, "height": 256, "num_images": 4}
    server.ask("POST", "/api/models/local:sdxl/unload")
    drawing, waiting, loading = (
        submit(server, **long),
        submit(server, **long),
        submit(server, model="local:sdxl"),
    )
    assert stage_seen(server, drawing, "generating") == "generating"
    for job_id in (waiting, drawing):
        server.ask("DELETE", f"/api/jobs/{job_id}")
    stage_seen(server, loading, "loading_model", "generating")
    server.ask("DELETE", f"/api/jobs/{loading}")
    for job_id in (waiting, drawing):
        job = server.finished(job_id, SECONDS)
        assert job["status"] == "cancelled"
        assert not job["asset_ids"]
    ended = server.finished(loading, SECONDS)
    assert bool(ended["asset_ids"]) == (ended["status"] == "completed"), (
        "it may have been faster than the cancel"
    )
    assert np.array_equal(run(model="local:sd")[1][0], expected), "the worker is ready for the next job"


def test_a_restart_in_the_middle_ends_in_the_same_pictures(tmp_path: Path, listed: Path) -> None:
    body = {"model": "local:sd", "steps": 150, "width": 256, "height": 256, "num_images": 3}
    doomed = start(tmp_path / "home", listed)
    job_id = submit(doomed, **body)
    assert stage_seen(doomed, job_id, "generating") == "generating"
    doomed.kill()
    again = start(tmp_path / "home", listed)
    try:
        job = again.finished(job_id, SECONDS)
        assert job["status"] == "completed", job
        assert len(job["asset_ids"]) == 3
        whole = again.finished(submit(again, **body), SECONDS)
        for one, other in zip(job["asset_ids"], whole["asset_ids"], strict=True):
            assert np.array_equal(pixels(again, one), pixels(again, other))
    finally:
        again.stop()
