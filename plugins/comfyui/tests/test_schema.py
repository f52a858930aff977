"""What a server says about its nodes, typed; and the cache file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from diorama_comfyui.schema import (
    Kind,
    ObjectInfo,
    expand_inputs,
    load_object_info,
    parse_class,
    save_object_info,
)


def test_every_class_of_a_server_parses(info: ObjectInfo) -> None:
    assert len(info) == 886
    for name in info:
        assert info[name].name == name


def test_number_with_range(info: ObjectInfo) -> None:
    spec = info["KSampler"].by_name["cfg"]
    assert (spec.kind, spec.minimum, spec.maximum, spec.step, spec.default) == (
        Kind.FLOAT,
        0.0,
        100.0,
        0.1,
        8.0,
    )
    seed = info["KSampler"].by_name["seed"]
    assert seed.maximum == 18446744073709551615
    assert seed.control_after_generate


def test_combo_old_and_new_style(info: ObjectInfo) -> None:
    assert "euler" in (info["KSampler"].by_name["sampler_name"].choices or ())
    assert info["LoadImage"].by_name["image"].upload == "image"
    assert info["LoadAudio"].by_name["audio"].upload == "audio"


def test_socket_of_several_types(info: ObjectInfo) -> None:
    spec = info["LTXVEmptyLatentAudio"].by_name["frame_rate"]
    assert spec.kind is Kind.FLOAT
    assert spec.types == ("FLOAT", "INT")
    assert not info["CropByBBoxes"].by_name["bboxes"].has_widget, "forceInput"


def test_dynamic_inputs_unfold(info: ObjectInfo) -> None:
    values = {"resize_type": "scale by multiplier"}
    names = [name for name, _ in expand_inputs(info["ResizeImageMaskNode"].inputs, values)]
    assert names == ["input", "resize_type", "resize_type.multiplier", "scale_method"]
    members = dict(expand_inputs(info["BatchImagesNode"].inputs, {}))
    assert members["images.image0"].required
    assert not members["images.image1"].required
    assert len(members) == 50


@pytest.mark.parametrize(
    "raw",
    [
        {},
        {"input": None},
        {"input": {"required": []}},
        {
            "input": {
                "required": {"a": None, "b": [], "c": "INT", "d": [None], "e": [["x"]], "f": ["INT", None]}
            }
        },
        {"input": {"required": {"a": ["COMFY_DYNAMICCOMBO_V3", {"options": [None, {"key": 1}]}]}}},
        {
            "input": {"required": {"a": ["COMFY_AUTOGROW_V3", {"template": 5}]}},
            "output": "IMAGE",
            "output_name": 7,
        },
    ],
)
def test_odd_classes_do_not_raise(raw: dict[str, Any]) -> None:
    cls = parse_class("Odd", raw)
    assert all(isinstance(name, str) for name, _ in expand_inputs(cls.inputs, {"a": "1"}))


@pytest.mark.parametrize("raw", [[], "text", None, 3])
def test_not_an_object(raw: Any) -> None:
    with pytest.raises(ValueError, match="ComfyUI"):
        ObjectInfo.from_raw(raw)


def test_cache_holds_everything(info: ObjectInfo, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "info.bin"
    save_object_info(path, info, "key")
    loaded = load_object_info(path, "key")
    assert loaded is not None
    assert list(loaded) == list(info)
    assert all(loaded[name] == info[name] for name in info)
    assert "Nope" not in loaded
    assert load_object_info(path, "other key") is None
    assert list(path.parent.iterdir()) == [path], "no temporary file is left"


def test_damaged_cache_counts_as_absent(info: ObjectInfo, tmp_path: Path) -> None:
    path = tmp_path / "info.bin"
    assert load_object_info(path) is None
    save_object_info(path, info, "key")
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"{}\n",
        whole[:-1],
        whole + b"x",
        b"not json\n" + whole,
        json.dumps({"format": 1}).encode(),
    ):
        path.write_bytes(damaged)
        assert load_object_info(path) is None
