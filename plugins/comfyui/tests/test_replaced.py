"""Workflows with classes that the server has given up run as what took their place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, make_backend
from comfyui_standin import REPLACEMENTS, StandIn
from diorama.contract import EditRequest
from diorama.testing import sample_image
from diorama_comfyui.analysis import check, derive_parameters
from diorama_comfyui.convert import convert
from diorama_comfyui.schema import ObjectInfo, load_object_info, parse_replacement, save_object_info

OLD = {
    "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
    "2": {"class_type": "ResizeImagesByLongerEdge", "inputs": {"images": ["1", 0], "longer_edge": 96}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "small"}},
}
OLD_UI = {
    "version": 0.4,
    "nodes": [
        {"id": 1, "type": "LoadImage", "mode": 0, "inputs": [], "widgets_values": ["photo.png", "image"],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
        {"id": 2, "type": "ResizeImagesByLongerEdge", "mode": 0, "widgets_values": [96],
         "inputs": [{"name": "images", "type": "IMAGE", "link": 1}],
         "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}]},
        {"id": 3, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 2}],
         "outputs": [], "widgets_values": ["small"]},
    ],
    "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"]],
}  # fmt: skip


@pytest.fixture
def newer(raw_info: dict[str, Any]) -> dict[str, Any]:
    """The classes of a server that has given up the old ones."""
    return {name: about for name, about in raw_info.items() if name not in REPLACEMENTS}


@pytest.fixture
def replacing(newer: dict[str, Any]) -> ObjectInfo:
    info = ObjectInfo.from_raw(newer)
    info.replacements = REPLACEMENTS
    return info


@pytest.mark.parametrize("document", [OLD, OLD_UI])
def test_an_old_class_becomes_its_successor(document: dict[str, Any], replacing: ObjectInfo) -> None:
    conversion = convert(document, replacing)
    node = conversion.prompt["2"]
    assert node["class_type"] == "ImageScaleToMaxDimension"
    assert node["inputs"] == {"image": ["1", 0], "largest_size": 96, "upscale_method": "lanczos"}
    assert [(issue.code, issue.severity) for issue in conversion.issues] == [("replaced_class", "info")]
    assert not [issue for issue in check(conversion.prompt, replacing) if issue.node_id == "2"]
    names = {target for parameter in derive_parameters(conversion, replacing) for target in parameter.targets}
    assert ("2", "largest_size") in names


def test_without_a_mapping_names_stay(replacing: ObjectInfo) -> None:
    graph = copy.deepcopy(OLD)
    graph["4"] = {"class_type": "SDV_img2vid_Conditioning", "inputs": {"width": 512}}
    graph["5"] = {"class_type": "T2IAdapterLoader", "inputs": {"t2i_adapter_name": "a.safetensors"}}
    prompt = convert(graph, replacing).prompt
    assert prompt["4"] == {"class_type": "SVD_img2vid_Conditioning", "inputs": {"width": 512}}
    assert prompt["5"] == {"class_type": "ControlNetLoader", "inputs": {"control_net_name": "a.safetensors"}}


def test_links_follow_outputs_that_moved(newer: dict[str, Any]) -> None:
    info = ObjectInfo.from_raw(newer)
    info.replacements = {
        "Old": [{"new_node_id": "LoadImage", "input_mapping": [], "output_mapping": [{"old_idx": 1, "new_idx": 0}]}]
    }  # fmt: skip
    graph = {
        "1": {"class_type": "Old", "inputs": {}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 1]}},
    }
    assert convert(graph, info).prompt["2"]["inputs"]["images"] == ["1", 0]


def test_what_is_there_is_never_replaced(info: ObjectInfo) -> None:
    info.replacements = {"LoadImage": [{"new_node_id": "SaveImage"}], "Gone": [{"new_node_id": "GoneToo"}]}
    try:
        assert info.replacement("LoadImage") is None
        assert info.replacement("Gone") is None
    finally:
        info.replacements = {}


@pytest.mark.parametrize("entries", [None, [], [1], {}, [{"new_node_id": 3}], "x"])
def test_nonsense_replaces_nothing(entries: Any) -> None:
    assert parse_replacement(entries) is None


def test_the_cache_keeps_them(replacing: ObjectInfo, tmp_path: Path) -> None:
    save_object_info(tmp_path / "kept", replacing, "here")
    again = load_object_info(tmp_path / "kept", "here")
    assert again is not None
    assert again.replacement("T2IAdapterLoader") == replacing.replacement("T2IAdapterLoader")


def test_it_runs(newer: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mapping = [{"new_id": "image", "old_id": "picture"}]
    entry = {"new_node_id": "ImageInvert", "input_mapping": mapping, "output_mapping": None}
    monkeypatch.setitem(REPLACEMENTS, "OldInvert", [entry])
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.png"}},
        "2": {"class_type": "OldInvert", "inputs": {"picture": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "turned"}},
    }
    with StandIn(newer, tmp_path / "comfyui") as server:
        backend = make_backend(tmp_path, server)
        assert not backend.library.import_workflow(graph, title="Turned")["missing_nodes"]
        source = sample_image(tmp_path, size=(40, 30), color="black")
        job = Job(backend, EditRequest(model="comfyui:turned", images=(source,)), tmp_path)
        job.end()
        assert job.context.outputs[0].image.convert("RGB").getpixel((5, 5)) == (255, 255, 255)  # type: ignore[union-attr]
