"""The converter on small graphs: one rule of the format at a time."""

from __future__ import annotations

from typing import Any

import pytest
from diorama_comfyui.analysis import check
from diorama_comfyui.convert import Code, Conversion, WorkflowError, convert
from diorama_comfyui.schema import ObjectInfo

Json = dict[str, Any]


def node(id: int | str, type: str, inputs: Json | None = None, values: Any = None, **more: Any) -> Json:
    """A node; ``inputs`` maps a name to ``(type, link)`` or ``(type, link, "widget")``."""
    slots = []
    for name, entry in (inputs or {}).items():
        slot: Json = {"name": name, "type": entry[0], "link": entry[1]}
        if len(entry) > 2:
            slot["widget"] = {"name": name}
        slots.append(slot)
    outputs = [{"name": name, "type": name, "links": []} for name in more.pop("outputs", [])]
    return {"id": id, "type": type, "inputs": slots, "outputs": outputs, "widgets_values": values, **more}


def graph(nodes: list[Json], links: list[Any], **more: Any) -> Json:
    return {"nodes": nodes, "links": links, "version": 0.4, **more}


EMPTY = node(1, "EmptyImage", {}, [64, 48, 1, 0], outputs=["IMAGE"])
SAVE = node(9, "SaveImage", {"images": ("IMAGE", 100)}, ["out"])


def chain(*middle: Json, links: list[Any], **more: Any) -> Json:
    return graph([EMPTY, *middle, SAVE], links, **more)


def test_plain_graph(info: ObjectInfo) -> None:
    done = convert(chain(links=[[100, 1, 0, 9, 0, "IMAGE"]]), info)
    assert done.prompt["1"]["inputs"] == {"width": 64, "height": 48, "batch_size": 1, "color": 0}
    assert done.prompt["9"]["inputs"] == {"filename_prefix": "out", "images": ["1", 0]}
    assert done.source == "ui"
    assert not done.issues
    assert not check(done.prompt, info)


@pytest.mark.parametrize("as_object", [False, True])
def test_links_as_lists_or_objects(info: ObjectInfo, as_object: bool) -> None:
    link: Any = [100, 1, 0, 9, 0, "IMAGE"]
    if as_object:
        names = ("id", "origin_id", "origin_slot", "target_id", "target_slot", "type")
        link = dict(zip(names, link, strict=True))
    assert convert(chain(links=[link]), info).prompt["9"]["inputs"]["images"] == ["1", 0]


def test_seed_mode_is_skipped_and_kept(info: ObjectInfo) -> None:
    values = [7, "randomize", 25, 6.5, "euler", "karras", 0.8]
    done = convert(graph([node(3, "KSampler", {}, values)], []), info)
    inputs = done.prompt["3"]["inputs"]
    assert (inputs["seed"], inputs["steps"], inputs["cfg"], inputs["denoise"]) == (7, 25, 6.5, 0.8)
    assert done.facts["3"].controls == {"seed": "randomize"}


def test_old_file_without_seed_mode(info: ObjectInfo) -> None:
    done = convert(graph([node(3, "KSampler", {}, [7, 25, 6.5, "euler", "karras", 0.8])], []), info)
    assert done.prompt["3"]["inputs"]["steps"] == 25
    assert done.prompt["3"]["inputs"]["scheduler"] == "karras"


def test_missing_values_are_filled_and_said(info: ObjectInfo) -> None:
    done = convert(graph([node(3, "KSampler", {}, [7, "fixed", 25])], []), info)
    assert done.prompt["3"]["inputs"]["cfg"] == 8.0
    assert {issue.input_name for issue in done.issues if issue.code is Code.DEFAULT_USED} >= {
        "cfg",
        "denoise",
    }


@pytest.mark.parametrize(
    "values",
    [
        {"widgets_values": {"seed": 7, "steps": 25, "videopreview": {}, "cfg": 6.5}},
        {"widgets_values_named": {"seed": 7, "control_after_generate": "fixed", "steps": 25, "cfg": 6.5}},
    ],
)
def test_values_by_name(info: ObjectInfo, values: Json) -> None:
    done = convert(graph([{**node(3, "KSampler"), **values}], []), info)
    assert done.prompt["3"]["inputs"]["steps"] == 25
    assert "control_after_generate" not in done.prompt["3"]["inputs"]
    assert "videopreview" not in done.prompt["3"]["inputs"]


