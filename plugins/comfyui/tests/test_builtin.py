"""The servers' checkpoints through the built-in workflows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, models
from comfyui_standin import StandIn
from diorama.contract import (
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    LoraRef,
    MediaInput,
    OperationNotSupported,
    UpscaleRequest,
)
from diorama.testing import sample_image
from diorama_comfyui.analysis import check
from diorama_comfyui.backend import ComfyBackend
from diorama_comfyui.models.checkpoints import kind_of
from diorama_comfyui.models.graphs import Recipe, build
from diorama_comfyui.schema import ObjectInfo
from PIL import Image

SD, XL, FLUX = "sd15.safetensors", "sub/juggernaut-xl.safetensors", "flux1-dev-fp8.safetensors"


@pytest.mark.parametrize("kind", ["sd", "sdxl", "flux"])
@pytest.mark.parametrize(("source", "mask"), [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("final", [(512, 512), (513, 300)])
def test_built_in_workflows_are_what_a_server_takes(
    info: ObjectInfo, kind: str, source: bool, mask: bool, final: tuple[int, int]
) -> None:
    recipe = Recipe(
        checkpoint="x.safetensors", kind=kind, prompt="a", negative_prompt="b", seed=1, steps=20, guidance=5.0,
        sampler="euler", scheduler="normal", size=(512, 304), final=final,
        loras=(LoraRef(id="l.safetensors", weight=0.5),), source=source, mask=mask,
    )  # fmt: skip
    assert check(build(recipe), info) == []


def test_checkpoints_are_listed_by_kind(backend: ComfyBackend) -> None:
    listed = {name: model.kind for name, model in models(backend).items()}
    assert listed == {f"checkpoint/{SD}": "sd15", f"checkpoint/{XL}": "sdxl", f"checkpoint/{FLUX}": "flux"}
    flux = models(backend)[f"checkpoint/{FLUX}"].operations["generate"]  # type: ignore[index]
    assert not flux.negative_prompt


@pytest.mark.parametrize("name", [SD, XL, FLUX])
def test_text_to_image(backend: ComfyBackend, server: StandIn, tmp_path: Path, name: str) -> None:
    request = GenerateRequest(
        model=f"comfyui:checkpoint/{name}", prompt="a ball", seed=5, width=96, height=64, num_inference_steps=3,
        guidance_scale=4.0, loras=(LoraRef(id="ball.safetensors", weight=0.7),),
    )  # fmt: skip
    job = Job(backend, request, tmp_path)
    job.end()
    assert job.context.outputs[0].image.size == (96, 64)  # type: ignore[union-attr]
    prompt = server.engine.submitted[-1]["prompt"]
    assert prompt["lora0"]["inputs"]["strength_model"] == 0.7
    assert prompt["sampler"]["inputs"]["cfg"] == (1.0 if name == FLUX else 4.0)


@pytest.mark.parametrize("size", [(64, 48), (61, 47), (30, 20)])
def test_image_to_image_keeps_the_size_to_the_pixel(
    backend: ComfyBackend, tmp_path: Path, size: tuple[int, int]
) -> None:
    source = sample_image(tmp_path, size=size)
    request = EditRequest(
        model=f"comfyui:checkpoint/{SD}", prompt="x", seed=1, images=(source,), strength=0.5
    )
    job = Job(backend, request, tmp_path)
    job.end()
    assert job.context.outputs[0].image.size == size  # type: ignore[union-attr]


def test_inpainting_leaves_the_rest_alone(backend: ComfyBackend, tmp_path: Path) -> None:
    source = sample_image(tmp_path, size=(61, 47), color="#204060")
    area = Image.new("L", (61, 47))
    area.paste(255, (0, 0, 30, 47))
    path = tmp_path / "mask.png"
    area.save(path)
    mask = MediaInput(path=str(path), width=61, height=47, sha256="cd" * 32)
    request = EditRequest(
        model=f"comfyui:checkpoint/{XL}", prompt="x", seed=1, images=(source,), mask=mask, strength=1.0
    )
    job = Job(backend, request, tmp_path)
    job.end()
    picture = job.context.outputs[0].image.convert("RGB")  # type: ignore[union-attr]
    assert picture.size == (61, 47)
    assert all(picture.getpixel((x, y)) == (0x20, 0x40, 0x60) for x in range(31, 61) for y in range(47))
    assert picture.getpixel((3, 3)) != (0x20, 0x40, 0x60)


def test_unknown_lora_names_its_field(backend: ComfyBackend, tmp_path: Path) -> None:
    request = GenerateRequest(model=f"comfyui:checkpoint/{SD}", prompt="x", loras=(LoraRef(id="gone"),))
    with pytest.raises(InvalidRequest) as caught:
        Job(backend, request, tmp_path).end()
    assert caught.value.field == "loras"


def test_a_checkpoint_does_not_upscale(backend: ComfyBackend, tmp_path: Path) -> None:
    request = UpscaleRequest(model=f"comfyui:checkpoint/{SD}", media=sample_image(tmp_path))
    with pytest.raises(OperationNotSupported):
        Job(backend, request, tmp_path).end()


@pytest.mark.parametrize(
    ("name", "size", "metadata", "kind"),
    [
        ("v1-5-pruned-emaonly.safetensors", 0, {}, "sd"),
        ("sd_xl_base_1.0.safetensors", 0, {}, "sdxl"),
        ("ponyDiffusionV6.safetensors", 0, {}, "sdxl"),
        ("flux1-schnell-fp8.safetensors", 0, {}, "flux"),
        ("flux2-dev.safetensors", 0, {}, ""),
        ("sd3.5_large.safetensors", 0, {}, ""),
        ("svd_xt.safetensors", 0, {}, ""),
        ("ltx-video-2b.safetensors", 0, {}, ""),
        ("mystery.safetensors", 6_900_000_000, {}, "sdxl"),
        ("mystery.safetensors", 2_100_000_000, {}, "sd"),
        ("mystery.safetensors", 0, {}, ""),
        ("mystery.safetensors", 0, {"modelspec.architecture": "stable-diffusion-xl-v1-base"}, "sdxl"),
        ("xl.safetensors", 0, {"modelspec.architecture": "stable-diffusion-v3"}, ""),
    ],
)
def test_kind_of_a_file(name: str, size: int, metadata: dict[str, Any], kind: str) -> None:
    assert kind_of(name, size, metadata) == kind
