"""Whatever comes in: a conversion, or a clear WorkflowError, in bounded time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from diorama_comfyui.analysis import check, derive_parameters, infer_purpose, missing_files
from diorama_comfyui.convert import WorkflowError, convert, find_workflow
from diorama_comfyui.convert.align import align
from diorama_comfyui.schema import ObjectInfo, parse_input
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)
types = st.sampled_from(
    [
        "KSampler",
        "LoadImage",
        "SaveImage",
        "EmptyImage",
        "ResizeImageMaskNode",
        "BatchImagesNode",
        "ImageInvert",
        "Reroute",
        "PrimitiveNode",
        "SetNode",
        "GetNode",
        "ComfySwitchNode",
        "sub-a",
        "sub-b",
        "Unknown",
        "workflow>g",
        "CustomCombo",
    ]
)
ids = st.integers(0, 6)
slots = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["image", "images", "seed", "value", "images.image0", ""]),
        "type": st.sampled_from(["IMAGE", "INT", "*", "MASK,IMAGE"]),
    },
    optional={
        "link": st.none() | st.integers(0, 8),
        "widget": st.none() | st.fixed_dictionaries({"name": st.just("seed")}),
    },
)
nodes = st.fixed_dictionaries(
    {"id": ids, "type": types},
    optional={
        "mode": st.sampled_from([0, 2, 4]) | scalars,
        "inputs": st.lists(slots, max_size=3),
        "outputs": st.lists(slots, max_size=2),
        "widgets_values": values,
        "widgets_values_named": values,
        "properties": values | st.fixed_dictionaries({"proxyWidgets": values, "models": values}),
        "order": scalars,
        "pos": values,
    },
)
links = st.lists(
    st.tuples(
        st.integers(0, 8),
        ids | st.just(-10),
        st.integers(-1, 3),
        ids | st.just(-20),
        st.integers(0, 3),
        st.just("*"),
    ).map(list),
    max_size=8,
)
levels = st.fixed_dictionaries(
    {"nodes": st.lists(nodes, max_size=6), "links": links}, optional={"groups": values, "extra": values}
)
ports = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["image", "seed"]), "linkIds": st.lists(st.integers(0, 8), max_size=2)}
    ),
    max_size=2,
)
subgraphs = st.builds(
    lambda level, name, inputs, outputs: {**level, "id": name, "inputs": inputs, "outputs": outputs},
    levels, st.sampled_from(["sub-a", "sub-b"]), ports, ports,
)  # fmt: skip
documents = st.builds(
    lambda level, inner, groups: {
        **level,
        "definitions": {"subgraphs": inner},
        "extra": {"groupNodes": {"g": groups}, "linearData": {"inputs": [["1", "seed"]]}},
    },
    levels, st.lists(subgraphs, max_size=2), values | levels,
)  # fmt: skip


def survive(document: Any, info: ObjectInfo) -> bool:
    """Convert and analyse; True if there was a workflow in it, False if it was refused with a readable message."""
    try:
        done = convert(document, info)
    except WorkflowError as error:
        if not 0 < len(str(error)) < 500:
            pytest.fail(f"no readable message: {error}")
        return False
    json.dumps(done.prompt)
    for node in done.prompt.values():
        assert isinstance(node["class_type"], str)
    check(done.prompt, info)
    infer_purpose(done, derive_parameters(done, info), info)
    missing_files(done, info)
    return bool(done.prompt)


@QUICK
@given(document=documents)
def test_graphs_of_any_shape(document: Any, info: ObjectInfo) -> None:
    assert survive(document, info) in (True, False)


@QUICK
@given(
    document=values
    | st.fixed_dictionaries({"nodes": values, "links": values})
    | st.dictionaries(st.text(max_size=3), values, max_size=4)
)
def test_garbage(document: Any, info: ObjectInfo) -> None:
    assert survive(document, info) in (True, False)


@QUICK
@given(
    document=st.dictionaries(
        st.text(max_size=3),
        st.fixed_dictionaries(
            {
                "class_type": types,
                "inputs": st.dictionaries(
                    st.sampled_from(["image", "images", "seed", "resize_type"]),
                    values | st.tuples(st.sampled_from(["1", "2"]), st.integers(0, 3)).map(list),
                    max_size=3,
                ),
            }
        ),
        max_size=5,
    )
)
def test_prompts_of_any_shape(document: Any, info: ObjectInfo) -> None:
    assert survive(document, info) in (True, False)


@QUICK
@given(content=st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b"\x89PNG\r\n\x1a\n" + b))
def test_bytes(content: bytes) -> None:
    with pytest.raises(WorkflowError):
        find_workflow(content)


@QUICK
@given(stored=st.lists(values, max_size=30))
def test_alignment_loses_no_order(stored: list[Any], info: ObjectInfo) -> None:
    """Values keep their order, none is used twice, and none is invented."""
    for name in ("KSampler", "ResizeImageMaskNode", "LoadAudio", "SaveVideo"):
        found = align(info[name].inputs, stored)
        used = list(found.values.values())
        position = 0
        for value in used[::-1]:
            while position < len(stored) and stored[position] is not value:
                position += 1
            assert position < len(stored), (name, used, stored)
            position += 1


@QUICK
@given(spec=values)
def test_input_specs_of_any_shape(spec: Any) -> None:
    assert parse_input("x", spec).name == "x"


def test_huge_graph_converts(info: ObjectInfo) -> None:
    count = 5000
    chain = [{"id": 0, "type": "EmptyImage", "widgets_values": [8, 8, 1, 0]}]
    chain += [
        {"id": i, "type": "ImageInvert", "inputs": [{"name": "image", "type": "IMAGE", "link": i}]}
        for i in range(1, count)
    ]
    chain.append(
        {
            "id": count,
            "type": "SaveImage",
            "inputs": [{"name": "images", "type": "IMAGE", "link": count}],
            "widgets_values": ["x"],
        }
    )
    document = {"nodes": chain, "links": [[i, i - 1, 0, i, 0, "IMAGE"] for i in range(1, count + 1)]}
    done = convert(document, info)
    assert len(done.prompt) == count + 1
    assert not check(done.prompt, info)


def test_long_chain_of_reroutes(info: ObjectInfo) -> None:
    count = 10_000
    chain = [{"id": 0, "type": "EmptyImage", "widgets_values": [8, 8, 1, 0]}]
    chain += [
        {"id": i, "type": "Reroute", "inputs": [{"name": "", "type": "*", "link": i}]}
        for i in range(1, count)
    ]
    chain.append(
        {"id": count, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": count}]}
    )
    document = {"nodes": chain, "links": [[i, i - 1, 0, i, 0, "*"] for i in range(1, count + 1)]}
    assert convert(document, info).prompt[str(count)]["inputs"]["images"] == ["0", 0]


@pytest.mark.parametrize("count", [20_001, 300_000])
def test_too_large_is_refused(info: ObjectInfo, count: int) -> None:
    with pytest.raises(WorkflowError, match="nodes"):
        convert({"nodes": [None] * count, "links": []}, info)


def test_endless_values_do_not_hang(info: ObjectInfo) -> None:
    node = {"id": 1, "type": "KSampler", "widgets_values": ["x"] * 100_000}
    assert convert({"nodes": [node], "links": []}, info).prompt["1"]["inputs"]["steps"] == 20