def test_upload_button_takes_a_place(info: ObjectInfo) -> None:
    done = convert(graph([node(1, "LoadImage", {}, ["cat.png", "image"])], []), info)
    assert done.prompt["1"]["inputs"] == {"image": "cat.png"}


def test_dynamic_combo_brings_dotted_names(info: ObjectInfo) -> None:
    values = ["scale by multiplier", 1.5, "area"]
    done = convert(graph([node(1, "ResizeImageMaskNode", {}, values)], []), info)
    assert done.prompt["1"]["inputs"] == {
        "resize_type": "scale by multiplier",
        "resize_type.multiplier": 1.5,
        "scale_method": "area",
    }


def test_unknown_option_takes_the_first_and_says_so(info: ObjectInfo) -> None:
    done = convert(
        graph([node(1, "ResizeImageMaskNode", {}, ["by magic", 640, 480, "center", "area"])], []), info
    )
    inputs = done.prompt["1"]["inputs"]
    assert inputs["resize_type"] == "scale dimensions"
    assert (inputs["resize_type.width"], inputs["resize_type.height"]) == (640, 480)
    assert any(issue.code is Code.UNKNOWN_OPTION for issue in done.issues)


def test_autogrow_links(info: ObjectInfo) -> None:
    batch = node(5, "BatchImagesNode", {"images.image0": ("IMAGE", 1), "images.image1": ("IMAGE", 2)})
    done = convert(
        chain(batch, links=[[1, 1, 0, 5, 0, "IMAGE"], [2, 1, 0, 5, 1, "IMAGE"], [100, 5, 0, 9, 0, "IMAGE"]]),
        info,
    )
    assert done.prompt["5"]["inputs"] == {"images.image0": ["1", 0], "images.image1": ["1", 0]}
    assert not check(done.prompt, info)


def test_link_into_a_widget_wins_and_keeps_its_place(info: ObjectInfo) -> None:
    number = node(4, "PrimitiveInt", {}, [320, "fixed"], outputs=["INT"])
    sized = node(1, "EmptyImage", {"width": ("INT", 7, "widget")}, [64, 48, 1, 5], outputs=["IMAGE"])
    done = convert(graph([number, sized, SAVE], [[7, 4, 0, 1, 0, "INT"], [100, 1, 0, 9, 0, "IMAGE"]]), info)
    assert done.prompt["1"]["inputs"] == {"width": ["4", 0], "height": 48, "batch_size": 1, "color": 5}
    assert done.prompt["4"]["class_type"] == "PrimitiveInt", "a real node, unlike PrimitiveNode"


def test_primitive_node_sets_all_its_targets(info: ObjectInfo) -> None:
    number = node(4, "PrimitiveNode", {}, [320, "fixed"], outputs=["INT"], title="Side")
    sized = node(
        1, "EmptyImage", {"width": ("INT", 7, "widget"), "height": ("INT", 8, "widget")}, [64, 48, 1, 0]
    )
    done = convert(graph([number, sized, SAVE], [[7, 4, 0, 1, 0, "INT"], [8, 4, 0, 1, 1, "INT"]]), info)
    assert done.prompt["1"]["inputs"]["width"] == done.prompt["1"]["inputs"]["height"] == 320
    assert "4" not in done.prompt
    (shared,) = done.shared
    assert shared.label == "Side"
    assert shared.targets == (("1", "width"), ("1", "height"))


def test_reroutes_and_notes_disappear(info: ObjectInfo) -> None:
    first, second = (node(i, "Reroute", {"": ("*", link)}, outputs=["*"]) for i, link in ((2, 1), (3, 2)))
    note = node(8, "MarkdownNote", {}, ["# Hello"])
    links = [[1, 1, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "*"], [100, 3, 0, 9, 0, "IMAGE"]]
    done = convert(chain(first, second, note, links=links), info)
    assert set(done.prompt) == {"1", "9"}
    assert done.prompt["9"]["inputs"]["images"] == ["1", 0]


