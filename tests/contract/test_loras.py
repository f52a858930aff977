"""Names of LoRA that a provider can fetch, and how they enter its body."""

from __future__ import annotations

from typing import Any

import pytest
from diorama.contract import InvalidRequest, Operation
from diorama.contract.loras import check_lora, read_lora
from diorama.contract.remote.loras import place_loras
from diorama.contract.remote.schema import operations_from, plain_schema

HUB = "https://huggingface.co/ann/kites/resolve"


@pytest.mark.parametrize(("text", "source", "address"), [
    ("https://files.example/kite.safetensors?token=1", "https", "https://files.example/kite.safetensors?token=1"),
    ("ann/kites", "hub", None),
    ("ann/kites/v2/kite.safetensors", "hub", f"{HUB}/main/v2/kite.safetensors"),
    ("https://huggingface.co/ann/kites", "hub", None),
    ("https://huggingface.co/ann/kites/blob/fp8/kite.safetensors", "hub", f"{HUB}/fp8/kite.safetensors"),
    ("civitai:128713", "civitai", "https://civitai.com/api/download/models/128713"),
    ("https://civitai.com/models/42/kite?modelVersionId=128713", "civitai", "https://civitai.com/api/download/models/128713"),
    ("https://civitai.com/api/download/models/128713?type=Model", "civitai", "https://civitai.com/api/download/models/128713"),
    ("style-7f", "own", None),
])  # fmt: skip
def test_names_are_taken_apart(text: str, source: str, address: str | None) -> None:
    found = read_lora(text)
    assert found is not None
    assert (found.source, found.address) == (source, address)


@pytest.mark.parametrize("text", [
    "kite.safetensors", "loras/kite.safetensors", "/home/ann/kite.safetensors", "../kite", "C:\\kite.safetensors",
    "http://files.example/kite.safetensors", "https://ann:secret@files.example/kite.safetensors", "https:///kite",
    "file:///etc/passwd", "https://civitai.com/models/42", "", "a" * 2000, "ann/kites/.safetensors/../x y",
    "https://[::1", "https://[x]/kite", "https://files.example/a kite", "https://files.example/\x00",
    "https://files.example\\@evil.test/x", "https://files.example/\r\nHost: x", "civitai:\u0663",
    "https://civitai.com/models/42?modelVersionId=\u0663", "https://civitai.com/models/42?modelVersionId=" + "9" * 900,
])  # fmt: skip
def test_what_nobody_else_can_fetch_is_no_name(text: str) -> None:
    assert read_lora(text) is None
    with pytest.raises(InvalidRequest, match="runs elsewhere") as caught:
        check_lora(text, ("https", "hub", "civitai", "own"), "Kites")
    assert caught.value.field == "loras"


def test_a_version_at_civitai_has_one_name() -> None:
    found = read_lora("https://civitai.com/models/42/kite?modelVersionId=128713")
    assert found is not None
    assert found.text == "civitai:128713"


def test_whatever_leads_to_a_file_is_taken_where_addresses_are() -> None:
    assert (
        check_lora("ann/kites/kite.safetensors", ("https",), "Kites").address
        == f"{HUB}/main/kite.safetensors"
    )
    for text in ("ann/kites", "style-7f"):
        with pytest.raises(InvalidRequest, match=text) as caught:
            check_lora(text, ("https",), "Kites")
        assert "https address" in (caught.value.fix or "")
        assert "owner/name/file.safetensors" in (caught.value.fix or "")


def test_lora_go_where_the_model_has_them() -> None:
    given = [("a", 0.5), ("b", 1.0), ("c", 0.2)]

    def placed(target: Any, count: int) -> dict[str, Any]:
        body: dict[str, Any] = {}
        place_loras(body, target, given[:count])
        return body

    assert placed("loras{path,scale}", 2) == {
        "loras": [{"path": "a", "scale": 0.5}, {"path": "b", "scale": 1.0}]
    }
    mixed = [["one", "one_scale"], ["more[]", "more_scale[]"]]
    assert placed(mixed, 1) == {"one": "a", "one_scale": 0.5}
    assert placed(mixed, 3) == {"one": "a", "one_scale": 0.5, "more": ["b", "c"], "more_scale": [1.0, 0.2]}


WEIGHT = {"type": "object", "properties": {"path": {"type": "string"}, "scale": {"type": "number"}}}
STYLE = {"properties": {"id": {"type": "string"}, "strength": {"type": "number"}}}
SINGLE = {"lora_weights": {"type": "string"}, "lora_scale": {"type": "number"}}
EXTRA = {"extra_lora": {"type": "string"}, "extra_lora_scale": {"type": "number"}}
LISTS = {"extra_lora_weights": {"type": "array"}, "extra_lora_scale": {"type": "array"}}


@pytest.mark.parametrize(("fields", "name", "kind", "target", "most"), [
    ({"loras": {"type": "array", "items": {"$ref": "#/w"}}}, "x/flux-new", "flux", "loras{path,scale}", 8),
    ({**SINGLE, **EXTRA}, "x/flux-2", "flux2", [["lora_weights", "lora_scale"], ["extra_lora", "extra_lora_scale"]], 2),
    ({**SINGLE, **LISTS}, "x/qwen", "qwen-image",
     [["lora_weights", "lora_scale"], ["extra_lora_weights[]", "extra_lora_scale[]"]], 4),
    (SINGLE, "x/wan-9", "wan", [["lora_weights", "lora_scale"]], 1),
    ({"styles": {"type": "array", "items": STYLE}}, "x", "krea-style", "styles{id,strength}", 8),
])  # fmt: skip
def test_lora_fields_of_a_schema_are_found(fields: Any, name: str, kind: str, target: Any, most: int) -> None:
    schema = {"properties": {"prompt": {"type": "string"}, **fields}}
    can, wires = operations_from(schema, "image", {"w": WEIGHT}, name=name, repository="{}")
    generate, wire = can[Operation.GENERATE], wires[Operation.GENERATE]
    assert (generate.lora_kinds, generate.max_loras, wire.send["loras"]) == ((kind,), most, target)
    assert not generate.parameters
    fetched = kind != "krea-style"
    assert generate.lora_sources == (("https", "civitai", "hub") if fetched else ("own",))
    assert wire.tools == ({"lora_repository": "{}"} if fetched else {})


def test_lora_fields_of_no_known_family_stay_parameters_without_a_dangling_reference() -> None:
    schema = {"properties": {"loras": {"type": "array", "items": {"$ref": "#/w"}}}}
    can, wires = operations_from(schema, "image", {"w": WEIGHT}, name="somebody/else")
    assert not can[Operation.GENERATE].lora_kinds
    assert "loras" not in wires[Operation.GENERATE].send
    assert can[Operation.GENERATE].parameters["properties"]["loras"]["items"] == WEIGHT


def test_a_schema_that_holds_itself_ends() -> None:
    root = {"tree": {"type": "object", "properties": {"child": {"$ref": "#/tree"}}}}
    assert plain_schema({"$ref": "#/tree"}, root)["type"] == "object"
