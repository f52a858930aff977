"""Jobs on the stand-in: progress, previews, cancelling, cache, restarts on either side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from comfyui_jobs import Job, make_backend, models, wait_for
from comfyui_standin import StandIn
from comfyui_workflows import TEXT_TO_IMAGE
from diorama.contract import (
    BackendError,
    BackendNotReady,
    Capabilities,
    GenerateRequest,
    InvalidRequest,
    JobCancelled,
    ModelInfo,
    Operation,
)
from diorama.testing import RecordingJobContext
from diorama_comfyui.backend import ComfyBackend
from diorama_comfyui.running import watch
from diorama_comfyui.running.outputs import _animation, _pace
from diorama_comfyui.running.plan import RunPlan
from diorama_comfyui.running.progress import ProgressTracker
from PIL import Image


@pytest.fixture
def backend(backend: ComfyBackend) -> ComfyBackend:
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    return backend


def apple(**more: Any) -> GenerateRequest:
    return GenerateRequest(model="comfyui:apple", prompt="a green pear", seed=3, width=64, height=48, **more)


def test_progress_by_node_and_step(backend: ComfyBackend, tmp_path: Path) -> None:
    job = Job(backend, apple(num_inference_steps=4), tmp_path)
    result = job.end()
    reports = job.context.reports
    steps = [(numbers["step"], numbers["steps"]) for *_, numbers in reports if "step" in numbers]
    assert [(n, 4) for n in range(1, 5)] == sorted(set(steps))
    assert {"CheckpointLoaderSimple", "KSampler", "VAEDecode"} <= {str(n.get("node")) for *_, n in reports}
    assert {stage for stage, *_ in reports} == {"loading_model", "generating", "saving"}
    assert job.context.previews >= 4
    assert job.context.outputs[0].image.size == (64, 48)  # type: ignore[union-attr]
    (run,) = result.facts["runs"]
    assert result.facts["comfyui_version"] == "0.33.0"
    assert not run["cached"]


def test_request_reaches_the_prompt(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    request = apple(
        negative_prompt="fog",
        num_inference_steps=2,
        guidance_scale=5.5,
        scheduler="heun",
        parameters={"scheduler_2": "karras"},
    )
    Job(backend, request, tmp_path).end()
    prompt = server.engine.submitted[-1]["prompt"]
    assert prompt["6"]["inputs"]["text"] == "a green pear"
    assert prompt["7"]["inputs"]["text"] == "fog"
    sampler = prompt["3"]["inputs"]
    assert {key: sampler[key] for key in ("seed", "steps", "cfg", "sampler_name", "scheduler")} == {
        "seed": 3, "steps": 2, "cfg": 5.5, "sampler_name": "heun", "scheduler": "karras",
    }  # fmt: skip
    assert prompt["5"]["inputs"]["width"] == 64
    assert server.engine.submitted[-1]["extra_data"]["preview_method"] == "latent2rgb"
    assert not server.origins, "the server refuses foreign origins"


def test_several_pictures_have_consecutive_seeds(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    result = Job(backend, apple(num_images=3), tmp_path).end()
    assert [artifact.seed for artifact in result.artifacts] == [3, 4, 5]
    assert [body["prompt"]["3"]["inputs"]["seed"] for body in server.engine.submitted] == [3, 4, 5]


def test_old_server(raw_info: dict[str, Any], tmp_path: Path) -> None:
    """Names prompts itself, has no jobs routes, and sends previews without metadata."""
    with StandIn(raw_info, tmp_path / "old", old=True) as server:
        backend = make_backend(tmp_path, server)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        job = Job(backend, apple(), tmp_path)
        assert job.end().artifacts
        assert job.context.previews >= 3
        server.engine.gate.clear()
        job = Job(backend, apple(num_inference_steps=9), tmp_path)
        wait_for(lambda: server.engine.running)
        job.context.cancel()
        with pytest.raises(JobCancelled):
            job.end()
        wait_for(lambda: server.engine.running is None)
        backend.close()


def test_an_old_server_that_stops_whatever_runs_is_not_let_do_so(
    raw_info: dict[str, Any], tmp_path: Path
) -> None:
    with StandIn(raw_info, tmp_path / "old", old=True) as server:
        backend = make_backend(tmp_path, server)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        server.engine.gate.clear()
        first = Job(backend, apple(num_inference_steps=7), tmp_path)
        wait_for(lambda: server.engine.running)
        second = Job(backend, apple(num_inference_steps=8), tmp_path)
        wait_for(lambda: server.engine.pending)
        second.context.cancel()
        with pytest.raises(JobCancelled):
            second.end()
        assert not server.engine.pending
        server.engine.gate.set()
        assert first.end().artifacts
        backend.close()


# -- cancelling --------------------------------------------------------------------------------


def test_cancel_while_running_stops_this_prompt_only(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    server.engine.gate.clear()
    first = Job(backend, apple(num_inference_steps=7), tmp_path)
    wait_for(lambda: server.engine.running)
    second = Job(backend, apple(num_inference_steps=8), tmp_path)
    wait_for(lambda: server.engine.pending)
    first.context.cancel()
    with pytest.raises(JobCancelled):
        first.end()
    server.engine.gate.set()
    assert second.end().artifacts
    assert not first.context.outputs


def test_cancel_while_queued(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    server.engine.gate.clear()
    first = Job(backend, apple(num_inference_steps=7), tmp_path)
    wait_for(lambda: server.engine.running)
    second = Job(backend, apple(num_inference_steps=8), tmp_path)
    wait_for(lambda: server.engine.pending)
    second.context.cancel()
    with pytest.raises(JobCancelled):
        second.end()
    assert not server.engine.pending
    server.engine.gate.set()
    assert first.end().artifacts
    assert len(server.engine.history) == 1


def test_queue_position_is_told(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    server.engine.gate.clear()
    first = Job(backend, apple(num_inference_steps=7), tmp_path)
    wait_for(lambda: server.engine.running)
    second = Job(backend, apple(num_inference_steps=8), tmp_path)
    wait_for(lambda: any(numbers.get("queue_position") == 1 for *_, numbers in second.context.reports))
    server.engine.gate.set()
    assert first.end().artifacts
    assert second.end().artifacts


def test_interrupted_by_somebody_else(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    server.engine.gate.clear()
    job = Job(backend, apple(), tmp_path)
    wait_for(lambda: server.engine.running)
    backend.interrupt()
    with pytest.raises(BackendError, match="somebody else"):
        job.end()


def test_removed_from_the_queue_by_somebody_else(
    backend: ComfyBackend, server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 0.2)
    server.engine.gate.clear()
    first = Job(backend, apple(num_inference_steps=7), tmp_path)
    wait_for(lambda: server.engine.running)
    second = Job(backend, apple(num_inference_steps=8), tmp_path)
    wait_for(lambda: server.engine.pending)
    server.engine.pending.clear()
    with pytest.raises(BackendError, match="removed from ComfyUI's queue"):
        second.end()
    server.engine.gate.set()
    first.end()


# -- cache -------------------------------------------------------------------------------------


def test_cached_result_is_fetched_and_said(backend: ComfyBackend, tmp_path: Path) -> None:
    first, second = Job(backend, apple(), tmp_path), None
    first.end()
    second = Job(backend, apple(), tmp_path)
    assert second.end().facts["runs"][0]["cached"]
    assert second.context.outputs[0].image.tobytes() == first.context.outputs[0].image.tobytes()  # type: ignore[union-attr]


def test_cached_result_whose_file_is_gone_is_made_again(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    Job(backend, apple(), tmp_path).end()
    for path in (server.engine.folders.root / "output").rglob("*.png"):
        path.unlink()
    assert Job(backend, apple(), tmp_path).end().artifacts
    assert len(server.engine.submitted) == 3
    assert server.engine.submitted[2]["prompt"]["9"]["inputs"]["filename_prefix"].startswith("sd15_")


# -- restarts ----------------------------------------------------------------------------------


def test_dropped_socket(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    server.engine.gate.clear()
    job = Job(backend, apple(num_inference_steps=6), tmp_path)
    wait_for(lambda: server.engine.running)
    wait_for(lambda: server.sockets)
    server.drop_sockets()
    wait_for(lambda: server.sockets)
    server.engine.gate.set()
    assert job.end().artifacts
    assert len(server.engine.submitted) == 1


def test_socket_that_goes_silent(
    backend: ComfyBackend, server: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server forgets a client id when an older socket closes; the open one then gets nothing."""
    monkeypatch.setattr(watch, "SILENCE_SECONDS", 0.2)
    server.engine.gate.clear()
    job = Job(backend, apple(num_inference_steps=6), tmp_path)
    wait_for(lambda: server.engine.running)
    server.sockets.clear()
    server.engine.gate.set()
    assert job.end().artifacts
    assert len(server.engine.submitted) == 1