def test_set_and_get_nodes(info: ObjectInfo) -> None:
    setter = node(2, "SetNode", {"IMAGE": ("IMAGE", 1)}, ["picture"], outputs=["IMAGE"])
    getter = node(3, "GetNode", {}, ["picture"], outputs=["IMAGE"])
    done = convert(chain(setter, getter, links=[[1, 1, 0, 2, 0, "IMAGE"], [100, 3, 0, 9, 0, "IMAGE"]]), info)
    assert done.prompt["9"]["inputs"]["images"] == ["1", 0]


def test_implied_links(info: ObjectInfo) -> None:
    save = node(9, "SaveImage", {"images": ("IMAGE", None)}, ["out"])
    everywhere = node(5, "Anything Everywhere", {"anything": ("*", 1)})
    extra = {
        "ue_links": [
            {"downstream": 9, "downstream_slot": 0, "upstream": "1", "upstream_slot": 0, "type": "IMAGE"}
        ]
    }
    done = convert(graph([EMPTY, everywhere, save], [[1, 1, 0, 5, 0, "IMAGE"]], extra=extra), info)
    assert set(done.prompt) == {"1", "9"}
    assert done.prompt["9"]["inputs"]["images"] == ["1", 0]


def test_bypass_passes_the_same_type_on(info: ObjectInfo) -> None:
    lora = node(
        5,
        "LoraLoader",
        {"model": ("MODEL", 1), "clip": ("CLIP", 2)},
        ["x.safetensors", 1, 1],
        mode=4,
        outputs=["MODEL", "CLIP"],
    )
    loader = node(4, "CheckpointLoaderSimple", {}, ["a.safetensors"], outputs=["MODEL", "CLIP", "VAE"])
    text = node(6, "CLIPTextEncode", {"clip": ("CLIP", 3)}, ["hello"], outputs=["CONDITIONING"])
    links = [[1, 4, 0, 5, 0, "MODEL"], [2, 4, 1, 5, 1, "CLIP"], [3, 5, 1, 6, 0, "CLIP"]]
    done = convert(graph([loader, lora, text], links), info)
    assert "5" not in done.prompt
    assert done.prompt["6"]["inputs"]["clip"] == ["4", 1]


def test_mute_drops_the_node_and_what_it_feeds(info: ObjectInfo) -> None:
    muted = node(2, "ImageInvert", {"image": ("IMAGE", 1)}, mode=2, outputs=["IMAGE"])
    done = convert(chain(muted, links=[[1, 1, 0, 2, 0, "IMAGE"], [100, 2, 0, 9, 0, "IMAGE"]]), info)
    assert "2" not in done.prompt
    assert "images" not in done.prompt["9"]["inputs"]
    assert [issue.code for issue in done.issues] == [Code.DROPPED_SOURCE]
    assert any(issue.code is Code.MISSING_INPUT for issue in check(done.prompt, info))


def test_missing_class_is_reported_and_kept(info: ObjectInfo) -> None:
    odd = node(
        2, "SuperNode", {"image": ("IMAGE", 1), "power": ("INT", None, "widget")}, [7], outputs=["IMAGE"]
    )
    done = convert(chain(odd, links=[[1, 1, 0, 2, 0, "IMAGE"], [100, 2, 0, 9, 0, "IMAGE"]]), info)
    assert done.prompt["2"]["inputs"] == {"power": 7, "image": ["1", 0]}
    (issue,) = done.errors
    assert (issue.code, issue.class_type) == (Code.MISSING_CLASS, "SuperNode")


