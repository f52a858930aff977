"""Forms, needs and purposes of workflows."""

from __future__ import annotations

from typing import Any

import pytest
from diorama_comfyui.analysis import (
    check,
    derive_parameters,
    infer_purpose,
    missing_classes,
    missing_files,
)
from diorama_comfyui.convert import Code, Conversion, convert
from diorama_comfyui.schema import ObjectInfo

SD: dict[str, Any] = {
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd15.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 384, "batch_size": 1}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["10", 1]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a red ball", "clip": ["10", 1]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {
            "lora_name": "ball.safetensors", "strength_model": 0.8, "strength_clip": 1, "model": ["4", 0], "clip": ["4", 1],
        },
    },
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
}  # fmt: skip


def changed(node_id: str, **inputs: Any) -> dict[str, Any]:
    return {**SD, node_id: {**SD[node_id], "inputs": {**SD[node_id]["inputs"], **inputs}}}


def image_to_image() -> dict[str, Any]:
    graph = changed("3", latent_image=["12", 0], denoise=0.6)
    graph["11"] = {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}
    graph["12"] = {"class_type": "VAEEncode", "inputs": {"pixels": ["11", 0], "vae": ["4", 2]}}
    return graph


def roles(conversion: Conversion, info: ObjectInfo, group: str = "main") -> dict[str, Any]:
    found = derive_parameters(conversion, info)
    return {parameter.name: parameter.default for parameter in found if parameter.group == group}


def test_form_of_a_plain_workflow(info: ObjectInfo) -> None:
    done = convert(SD, info)
    assert not check(done.prompt, info)
    assert list(roles(done, info).items()) == [
        ("prompt", "a red ball"),
        ("negative_prompt", "blurry"),
        ("seed", 5),
        ("width", 512),
        ("height", 384),
        ("num_inference_steps", 20),
        ("guidance_scale", 7.5),
        ("model", "sd15.safetensors"),
        ("lora", "ball.safetensors"),
        ("lora_weight", 0.8),
        ("lora_weight_2", 1),
    ]
    advanced = roles(done, info, "advanced")
    assert advanced["scheduler"] == "euler"
    assert "filename_prefix" in advanced
    assert infer_purpose(done, derive_parameters(done, info), info).operation == "generate"


def test_unreached_nodes_have_no_controls(info: ObjectInfo) -> None:
    graph = {**SD, "20": {"class_type": "CLIPTextEncode", "inputs": {"text": "forgotten", "clip": ["4", 1]}}}
    targets = [
        target for parameter in derive_parameters(convert(graph, info), info) for target in parameter.targets
    ]
    assert ("20", "text") not in targets


def test_image_to_image(info: ObjectInfo) -> None:
    done = convert(image_to_image(), info)
    form = roles(done, info)
    assert form["image"] == "cat.png"
    assert form["strength"] == 0.6
    assert "width" not in form
    assert infer_purpose(done, derive_parameters(done, info), info).operation == "edit"


def test_upscaler(info: ObjectInfo) -> None:
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}},
        "2": {"class_type": "UpscaleModelLoader", "inputs": {"model_name": "x4.pth"}},
        "3": {
            "class_type": "ImageUpscaleWithModel",
            "inputs": {"upscale_model": ["2", 0], "image": ["1", 0]},
        },
        "4": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["3", 0]}},
    }
    done = convert(graph, info)
    assert infer_purpose(done, derive_parameters(done, info), info).operation == "upscale"


def test_video(info: ObjectInfo) -> None:
    graph = {**SD, "9": {"class_type": "CreateVideo", "inputs": {"images": ["8", 0], "fps": 24}}}
    graph["13"] = {
        "class_type": "SaveVideo",
        "inputs": {"video": ["9", 0], "filename_prefix": "v", "format": "auto", "format.codec": "auto"},
    }
    done = convert(graph, info)
    assert not check(done.prompt, info)
    purpose = infer_purpose(done, derive_parameters(done, info), info)
    assert (purpose.operation, purpose.media) == ("video", "video")


def test_sound_alone_is_generated(info: ObjectInfo) -> None:
    graph = {
        "1": {"class_type": "EmptyAudio", "inputs": {"duration": 1.0, "sample_rate": 44100, "channels": 2}},
        "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "a"}},
    }
    done = convert(graph, info)
    purpose = infer_purpose(done, derive_parameters(done, info), info)
    assert (purpose.operation, purpose.media, purpose.reason) == ("generate", "audio", "")


def test_sound_or_picture_to_sound_is_an_edit(info: ObjectInfo) -> None:
    for loader, name, kind in (("LoadAudio", "audio", "AUDIO"), ("LoadImage", "image", "IMAGE")):
        graph = {
            "1": {"class_type": loader, "inputs": {name: "there.file"}},
            "2": {"class_type": "SaveAudio", "inputs": {"audio": ["1", 0], "filename_prefix": "a"}},
        }
        done = convert(graph, info)
        purpose = infer_purpose(done, derive_parameters(done, info), info)
        assert (purpose.operation, purpose.media) == ("edit", "audio" if kind == "AUDIO" else "image")


def test_3d_and_text_are_no_operations_of_ours(info: ObjectInfo) -> None:
    graph = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    done = convert(graph, info)
    purpose = infer_purpose(done, derive_parameters(done, info), info)
    assert (purpose.operation, purpose.media) == ("", "text")
    assert purpose.reason == "it makes text, not images, videos or sound"


