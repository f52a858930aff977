"""What is particular to OpenAI-shaped servers: their lists, answers of both kinds, masks, keys."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendError, BackendSettings, ContentRefused, InvalidRequest, Operation
from diorama.testing import RecordingListContext, sample_image
from diorama_openai_images import create_backend
from diorama_openai_images.backend import output_of
from diorama_openai_images.forms import multipart, transparent
from diorama_openai_images.models import kind_of, listed
from PIL import Image
from standins import OpenAIStandin, Script
from standins.media import picture
from standins.table import QUICK, Bench


@pytest.fixture
def bench(loopback_only: Any, tmp_path: Path) -> Any:
    with OpenAIStandin() as server:
        settings = BackendSettings(
            id="vllm", options={**QUICK, "api_url": server.url(path="/v1")}, cache_dir=tmp_path / "cache"
        )
        yield Bench(lambda: create_backend(settings), server, {}, tmp_path)


def test_only_what_makes_pictures_or_films_is_listed(bench: Bench) -> None:
    context = RecordingListContext(offline=False, secrets=bench.secrets)
    models = {model.native_id: model for model in bench.backend.list_models(context=context)}  # type: ignore[attr-defined]
    assert set(models) == {"Qwen/Qwen-Image", "Qwen/Qwen-Image-Edit", "Wan-AI/Wan2.2-T2V"}
    assert models["Qwen/Qwen-Image-Edit"].mode == "edit"
    assert models["Wan-AI/Wan2.2-T2V"].mode == "video"


def test_a_server_that_is_down_keeps_its_last_list(bench: Bench) -> None:
    context = RecordingListContext(offline=False, secrets=bench.secrets)
    models = bench.backend.list_models(context=context)  # type: ignore[attr-defined]
    bench.server.stop()
    assert bench.make().list_models(context=context) == models  # type: ignore[attr-defined]


def test_names_tell_kinds() -> None:
    names = ("FLUX.1-Kontext-dev", "sd3.5", "Wan2.1-T2V", "gpt-5", "stabilityai/stable-diffusion-xl")
    assert [kind_of(name) for name in names] == ["edit", "image", "video", None, "image"]
    assert list(listed("x", ["my-finetune"])) == ["my-finetune"]
    assert list(listed("x", ["my-finetune", "llama"])) == []


def test_form_fields_are_written_as_json_writes_them() -> None:
    assert multipart({"stream": False, "n": 2, "size": "1x1"})["files"] == [
        ("stream", (None, b"false")),
        ("n", (None, b"2")),
        ("size", (None, b"1x1")),
    ]


def test_models_may_be_named_in_the_settings() -> None:
    settings = BackendSettings(
        id="x", options={"api_url": "http://127.0.0.1:9", "models": {"mine": "hybrid"}}
    )
    assert create_backend(settings).curated()["mine"].info.mode == "hybrid"
    wrong = BackendSettings(id="x", options={"api_url": "http://127.0.0.1:9", "models": {"mine": "song"}})
    with pytest.raises(InvalidRequest, match="song"):
        create_backend(wrong).curated()


def test_the_exported_openai_key_is_for_openai_only() -> None:
    assert create_backend(BackendSettings(id="openai")).secrets["api_key"] == ("OPENAI_API_KEY",)
    other = BackendSettings(id="vllm", options={"api_url": "http://127.0.0.1:9/v1"})
    assert create_backend(other).secrets["api_key"] == ()


def test_openai_itself_lists_without_a_network() -> None:
    backend = create_backend(BackendSettings(id="openai"))
    models = backend.list_models(context=RecordingListContext(offline=False))
    assert [(model.id, model.availability.state.value) for model in models] == [
        ("openai:gpt-image-1", "needs_key")
    ]


@pytest.mark.parametrize("answers", ["url", "b64_json"])
def test_pictures_come_as_addresses_or_bytes(bench: Bench, answers: str) -> None:
    bench.server.answers = answers  # type: ignore[attr-defined]
    result, context = bench.run(Operation.GENERATE, model="Qwen/Qwen-Image", width=512, height=256, seed=5, num_inference_steps=4,
                                negative_prompt="blur", guidance_scale=3.5)  # fmt: skip
    assert context.outputs[0].image.size == (512, 256)
    sent = bench.server.job.arguments
    wanted = {
        "size": "512x256",
        "seed": 5,
        "num_inference_steps": 4,
        "negative_prompt": "blur",
        "guidance_scale": 3.5,
        "n": 1,
    }
    assert {name: sent[name] for name in wanted} == wanted
    assert result.artifacts[0].seed == 5


def test_a_mask_travels_with_the_picture(bench: Bench) -> None:
    request, model = bench.request(Operation.EDIT, model="Qwen/Qwen-Image-Edit")
    mask = sample_image(bench.folder, size=(400, 400), color="white", name="mask")
    bench.backend.edit(request=replace(request, mask=mask), context=bench.context(model))  # type: ignore[attr-defined]
    assert bench.server.job.arguments["masked"] is True


def test_white_becomes_transparent() -> None:
    made = Image.open(io.BytesIO(transparent(picture(8, 8, (255, 255, 255)).content)))
    assert made.getpixel((4, 4)) == (255, 255, 255, 0)
    assert Image.open(io.BytesIO(transparent(picture(8, 8, (0, 0, 0)).content))).getpixel((4, 4)) == (
        0,
        0,
        0,
        255,
    )


def test_refusals_and_failures_of_pictures(bench: Bench) -> None:
    bench.server.next(Script(outcome="refused"), Script(outcome="failed"), Script(outcome="hollow"))
    with pytest.raises(ContentRefused):
        bench.run(Operation.GENERATE, model="Qwen/Qwen-Image")
    with pytest.raises(BackendError, match="out of memory") as caught:
        bench.run(Operation.GENERATE, model="Qwen/Qwen-Image")
    assert not caught.value.unsure
    with pytest.raises(BackendError, match="no result"):
        bench.run(Operation.GENERATE, model="Qwen/Qwen-Image")


def test_a_lost_picture_is_not_asked_for_again(bench: Bench) -> None:
    bench.server.fault("submit", disconnect=True, after=True)
    with pytest.raises(BackendError) as caught:
        bench.run(Operation.GENERATE, model="Qwen/Qwen-Image")
    assert caught.value.unsure
    assert bench.server.submissions == 1


def test_a_film_from_a_picture(bench: Bench) -> None:
    bench.run(Operation.VIDEO, model="Wan-AI/Wan2.2-T2V", images=1, num_frames=33, fps=8)
    sent = bench.server.job.arguments
    assert (sent["inputs"], sent["num_frames"], sent["fps"]) == (1, 33, 8)


def test_a_picture_that_cannot_be_read_takes_no_other_along() -> None:
    good = output_of({"b64_json": "aGVs\nbG8="})
    assert good is not None
    assert good.content == b"hello"
    for odd in ({"b64_json": "aGVsbG8"}, {"b64_json": "%%%%"}, {"b64_json": 5}, {"url": None}, {}, None, "x"):
        assert output_of(odd) is None


@pytest.mark.parametrize("flavour", ["", "vllm-omni", "sglang"])
def test_open_servers_differ_in_what_they_leave_out(bench: Bench, flavour: str) -> None:
    """Pictures, a two-picture edit with a mask, films with and without a picture: each in the way that the server reads."""
    server: Any = bench.server
    server.flavour = flavour
    knobs = {
        "seed": 5,
        "num_inference_steps": 4,
        "negative_prompt": "blur",
        "guidance_scale": 3.5,
        "parameters": {"true_cfg_scale": 4},
    }
    names = {
        "seed": 5,
        "num_inference_steps": 4,
        "negative_prompt": "blur",
        "guidance_scale": 3.5,
        "true_cfg_scale": 4,
    }
    _, context = bench.run(
        Operation.GENERATE, model="Qwen/Qwen-Image", width=512, height=256, num_images=2, **knobs
    )
    assert [output.image.size for output in context.outputs] == [(512, 256)] * 2
    assert {name: server.job.arguments[name] for name in names} == names
    request, model = bench.request(Operation.EDIT, model="Qwen/Qwen-Image-Edit", images=2, **knobs)
    mask = sample_image(bench.folder, size=(400, 400), color="white", name="mask")
    context = bench.context(model)
    bench.backend.edit(request=replace(request, mask=mask), context=context)  # type: ignore[attr-defined]
    sent = server.job.arguments
    assert (sent["inputs"], sent["masked"], len(context.outputs)) == (2, True, 1)
    assert {name: sent[name] for name in names} == names
    for images in (0, 1):
        before = server.submissions
        bench.run(Operation.VIDEO, model="Wan-AI/Wan2.2-T2V", images=images, num_frames=33, fps=8, **knobs)
        sent = server.job.arguments
        assert (sent["inputs"], sent["num_frames"], sent["fps"], server.submissions) == (
            images,
            33,
            8,
            before + 1,
        )
        assert {name: sent[name] for name in names} == names


def test_the_shape_that_a_server_reads_is_kept_in_mind(bench: Bench) -> None:
    server: Any = bench.server
    server.flavour = "vllm-omni"
    for sends in (2, 3):
        bench.run(Operation.VIDEO, model="Wan-AI/Wan2.2-T2V")
        assert server.counts["submit"] == sends
    assert server.submissions == 2


@pytest.mark.parametrize("flavour", ["", "vllm-omni"])
def test_a_film_that_is_refused_for_what_it_asks_says_so(bench: Bench, flavour: str) -> None:
    server: Any = bench.server
    server.flavour = flavour
    if flavour:
        bench.run(Operation.VIDEO, model="Wan-AI/Wan2.2-T2V")
    server.fault("submit", status=422, detail="size: 832x480 is not offered")
    with pytest.raises(InvalidRequest, match="is not offered"):
        bench.run(Operation.VIDEO, model="Wan-AI/Wan2.2-T2V")


def test_an_address_without_a_host_is_the_servers_own() -> None:
    own = output_of({"url": "/v1/images/a/content"}, "http://127.0.0.1:9/v1", {"Authorization": "Bearer k"})
    assert own is not None
    assert (own.url, own.headers) == ("http://127.0.0.1:9/v1/images/a/content", {"Authorization": "Bearer k"})
    for other in ("//evil.example/a.png", "https://evil.example/a.png"):
        found = output_of({"url": other}, "http://127.0.0.1:9/v1", {"Authorization": "Bearer k"})
        assert found is not None
        assert (found.url, found.headers) == (other, {})


def test_localai_has_names_of_its_own(loopback_only: Any, tmp_path: Path) -> None:
    with OpenAIStandin() as server:
        server.flavour = "localai"
        options = {**QUICK, "api_url": server.url(), "dialect": "localai"}
        settings = BackendSettings(id="localai", options=options, cache_dir=tmp_path / "cache")
        bench = Bench(lambda: create_backend(settings), server, {}, tmp_path)
        _, context = bench.run(Operation.GENERATE, model="Qwen/Qwen-Image", prompt="a kite", negative_prompt="blur",
                               num_inference_steps=7, seed=5, guidance_scale=3.0)  # fmt: skip
        sent = server.job.arguments
        assert (sent["prompt"], sent["step"], sent["seed"]) == ("a kite|blur", 7, 5)
        assert len(context.outputs) == 1
        with pytest.raises(InvalidRequest, match="negative prompt"):
            bench.run(Operation.GENERATE, model="Qwen/Qwen-Image", prompt="a | b")
    wrong = BackendSettings(id="x", options={"api_url": "http://127.0.0.1:9", "dialect": "klingon"})
    with pytest.raises(InvalidRequest, match="klingon"):
        create_backend(wrong)