def test_list_values_are_wrapped(info: ObjectInfo) -> None:
    curve = {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"}
    boxes = [{"x": 0, "y": 0, "width": 8, "height": 8}]
    done = convert(
        graph([node(1, "CurveEditor", {}, [curve]), node(2, "CreateBoundingBoxes", {}, [64, 64, boxes])], []),
        info,
    )
    assert done.prompt["1"]["inputs"]["curve"] == curve
    assert done.prompt["2"]["inputs"]["editor_state"] == {"__value__": boxes}


# -- subgraphs ---------------------------------------------------------------------------------


def subgraph(id: str, inner: list[Json], links: list[Any], inputs: list[Json], outputs: list[Json]) -> Json:
    return {"id": id, "name": id, "nodes": inner, "links": links, "inputs": inputs, "outputs": outputs}


def port(name: str, type: str, *link_ids: int) -> Json:
    return {"name": name, "type": type, "linkIds": list(link_ids)}


def with_subgraph(instance: Json, *definitions: Json) -> Json:
    links = [[1, 1, 0, 5, 0, "IMAGE"], [100, 5, 0, 9, 0, "IMAGE"]]
    return chain(instance, links=links, definitions={"subgraphs": list(definitions)})


def scaler() -> Json:
    """A subgraph around ImageScale whose width is promoted and whose height is not."""
    inner = node(
        7,
        "ImageScale",
        {"image": ("IMAGE", 11), "width": ("INT", 12, "widget")},
        ["lanczos", 128, 96, "disabled"],
        outputs=["IMAGE"],
    )
    links = [[11, -10, 0, 7, 0, "IMAGE"], [12, -10, 1, 7, 1, "INT"], [13, 7, 0, -20, 0, "IMAGE"]]
    return subgraph(
        "scaler",
        [inner],
        links,
        [port("picture", "IMAGE", 11), port("wide", "INT", 12)],
        [port("IMAGE", "IMAGE", 13)],
    )


def instance(values: Any = None, **more: Any) -> Json:
    slots = {"picture": ("IMAGE", 1), "wide": ("INT", None, "widget")}
    return node(5, "scaler", slots, values, outputs=["IMAGE"], **more)


def run_scaler(info: ObjectInfo, box: Json) -> Conversion:
    done = convert(with_subgraph(box, scaler()), info)
    assert done.prompt["9"]["inputs"]["images"] == ["5:7", 0]
    assert done.prompt["5:7"]["inputs"]["image"] == ["1", 0]
    assert done.prompt["5:7"]["inputs"]["height"] == 96
    return done


def test_instance_value_wins_over_the_inner_one(info: ObjectInfo) -> None:
    done = run_scaler(info, instance([640]))
    assert done.prompt["5:7"]["inputs"]["width"] == 640
    assert ("5:7", "width") in done.promoted


def test_inner_value_counts_where_the_instance_has_none(info: ObjectInfo) -> None:
    assert run_scaler(info, instance([])).prompt["5:7"]["inputs"]["width"] == 128


def test_value_set_aside_by_a_newer_page(info: ObjectInfo) -> None:
    entry = {"originalEntry": ["-1", "wide"], "reason": "missingSourceNode", "hostValue": 320}
    done = run_scaler(info, instance([], properties={"proxyWidgetErrorQuarantine": [entry]}))
    assert done.prompt["5:7"]["inputs"]["width"] == 320


def test_named_instance_value(info: ObjectInfo) -> None:
    done = run_scaler(info, instance([1, 2, 3], widgets_values_named={"wide": 200}))
    assert done.prompt["5:7"]["inputs"]["width"] == 200


def test_proxied_widget_is_promoted(info: ObjectInfo) -> None:
    done = run_scaler(info, instance([], properties={"proxyWidgets": [["7", "height"], ["7", "$$preview"]]}))
    assert ("5:7", "height") in done.promoted


def test_bypassed_subgraph(info: ObjectInfo) -> None:
    done = convert(with_subgraph(instance([640], mode=4), scaler()), info)
    assert set(done.prompt) == {"1", "9"}
    assert done.prompt["9"]["inputs"]["images"] == ["1", 0]


def test_nested_subgraphs(info: ObjectInfo) -> None:
    inner = node(
        3, "scaler", {"picture": ("IMAGE", 21), "wide": ("INT", 22, "widget")}, [111], outputs=["IMAGE"]
    )
    links = [[21, -10, 0, 3, 0, "IMAGE"], [22, -10, 1, 3, 1, "INT"], [23, 3, 0, -20, 0, "IMAGE"]]
    outer = subgraph(
        "outer", [inner], links, [port("a", "IMAGE", 21), port("b", "INT", 22)], [port("o", "IMAGE", 23)]
    )
    slots = {"a": ("IMAGE", 1), "b": ("INT", None, "widget")}

    def width(values: list[int]) -> Any:
        box = node(5, "outer", slots, values, outputs=["IMAGE"])
        done = convert(with_subgraph(box, outer, scaler()), info)
        assert done.prompt["9"]["inputs"]["images"] == ["5:3:7", 0]
        assert done.prompt["5:3:7"]["inputs"]["image"] == ["1", 0]
        return done.prompt["5:3:7"]["inputs"]["width"]

    assert width([222]) == 222
    assert width([]) == 111


def test_subgraph_within_itself(info: ObjectInfo) -> None:
    inner = node(3, "loop", {})
    with pytest.raises(WorkflowError, match="contains itself"):
        convert(with_subgraph(node(5, "loop", {}), subgraph("loop", [inner], [], [], [])), info)


def test_subgraph_bomb_is_refused(info: ObjectInfo) -> None:
    levels = []
    for depth in range(12):
        inner = [node(i, f"level{depth + 1}", {}) for i in range(10)]
        levels.append(subgraph(f"level{depth}", inner, [], [], []))
    levels.append(subgraph("level12", [node(1, "EmptyImage")], [], [], []))
    with pytest.raises(WorkflowError, match="nodes or"):
        convert(with_subgraph(node(5, "level0", {}), *levels), info)


def test_loop_of_reroutes(info: ObjectInfo) -> None:
    first, second = (node(i, "Reroute", {"": ("*", link)}, outputs=["*"]) for i, link in ((2, 1), (3, 2)))
    with pytest.raises(WorkflowError, match="loop"):
        convert(
            chain(first, second, links=[[1, 3, 0, 2, 0, "*"], [2, 2, 0, 3, 0, "*"], [100, 3, 0, 9, 0, "*"]]),
            info,
        )


def test_cycle_of_real_nodes_is_found_by_the_check(info: ObjectInfo) -> None:
    a, b = (
        node(i, "ImageInvert", {"image": ("IMAGE", link)}, outputs=["IMAGE"]) for i, link in ((2, 1), (3, 2))
    )
    done = convert(
        chain(a, b, links=[[1, 3, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "IMAGE"], [100, 3, 0, 9, 0, "IMAGE"]]),
        info,
    )
    assert any(issue.code is Code.CYCLE for issue in check(done.prompt, info))


# -- group nodes -------------------------------------------------------------------------------


def test_group_node(info: ObjectInfo) -> None:
    inside = {
        "nodes": [
            {
                "type": "ImageInvert",
                "inputs": [{"name": "image", "type": "IMAGE", "link": None}],
                "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            },
            {
                "type": "ImageScale",
                "inputs": [{"name": "image", "type": "IMAGE", "link": None}],
                "outputs": [{"name": "IMAGE", "type": "IMAGE"}],
            },
        ],
        "links": [[0, 0, 1, 0, 7, "IMAGE"]],
        "external": [],
    }
    box = node(5, "workflow>Shrink", {"image": ("IMAGE", 1)}, ["area", 32, 24, "center"], outputs=["IMAGE"])
    links = [[1, 1, 0, 5, 0, "IMAGE"], [100, 5, 0, 9, 0, "IMAGE"]]
    done = convert(chain(box, links=links, extra={"groupNodes": {"Shrink": inside}}), info)
    assert done.prompt["5:0"]["inputs"] == {"image": ["1", 0]}
    assert done.prompt["5:1"]["inputs"] == {
        "image": ["5:0", 0], "upscale_method": "area", "width": 32, "height": 24, "crop": "center",
    }  # fmt: skip
    assert done.prompt["9"]["inputs"]["images"] == ["5:1", 0]
    assert not check(done.prompt, info)


@pytest.mark.parametrize(
    ("inputs", "format_", "codec"),
    [
        ({"format": "auto", "codec": "h264"}, "auto", "h264"),
        ({"format": "auto"}, "auto", "auto"),
        ({}, "auto", "auto"),
    ],
)
def test_older_prompts_get_the_choices_that_came_later(
    inputs: dict[str, Any], format_: str, codec: str, info: ObjectInfo
) -> None:
    """The server takes them without, and the node then fails or guesses."""
    prompt = {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "a.mp4"}},
        "2": {"class_type": "SaveVideo", "inputs": {"video": ["1", 0], "filename_prefix": "v", **inputs}},
    }
    done = convert(prompt, info)
    found = done.prompt["2"]["inputs"]
    assert (found["format"], found["format.codec"]) == (format_, codec)
    assert {issue.code for issue in done.issues} == {Code.DEFAULT_USED}
    assert not check(done.prompt, info)