def test_our_restart_attaches_to_a_running_prompt(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    server.engine.gate.clear()
    first = Job(backend, apple(num_inference_steps=6), tmp_path)
    wait_for(lambda: server.engine.running and server.sockets)
    memory = json.loads(json.dumps(first.context.memory))
    second = make_backend(tmp_path, server)
    job = Job(second, apple(num_inference_steps=6), tmp_path, memory=memory)
    wait_for(lambda: job.context.reports or server.sockets)
    server.engine.gate.set()
    assert job.end().artifacts
    assert len(server.engine.submitted) == 1
    first.end()


def test_our_restart_finds_a_finished_prompt(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    first = Job(backend, apple(), tmp_path)
    first.end()
    second = Job(make_backend(tmp_path, server), apple(), tmp_path, memory=first.context.memory)
    assert second.end().artifacts
    assert second.context.outputs[0].image.tobytes() == first.context.outputs[0].image.tobytes()  # type: ignore[union-attr]
    assert len(server.engine.submitted) == 1


def test_restart_of_comfyui_runs_the_prompt_again(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    server.engine.gate.clear()
    job = Job(backend, apple(num_inference_steps=6), tmp_path)
    wait_for(lambda: server.engine.running and server.sockets)
    server.restart()
    server.engine.gate.set()
    assert job.end().artifacts
    assert len(server.engine.submitted) == 2
    assert len(job.context.outputs) == 1


@pytest.mark.parametrize(
    ("milliseconds", "fps"), [(100, 10), (166, 6), (41, 24), (33, 30), (62, 16), (70.5, 14.184)]
)
def test_pace_of_animated_pictures(milliseconds: float, fps: float) -> None:
    assert _pace(milliseconds) == fps


def test_a_still_that_lasts_for_ever_is_not_unpacked(tmp_path: Path) -> None:
    """A file of some kilobytes may ask for gigabytes of equal frames."""
    frames = [Image.new("RGB", (1024, 1024), (60 * shade, 0, 0)) for shade in range(4)]
    path = tmp_path / "long.webp"
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=[1, 5000, 5000, 5000], lossless=True
    )
    assert path.stat().st_size < 100_000
    with pytest.raises(BackendError, match=r"The animation long\.webp takes 4\.4 GiB"):
        _animation(path)


def test_steps_are_told_after_connecting_in_the_middle(tmp_path: Path) -> None:
    """The frame that names the node is not sent again; the steps of a new run do not begin where the last one ended."""
    model = ModelInfo(id="comfyui:x", title="x", operations={Operation.GENERATE: Capabilities()})
    context = RecordingJobContext(model, tmp_path)
    prompt = {"3": {"class_type": "KSampler", "inputs": {}}}
    tracker = ProgressTracker(RunPlan(prompt=prompt, weights={"3": 40.0}), context)
    tracker.on_step("3", 5, 8)
    tracker.report()
    assert context.reports[-1][2:] == ("KSampler", {"node": "KSampler", "step": 5, "steps": 8})
    tracker.restart()
    tracker.on_node("3")
    tracker.report()
    assert context.reports[-1][3] == {"node": "KSampler"}
    assert context.reports[-1][1] == pytest.approx(5 / 8)


def test_server_that_stays_away(server: StandIn, tmp_path: Path) -> None:
    backend = make_backend(tmp_path, server, offline_seconds=0.5)
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    server.engine.gate.clear()
    job = Job(backend, apple(), tmp_path)
    wait_for(lambda: server.engine.running and server.sockets)
    server.stop()
    with pytest.raises(BackendError, match="stopped answering") as caught:
        job.end()
    assert caught.value.retryable
    assert any("does not answer" in message for _, _, message, _ in job.context.reports)


class LosesAnswers(httpx2.HTTPTransport):
    """A line that breaks after a prompt was delivered and before the answer arrives."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        if (request.method, request.url.path) == ("POST", "/prompt"):
            response.read()
            raise httpx2.ReadError("the line broke")
        return response


def test_answer_to_the_submission_is_lost(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    """A prompt that arrived is followed, not sent twice."""
    client = backend.servers.all[0].client
    client._http = httpx2.Client(base_url=server.url, transport=LosesAnswers())
    assert Job(backend, apple(), tmp_path).end().artifacts
    assert len(server.engine.submitted) == 1


# -- errors ------------------------------------------------------------------------------------


def test_node_that_breaks(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="Saving image outside") as caught:
        Job(backend, apple(parameters={"filename_prefix": "../../outside"}), tmp_path).end()
    assert caught.value.field == "parameters.filename_prefix"
    assert str(tmp_path) not in caught.value.message, "folders of the host stay private"


def test_value_that_the_server_refuses_names_its_field(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    models(backend)
    server.engine.info["KSampler"]
    spec = server.raw["KSampler"]["input"]["required"]["steps"][1]
    assert spec["max"] == 10000
    with pytest.raises(InvalidRequest, match="above 10000") as caught:
        Job(backend, apple(num_inference_steps=20000), tmp_path).end()
    assert caught.value.field == "num_inference_steps"


def test_missing_model_file(backend: ComfyBackend, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Job(backend, apple(parameters={"model": "gone.safetensors"}), tmp_path).end()
    assert caught.value.field == "parameters.model"


def test_unknown_parameter(backend: ComfyBackend, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no parameter"):
        Job(backend, apple(parameters={"magic": 1}), tmp_path).end()


def test_server_down_from_the_start(server: StandIn, tmp_path: Path) -> None:
    backend = make_backend(tmp_path, server)
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    server.stop()
    with pytest.raises(BackendNotReady, match="No ComfyUI"):
        Job(backend, apple(), tmp_path).end()


# -- media -------------------------------------------------------------------------------------