def test_value_of_a_helper_gets_the_role_of_its_use(info: ObjectInfo) -> None:
    graph = changed("3", steps=["20", 0], seed=["21", 0])
    graph["20"] = {"class_type": "PrimitiveInt", "inputs": {"value": 12}}
    graph["21"] = {"class_type": "PrimitiveInt", "inputs": {"value": 99}}
    form = roles(convert(graph, info), info)
    assert form["num_inference_steps"] == 12
    assert form["seed"] == 99


def test_negative_side_is_told_apart_through_other_nodes(info: ObjectInfo) -> None:
    graph = changed("3", positive=["20", 0], negative=["20", 1])
    graph["20"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "control_net": ["21", 0], "image": ["22", 0],
                   "strength": 1, "start_percent": 0, "end_percent": 1},
    }  # fmt: skip
    graph["21"] = {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "c.safetensors"}}
    graph["22"] = {"class_type": "LoadImage", "inputs": {"image": "pose.png"}}
    form = roles(convert(graph, info), info)
    assert (form["prompt"], form["negative_prompt"]) == ("a red ball", "blurry")


def test_zeroed_negative_is_no_negative_prompt(info: ObjectInfo) -> None:
    graph = changed("3", negative=["20", 0])
    graph["20"] = {"class_type": "ConditioningZeroOut", "inputs": {"conditioning": ["6", 0]}}
    form = roles(convert(graph, info), info)
    assert form["prompt"] == "a red ball"
    assert "negative_prompt" not in form


def test_authors_form_decides(info: ObjectInfo) -> None:
    nodes = [
        {"id": 1, "type": "EmptyImage", "inputs": [], "widgets_values": [64, 48, 1, 7], "order": 0},
        {
            "id": 2,
            "type": "SaveImage",
            "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
            "widgets_values": ["x"],
            "order": 1,
        },
    ]
    form = {"inputs": [["1", "color"], [1, "width"], ["77", "nothing"]], "outputs": [2]}
    document = {"nodes": nodes, "links": [[1, 1, 0, 2, 0, "IMAGE"]], "extra": {"linearData": form}}
    done = convert(document, info)
    assert list(roles(done, info)) == ["color", "width"]
    assert "height" in roles(done, info, "advanced")
    assert done.form_outputs == ("2",)


def test_missing_files_come_with_their_links(info: ObjectInfo) -> None:
    model = {
        "name": "sd15.safetensors",
        "url": "https://example.org/sd15.safetensors",
        "directory": "checkpoints",
        "hash": "AB",
        "hash_type": "SHA256",
    }
    nodes = [
        {
            "id": 4,
            "type": "CheckpointLoaderSimple",
            "widgets_values": ["sd15.safetensors"],
            "properties": {"models": [model]},
        },
        {
            "id": 6,
            "type": "VAELoader",
            "widgets_values": ["other.safetensors"],
            "properties": {"models": [{"name": "x", "url": "javascript:alert(1)"}]},
        },
        {"id": 5, "type": "LoadImage", "widgets_values": ["cat.png", "image"]},
    ]
    found = missing_files(convert({"nodes": nodes, "links": []}, info), info)
    by_name = {file.name: file for file in found}
    assert set(by_name) == {"sd15.safetensors", "other.safetensors"}, "uploaded pictures do not count"
    file = by_name["sd15.safetensors"]
    assert (file.directory, file.url, file.sha256) == (
        "checkpoints",
        "https://example.org/sd15.safetensors",
        "ab",
    )
    assert by_name["other.safetensors"].url == ""


def test_missing_classes_name_their_package(info: ObjectInfo) -> None:
    nodes = [{"id": i, "type": "SuperNode", "properties": {"cnr_id": "super-pack"}} for i in (1, 2)]
    (missing,) = missing_classes(convert({"nodes": nodes, "links": []}, info), info)
    assert (missing.class_type, missing.node_ids, missing.package) == ("SuperNode", ("1", "2"), "super-pack")


@pytest.mark.parametrize(
    ("node_id", "inputs", "code"),
    [
        ("3", {"steps": 0}, Code.OUT_OF_RANGE),
        ("3", {"steps": "many"}, Code.WRONG_TYPE),
        ("3", {"steps": float("inf")}, Code.WRONG_TYPE),
        ("3", {"sampler_name": "teleport"}, Code.NOT_A_CHOICE),
        ("3", {"model": ["4", 2]}, Code.LINK_TYPE),
        ("3", {"model": ["4", 7]}, Code.BAD_SLOT),
        ("3", {"model": ["404", 0]}, Code.BROKEN_LINK),
        ("3", {"model": "sd15"}, Code.WRONG_TYPE),
        ("8", {"samples": ["8", 0]}, Code.CYCLE),
    ],
)
def test_check_finds(info: ObjectInfo, node_id: str, inputs: dict[str, Any], code: Code) -> None:
    assert code in {issue.code for issue in check(changed(node_id, **inputs), info)}


def test_check_of_files_on_demand(info: ObjectInfo) -> None:
    assert not check(SD, info)
    assert {issue.input_name for issue in check(SD, info, files=True)} == {"ckpt_name", "lora_name"}


def test_check_needs_an_output(info: ObjectInfo) -> None:
    graph = {key: node for key, node in SD.items() if key != "9"}
    assert Code.NO_OUTPUT in {issue.code for issue in check(graph, info)}
