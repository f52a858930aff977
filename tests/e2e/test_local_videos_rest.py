"""Videos of local models through the routes as users know them: ledger, worker process, file. The models are tiny."""

from __future__ import annotations

import base64
import io
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from e2e.test_crash import Server
from PIL import Image

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SECONDS = 300


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    import tomli_w
    import torch
    from diorama_local_diffusers.testing.tiny import build
    from diorama_local_diffusers.upscale.networks import Shape
    from diorama_local_diffusers.upscale.networks import build as network
    from safetensors.torch import save_file

    root = tmp_path_factory.mktemp("tiny")
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = [
        {
            "name": name.replace(":", "-"), "path": str(build(name, root)), "type": name.partition(":")[0],
            "default_width": 64, "default_height": 64, "default_steps": 2, "default_num_frames": 9,
        }
        for name in ("wan", "wan:single", "ltx2", "svd")
    ]  # fmt: skip
    save_file(network(Shape("compact", 4, 8, 2)).state_dict(), root / "enlarger.safetensors")
    rows.append(
        {"name": "enlarger", "path": str(root / "enlarger.safetensors"), "type": "upscaler", "scale": 4}
    )
    (root / "models.toml").write_text(tomli_w.dumps({"models": rows}))
    made = Server(
        tmp_path_factory.mktemp("home"), DIORAMA_PLUGINS_ALLOW="local", DIORAMA_OFFLINE="1", DIORAMA_DEVICES="cpu",
        OMP_NUM_THREADS="1", DIORAMA_BACKENDS__LOCAL__MODELS_FILE=str(root / "models.toml"),
    )  # fmt: skip
    yield made
    made.stop()


@pytest.fixture
def run(server: Server) -> Callable[..., Any]:
    """Submits a job to a route and returns what that route says when it is done."""

    def finish(route: str, **body: Any) -> Any:
        job_id = server.ask("POST", f"/api/{route}/jobs", body)["job_id"]
        job = server.finished(job_id, SECONDS)
        assert job["status"] == "completed", job
        own = server.ask("GET", f"/api/{route}/jobs/{job_id}")
        assert own == {key: job[key] for key in own}
        assert job_id in [item["job_id"] for item in server.ask("GET", f"/api/{route}/jobs")["jobs"]]
        return job

    return finish


def frames_of(server: Server, job: Any, place: Path) -> tuple[int, tuple[int, int], float]:
    """Return number and size of the frames, and seconds of sound, as the file itself says."""
    with urllib.request.urlopen(server.url + job["video"]["url"], timeout=30) as found:
        place.write_bytes(found.read())
    with av.open(str(place)) as container:
        sound = (
            sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
            if container.streams.audio
            else 0
        )
    with av.open(str(place)) as container:
        frames = list(container.decode(video=0))
    return len(frames), (frames[0].width, frames[0].height), sound


def drawn(size: tuple[int, int]) -> str:
    content = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(content, "PNG")
    return base64.b64encode(content.getvalue()).decode()


def test_words_become_a_video_of_the_size_that_was_asked(server: Server, run: Any, tmp_path: Path) -> None:
    job = run("video", prompt="a boat", model="local:wan", num_frames=5, fps=8, width=128, height=96, seed=3)
    video = job["video"]
    assert (video["width"], video["height"], video["fps"], video["has_audio"]) == (128, 96, 8, False)
    assert video["duration"] == pytest.approx(5 / 8, abs=0.02)
    assert frames_of(server, job, tmp_path / "v.mp4")[:2] == (5, (128, 96))
    assert video["seed"] == 3
    usual = run("video", prompt="a boat", model="local:wan")
    assert (usual["video"]["width"], usual["video"]["height"]) == (64, 64)
    assert frames_of(server, usual, tmp_path / "u.mp4")[0] == 9


@pytest.mark.parametrize(
    "field", ["image", "image_base64", "reference_image", "reference_images", "image_asset_id"]
)
def test_a_picture_starts_a_video_by_every_name_of_the_field(
    server: Server, run: Any, field: str, tmp_path: Path
) -> None:
    source: Any = drawn((64, 64))
    if field == "image_asset_id":
        source = run("upscale", image=source, model="local:enlarger", scale=1)["asset_ids"][0]
    numbers = {"motion_bucket_id": 180, "noise_aug_strength": 0.05}
    job = run(
        "i2v",
        model="local:svd",
        num_frames=3,
        **{field: [source] if field.endswith("s") else source},
        **numbers,
    )
    assert {key: job["applied"][f"parameters.{key}"] for key in numbers} == numbers
    assert frames_of(server, job, tmp_path / "v.mp4")[:2] == (3, (64, 64))


def test_more_pictures_than_a_model_takes_are_refused_with_the_number(server: Server) -> None:
    body = {"model": "local:svd", "num_frames": 3, "reference_images": [drawn((64, 64))] * 3}
    with pytest.raises(urllib.error.HTTPError) as raised:
        server.ask("POST", "/api/i2v/jobs", body)
    assert raised.value.code == 422
    said = raised.value.read().decode()
    assert "image" in said
    assert "1" in said


def test_a_videos_sound_survives_being_enlarged(server: Server, run: Any, tmp_path: Path) -> None:
    spoken = run("video", prompt="a boat", model="local:ltx2", num_frames=9, fps=8, width=64, height=64)
    assert spoken["video"]["has_audio"]
    frames, _, sound = frames_of(server, spoken, tmp_path / "v.mp4")
    assert frames == 9
    assert sound > 0.05
    larger = run("upscale", video_asset_id=spoken["video"]["id"], model="local:enlarger", scale=2)
    assert larger["video"]["has_audio"]
    assert frames_of(server, larger, tmp_path / "w.mp4") == (9, (128, 128), pytest.approx(sound, abs=0.05))
    assert larger["video"]["duration"] == pytest.approx(spoken["video"]["duration"], abs=0.02)


@pytest.mark.parametrize("field", ["video_asset_id", "media"])
def test_a_video_is_made_over(server: Server, run: Any, tmp_path: Path, field: str) -> None:
    first = run("video", prompt="a boat", model="local:wan", num_frames=9, fps=16, width=128, height=64)
    again = {
        field: first["video"]["id"],
        "prompt": "a ship",
        "model": "local:wan-single",
        "fps": 8,
        "strength": 0.5,
    }
    job = run("video", **again)
    assert frames_of(server, job, tmp_path / "v.mp4")[:2] == (5, (96, 48)), (
        "half the frames, its shape, its own pixels"
    )
    assert job["applied"]["strength"] == 0.5
    assert job["applied"]["media"] == first["video"]["id"]
    told = [note["field"] for note in job["adjusted"]]
    assert told == ["num_frames"]
    job = run("video", **{**again, "model": "local:ltx2", "num_frames": 9})
    assert {note["field"] for note in job["ignored"]} >= {"media", "strength"}


def test_a_cancelled_video_leaves_nothing(server: Server) -> None:
    body = {
        "prompt": "a boat",
        "model": "local:wan",
        "num_frames": 81,
        "width": 256,
        "height": 256,
        "steps": 150,
    }
    job_id = server.ask("POST", "/api/video/jobs", body)["job_id"]
    while server.ask("GET", f"/api/jobs/{job_id}")["status"] in ("queued", "loading_model"):
        pass
    server.ask("DELETE", f"/api/jobs/{job_id}")
    job = server.finished(job_id, SECONDS)
    assert (job["status"], job["asset_ids"], job["video"]) == ("cancelled", [], None)
