"""Jobs on the stand-in: pictures, masks, videos and sounds that go in and come out, and what is paid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, models, wait_for
from comfyui_standin import StandIn
from comfyui_workflows import INVERT, TEXT_TO_IMAGE
from diorama.contract import (
    BackendError,
    EditRequest,
    GenerateRequest,
    UpscaleRequest,
    VideoRequest,
)
from diorama.testing import sample_image
from diorama_comfyui.backend import ComfyBackend
from PIL import Image


def test_image_to_image_uploads_the_picture_once(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    backend.library.import_workflow(INVERT, title="Negative")
    source = sample_image(tmp_path, size=(40, 30), color="#102030")
    for _ in range(2):
        job = Job(backend, EditRequest(model="comfyui:negative", images=(source,)), tmp_path)
        job.end()
        assert job.context.outputs[0].image.convert("RGB").getpixel((5, 5)) == (0xEF, 0xDF, 0xCF)  # type: ignore[union-attr]
    assert len(set(server.uploads)) == 1


def test_mask_travels_in_the_transparency(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "ImageCompositeMasked", "inputs": {"destination": ["1", 0], "source": ["2", 0], "x": 0, "y": 0,
              "resize_source": False, "mask": ["1", 1]}},
        "4": {"class_type": "SaveImage", "inputs": {"images": ["3", 0], "filename_prefix": "part"}},
    }  # fmt: skip
    backend.library.import_workflow(graph, title="Part")
    source = sample_image(tmp_path, size=(40, 30), color="black")

    white_left = Image.new("L", (40, 30))
    white_left.paste(255, (0, 0, 20, 30))
    path = tmp_path / "mask.png"
    white_left.save(path)
    mask = type(source)(path=str(path), width=40, height=30, sha256="ab" * 32)
    assert models(backend)["part"].operations["edit"].mask  # type: ignore[index]
    job = Job(backend, EditRequest(model="comfyui:part", images=(source,), mask=mask), tmp_path)
    job.end()
    picture = job.context.outputs[0].image.convert("RGB")  # type: ignore[union-attr]
    assert (picture.getpixel((5, 5)), picture.getpixel((35, 5))) == ((255, 255, 255), (0, 0, 0))


def test_animated_webp_counts_as_a_video(backend: ComfyBackend, tmp_path: Path) -> None:
    graph = {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 32, "height": 32, "batch_size": 4, "color": 255}},
        "2": {"class_type": "SaveAnimatedWEBP", "inputs": {"images": ["1", 0], "filename_prefix": "w", "fps": 10,
              "lossless": True, "quality": 80, "method": "default"}},
    }  # fmt: skip
    backend.library.import_workflow(graph, title="Blink")
    job = Job(backend, VideoRequest(model="comfyui:blink"), tmp_path)
    (artifact,) = job.end().artifacts
    assert artifact.kind == "video"
    assert job.context.outputs[0].fps == 10


def test_upscale(backend: ComfyBackend, tmp_path: Path) -> None:
    from comfyui_workflows import UPSCALE

    backend.library.import_workflow(UPSCALE, title="Twice")
    source = sample_image(tmp_path, size=(20, 10))
    job = Job(backend, UpscaleRequest(model="comfyui:twice", media=source), tmp_path)
    job.end()
    assert job.context.outputs[0].image.size == (40, 20)  # type: ignore[union-attr]


def test_sound_beside_a_picture_is_a_result_too(backend: ComfyBackend, tmp_path: Path) -> None:
    graph = {
        **TEXT_TO_IMAGE,
        "20": {"class_type": "EmptyAudio", "inputs": {"duration": 1.0, "sample_rate": 44100, "channels": 2}},
        "21": {"class_type": "SaveAudio", "inputs": {"audio": ["20", 0], "filename_prefix": "tone"}},
    }
    backend.library.import_workflow(graph, title="With tone")
    request = GenerateRequest(model="comfyui:with-tone", prompt="x", seed=1)
    job = Job(backend, request, tmp_path)
    result = job.end()
    assert [artifact.kind for artifact in result.artifacts] == ["image", "audio"]
    assert job.context.outputs[1].audio.samples.shape == (2, 44100)  # type: ignore[union-attr]
    assert "left_on_server" not in result.facts["runs"][0]


def paid_workflow() -> dict[str, Any]:
    return {
        "1": {"class_type": "FluxProUltraImageNode", "inputs": {"prompt": "x", "prompt_upsampling": False, "seed": 0,
              "aspect_ratio": "16:9", "raw": False}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    }  # fmt: skip


def test_paid_prompt_that_was_forgotten_is_not_bought_again(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    backend.library.import_workflow(paid_workflow(), title="Ultra")
    request = GenerateRequest(model="comfyui:ultra", prompt="x", seed=1)
    server.engine.gate.clear()
    job = Job(backend, request, tmp_path, secrets={"comfy_org_api_key": "canary"})
    wait_for(lambda: server.engine.running and server.sockets)
    assert server.engine.submitted[0]["extra_data"]["api_key_comfy_org"] == "canary"
    server.restart()
    with pytest.raises(BackendError) as caught:
        job.end()
    assert caught.value.unsure
    assert len(server.engine.submitted) == 1
    assert "canary" not in repr(job.context.memory)


def test_input_that_is_too_large_names_its_field(
    backend: ComfyBackend, server: StandIn, tmp_path: Path
) -> None:
    backend.library.import_workflow(INVERT, title="Negative")
    server.max_upload = 10
    source = sample_image(tmp_path, size=(40, 30))
    with pytest.raises(BackendError, match="413") as caught:
        Job(backend, EditRequest(model="comfyui:negative", images=(source,)), tmp_path).end()
    assert caught.value.field == "images"
