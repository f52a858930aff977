"""Importing, showing, changing and deleting workflows."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, models
from comfyui_standin import StandIn
from comfyui_workflows import TEXT_TO_IMAGE
from diorama.contract import (
    BackendNotReady,
    GenerateRequest,
    InvalidRequest,
    NotFound,
    Operation,
    OperationNotSupported,
    UnknownModel,
    VideoRequest,
)
from diorama_comfyui.backend import ComfyBackend
from diorama_comfyui.models.filling import fill
from PIL import Image, PngImagePlugin


def picture_with(document: dict[str, Any]) -> bytes:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("prompt", json.dumps(document))
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def test_a_picture_becomes_a_model_that_runs(backend: ComfyBackend, tmp_path: Path) -> None:
    told = backend.library.import_workflow(picture_with(TEXT_TO_IMAGE), file_name="red_apple.png")
    assert (told["id"], told["title"], told["operation"]) == ("red-apple", "red apple", "generate")
    assert [p["name"] for p in told["parameters"] if p["group"] == "main"] == [
        "prompt", "negative_prompt", "seed", "width", "height", "num_inference_steps", "guidance_scale", "model",
    ]  # fmt: skip
    assert not told["problems"]
    assert not told["missing_nodes"]
    model = models(backend)["red-apple"]
    assert model.availability.state == "ready"
    can = model.operations["generate"]  # type: ignore[index]
    assert can.num_inference_steps is not None
    assert can.num_inference_steps.default == 3
    assert can.sizes is not None
    assert can.sizes.default == (64, 48)
    assert "euler" in can.schedulers
    assert can.parameters["properties"]["model"]["enum"][0] == "sd15.safetensors"
    assert Job(backend, GenerateRequest(model=model.id, prompt="x", seed=1), tmp_path).end().artifacts


def test_list_show_delete(backend: ComfyBackend) -> None:
    first = backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    second = backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    assert (first["id"], second["id"]) == ("apple", "apple-2")
    assert [line["id"] for line in backend.library.list()] == ["apple", "apple-2"]
    assert backend.library.show("apple")["parameters"] == first["parameters"]
    assert backend.delete("apple") > 1000
    assert [line["model"] for line in backend.library.list()] == ["comfyui:apple-2"]
    with pytest.raises(NotFound):
        backend.library.show("apple")


@pytest.mark.parametrize("wrong", ["", "..", "../../etc/passwd", "a/b", "A", "x" * 200, "apple.json"])
def test_ids_never_leave_the_folder(backend: ComfyBackend, wrong: str, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        backend.library.show(wrong)
    with pytest.raises(NotFound):
        backend.delete(wrong)


def test_what_the_user_changes_counts(backend: ComfyBackend, server: StandIn, tmp_path: Path) -> None:
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    told = backend.library.update(
        "apple",
        {
            "title": "Green apple",
            "overrides": {
                "filename_prefix": {"group": "main", "label": "File name", "default": "fruit"},
                "negative_prompt": {"hidden": True, "default": "rotten"},
                "num_inference_steps": {"default": 2},
            },
        },
    )
    assert told["title"] == "Green apple"
    model = models(backend)["apple"]
    can = model.operations["generate"]  # type: ignore[index]
    assert not can.negative_prompt
    assert can.num_inference_steps.default == 2  # type: ignore[union-attr]
    assert can.parameters["properties"]["filename_prefix"]["title"] == "File name"
    Job(backend, GenerateRequest(model=model.id, prompt="x", seed=1), tmp_path).end()
    prompt = server.engine.submitted[-1]["prompt"]
    assert prompt["9"]["inputs"]["filename_prefix"] == "fruit"
    assert prompt["7"]["inputs"]["text"] == "rotten"
    assert prompt["3"]["inputs"]["steps"] == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"colour": "red"}, "colour"),
        ({"overrides": []}, "overrides"),
        ({"overrides": {"magic": {}}}, "overrides.magic"),
        ({"overrides": {"seed": {"hidden": "yes"}}}, "overrides.seed.hidden"),
        ({"overrides": {"seed": {"spec": 1}}}, "overrides.seed"),
        ({"server": "http://elsewhere:1"}, "server"),
        ({"workflow": {"a": 1}}, "workflow"),
    ],
)
def test_changes_that_make_no_sense(backend: ComfyBackend, changes: dict[str, Any], field: str) -> None:
    before = backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    with pytest.raises(InvalidRequest) as caught:
        backend.library.update("apple", changes)
    assert caught.value.field == field
    assert backend.library.show("apple") == before


@pytest.mark.parametrize("data", [b"hello", b"{}", "[]", {"nodes": []}, {"a": 1}, 5, b"\x89PNG\r\n\x1a\n"])
def test_not_a_workflow(backend: ComfyBackend, data: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        backend.library.import_workflow(data)
    assert caught.value.field == "workflow"
    assert not backend.library.list()


def test_convert_without_storing(backend: ComfyBackend) -> None:
    told = backend.library.convert(json.dumps(TEXT_TO_IMAGE))
    assert told["prompt"]["3"]["class_type"] == "KSampler"
    assert not backend.library.list()


def test_what_is_missing_is_said_before_anything_runs(backend: ComfyBackend) -> None:
    graph = json.loads(json.dumps(TEXT_TO_IMAGE))
    graph["4"]["inputs"]["ckpt_name"] = "rare.safetensors"
    backend.library.import_workflow(graph, title="Rare")
    graph["8"]["class_type"] = "SuperDecode"
    told = backend.library.import_workflow(graph, title="Super")
    assert told["missing_nodes"] == [{"class_type": "SuperDecode", "nodes": ["8"], "package": None}]
    assert told["missing_files"][0]["name"] == "rare.safetensors"
    listed = models(backend)
    assert listed["rare"].availability.state == "needs_download"
    assert "rare.safetensors" in str(listed["rare"].availability.fix)
    assert listed["super"].availability.state == "needs_install"
    assert "SuperDecode" in str(listed["super"].availability.fix)


def test_workflow_that_makes_text_is_kept_but_no_model(backend: ComfyBackend) -> None:
    graph = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    told = backend.library.import_workflow(graph, title="Count")
    assert told["operation"] is None
    assert "text" in told["reason"]
    assert "count" not in models(backend)


def test_workflow_that_makes_sound_is_a_model(backend: ComfyBackend) -> None:
    from comfyui_workflows import SOUND_TO_SOUND, TEXT_TO_SOUND

    backend.library.import_workflow(TEXT_TO_SOUND, title="Song")
    backend.library.import_workflow(SOUND_TO_SOUND, title="Quiet")
    listed = models(backend)
    assert (listed["song"].mode, listed["quiet"].mode) == ("sound", "sound")
    song = listed["song"].operations[Operation.GENERATE]
    assert (song.produces, song.prompt, song.seed, song.sizes) == ("audio", "required", True, None)
    assert song.duration is not None
    assert (song.duration.minimum, song.duration.default) == (1, 2)
    quiet = listed["quiet"].operations[Operation.EDIT]
    assert quiet.sounds_in is not None
    assert (quiet.sounds_in.minimum, quiet.sounds_in.maximum) == (1, 1)
    assert quiet.images_in is None
    assert "audio" not in quiet.parameters["properties"]


def test_a_second_seed_of_64_bits_runs_as_it_stands(backend: ComfyBackend) -> None:
    graph = copy.deepcopy(TEXT_TO_IMAGE)
    graph["13"] = copy.deepcopy(graph["3"])
    graph["13"]["inputs"] |= {"latent_image": ["3", 0], "seed": 2**64 - 2}
    graph["8"]["inputs"]["samples"] = ["13", 0]
    backend.library.import_workflow(graph, title="Twice")
    model = models(backend)["twice"]
    rule = next(iter(model.operations.values())).parameters["properties"]["seed_2"]
    assert "default" not in rule
    assert rule["maximum"] == 2**53 - 1
    request = GenerateRequest(model=model.id, prompt="a pear", seed=1)
    record = backend.library.store.get("twice")
    plan = fill(backend.library.analysed(record, backend.servers.all[0].info()), request)
    assert plan.prompt["13"]["inputs"]["seed"] == 2**64 - 2


def test_a_workflow_runs_with_its_own_values_whatever_they_are(backend: ComfyBackend) -> None:
    graph = copy.deepcopy(TEXT_TO_IMAGE)
    graph["5"]["inputs"] |= {"width": 1001, "height": 60}
    graph["3"]["inputs"] |= {"steps": 1500, "cfg": 100.0}
    backend.library.import_workflow(graph, title="Odd")
    (can,) = models(backend)["odd"].operations.values()
    assert can.sizes is not None
    assert (can.sizes.default, can.sizes.multiple_of) == ((1001, 60), 1)
    assert can.num_inference_steps is not None
    assert (can.num_inference_steps.default, can.num_inference_steps.maximum) == (1500, 1500)


def test_paid_nodes_need_a_key(backend: ComfyBackend) -> None:
    graph = {
        "1": {"class_type": "FluxProUltraImageNode", "inputs": {"prompt": "x", "prompt_upsampling": False, "seed": 0,
              "aspect_ratio": "16:9", "raw": False}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "p"}},
    }  # fmt: skip
    told = backend.library.import_workflow(graph, title="Ultra")
    assert told["paid"]
    assert models(backend)["ultra"].availability.state == "needs_key"
    with_key = models(backend, secrets={"comfy_org_api_key": "k"})["ultra"]
    assert with_key.availability.state == "ready"
    assert with_key.data_leaves_machine


def test_wrong_operation_and_unknown_model(backend: ComfyBackend, tmp_path: Path) -> None:
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    with pytest.raises(OperationNotSupported):
        Job(backend, VideoRequest(model="comfyui:apple"), tmp_path).end()
    with pytest.raises(UnknownModel):
        Job(backend, GenerateRequest(model="comfyui:../apple", prompt="x"), tmp_path).end()


def test_damaged_file_hides_only_itself(backend: ComfyBackend, tmp_path: Path) -> None:
    backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
    folder = tmp_path / "data" / "workflows"
    (folder / "broken.json").write_text("{")
    (folder / "other.json").write_text('{"format": 1, "id": "other"}')
    assert set(models(backend)) >= {"apple"}
    with pytest.raises(NotFound, match="can not be read"):
        backend.library.show("broken")


def test_nothing_known_yet(tmp_path: Path) -> None:
    from diorama.testing import backend_settings
    from diorama_comfyui import create_backend

    backend = create_backend(backend_settings("comfyui", tmp_path, url="http://127.0.0.1:9"))
    with pytest.raises(BackendNotReady, match="No ComfyUI answers"):
        backend.library.import_workflow(TEXT_TO_IMAGE)
    assert models(backend) == {}
