"""Headers of weight files that lie: refused with a sentence, in no time and no memory, never with a traceback."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import AvailabilityState, InvalidRequest
from diorama.testing.context import RecordingListContext
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.adapters import hub_lora, list_loras
from diorama_local_diffusers.models.described import described, described_denoiser
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.headers import read_gguf_header, read_safetensors_header
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

quickly = hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def safetensors(place: Path, header: Any, data: bytes = b"\0" * 8) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    place.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return place


def tensor(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


LIES: dict[str, Any] = {
    "no table": [1, 2],
    "a word": "x",
    "nothing": None,
    "nested without end": b"[" * 200_000,
    "tensor is a word": {"a": "x"},
    "tensor is nothing": {"a": None},
    "no shape": {"a": {"dtype": "F32", "data_offsets": [0, 8]}},
    "shape of words": {"a": tensor(shape=["2"])},
    "shape negative": {"a": tensor(shape=[-2])},
    "shape a fraction": {"a": tensor(shape=[2.5])},
    "shape true": {"a": tensor(shape=[True])},
    "no type": {"a": tensor(dtype=5)},
    "one offset": {"a": tensor(data_offsets=[8])},
    "offset infinite": b'{"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, Infinity]}}',
    "offsets backwards": {"a": tensor(data_offsets=[8, 0])},
    "offset negative": {"a": tensor(data_offsets=[-8, 8])},
    "offset behind the end": {"a": tensor(data_offsets=[0, 2**62])},
    "bytes behind the last tensor": {"a": tensor(data_offsets=[0, 4])},
    "notes are a list": {"__metadata__": [], "a": tensor()},
    "notes are numbers": {"__metadata__": {"trigger_words": 5}, "a": tensor()},
    "not UTF-8": b'{"\xff": 1}',
}


@pytest.mark.parametrize("name", LIES)
def test_safetensors_headers_that_lie(tmp_path: Path, name: str) -> None:
    place = safetensors(tmp_path / "m.safetensors", LIES[name])
    for look in (read_safetensors_header, detect):
        with pytest.raises(InvalidRequest) as caught:
            look(place)
        assert "m.safetensors" in caught.value.message
        assert len(caught.value.message) < 500


def test_a_header_longer_than_the_file_or_than_any_is_not_read(tmp_path: Path) -> None:
    place = tmp_path / "m.safetensors"
    for length in (2**63, 2**62, 200 * 1024**2, 9, 0, 1):
        with place.open("wb") as file:
            file.write(struct.pack("<Q", length) + b"{}")
            if length == 200 * 1024**2:
                file.truncate(300 * 1024**2)
        with pytest.raises(InvalidRequest, match="impossible length"):
            read_safetensors_header(place)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
anything = st.recursive(
    plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12
)


@quickly
@given(header=anything)
def test_any_json_is_a_header_or_a_sentence(tmp_path: Path, header: Any) -> None:
    place = safetensors(tmp_path / "m.safetensors", header)
    for look in (read_safetensors_header, detect):
        refusal = ""
        try:
            look(place)
        except InvalidRequest as error:
            refusal = str(error)
        assert not refusal or "m.safetensors" in refusal


def test_one_odd_file_takes_no_list_along(settings: Any, tmp_path: Path) -> None:
    folder = settings.data_dir / "loras"
    folder.mkdir(parents=True)
    for number, lie in enumerate(LIES.values()):
        safetensors(folder / f"{number}.safetensors", lie)
    safetensors(folder / "good.safetensors", {"lora_unet_x.lora_down.weight": tensor()})
    assert [lora.id for lora in list_loras(settings) if "/" not in lora.id] == ["good"]


def gguf(tensors: int = 0, pairs: int = 0, body: bytes = b"", version: int = 3) -> bytes:
    return struct.pack("<4sIQQ", b"GGUF", version, tensors, pairs) + body


def text(words: bytes) -> bytes:
    return struct.pack("<Q", len(words)) + words


GGUF: dict[str, bytes] = {
    "empty": b"",
    "cut": gguf()[:-1],
    "version": gguf(version=99),
    "tensors without end": gguf(tensors=2**63),
    "pairs without end": gguf(pairs=2**63),
    "a name without end": gguf(pairs=1, body=struct.pack("<Q", 2**62)),
    "a name that is cut": gguf(pairs=1, body=struct.pack("<Q", 50) + b"abc"),
    "a name that is no text": gguf(pairs=1, body=text(b"\xff\xfe") + struct.pack("<IB", 0, 1)),
    "an unknown type": gguf(pairs=1, body=text(b"a") + struct.pack("<I", 99)),
    "a list without end": gguf(pairs=1, body=text(b"a") + struct.pack("<IIQ", 9, 0, 2**62)),
    "lists in lists": gguf(
        pairs=1, body=text(b"a") + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 100_000
    ),
    "dimensions without end": gguf(tensors=1, body=text(b"a") + struct.pack("<I", 2**32 - 1) + bytes(4096)),
    "a tensor behind the end": gguf(tensors=1, body=text(b"a") + struct.pack("<IQIQ", 1, 8, 0, 2**50)),
}


@pytest.mark.parametrize("name", GGUF)
def test_gguf_headers_that_lie(tmp_path: Path, name: str) -> None:
    place = tmp_path / "m.gguf"
    place.write_bytes(GGUF[name])
    for look in (read_gguf_header, detect):
        with pytest.raises(InvalidRequest, match=r"m\.gguf cannot be read"):
            look(place)


@quickly
@given(data=st.binary(max_size=300), counts=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_any_bytes_are_gguf_or_a_sentence(tmp_path: Path, data: bytes, counts: tuple[int, int]) -> None:
    place = tmp_path / "m.gguf"
    place.write_bytes(gguf(*counts, body=data))
    refusal = ""
    try:
        read_gguf_header(place)
    except InvalidRequest as error:
        refusal = str(error)
    assert not refusal or refusal.startswith("m.gguf cannot be read")


@pytest.mark.parametrize(
    "name",
    ["a/b/../../../x.safetensors", "a/b/..\\..\\x.safetensors", "a/b/*.safetensors", "a/b/**/x.safetensors", "../b/x.safetensors",
     "a//x.safetensors", "a/b/./x.safetensors", "/a/b/x.safetensors", "a/b/?.safetensors", "a/b/[x].safetensors"],
)  # fmt: skip
def test_a_hub_name_is_one_file_and_no_pattern(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    from diorama_local_diffusers.models import adapters

    monkeypatch.setattr(adapters, "hub_cache", lambda: tmp_path)
    snapshot = tmp_path / "models--a--b" / "snapshots" / "c" / "d"
    snapshot.mkdir(parents=True)
    for place in (tmp_path, snapshot, snapshot.parent):
        (place / "x.safetensors").write_bytes(b"x")
    assert hub_lora("a/b/x.safetensors") == snapshot.parent / "x.safetensors"
    assert hub_lora(name) is None


FLUX = {
    "img_in.weight": [128, 64], "txt_in.weight": [128, 32], "vector_in.in_layer.weight": [128, 32],
    "final_layer.linear.weight": [64, 128], "double_blocks.0.img_attn.norm.key_norm.scale": [128],
    "double_blocks.0.img_mlp.0.weight": [512, 128], "single_blocks.0.linear2.weight": [128, 640],
}  # fmt: skip
SD3 = {
    "x_embedder.proj.weight": [64, 16, 2, 2], "joint_blocks.0.x_block.attn.ln_q.weight": [64],
    "joint_blocks.0.x_block.attn2.qkv.weight": [192, 64], "context_embedder.weight": [64, 32],
    "y_embedder.mlp.0.weight": [64, 160], "pos_embed": [1, 256, 64], "final_layer.linear.weight": [64, 64],
}  # fmt: skip
ODD_SHAPES: dict[str, dict[str, list[int]]] = {
    "no rank": FLUX | {"img_in.weight": []},
    "another rank": FLUX | {"vector_in.in_layer.weight": [128]},
    "no heads": FLUX | {"double_blocks.0.img_attn.norm.key_norm.scale": [0]},
    "a block of many digits": FLUX | {f"double_blocks.{'9' * 5000}.img_mlp.0.weight": [0]},
    "no width of a head": SD3 | {"joint_blocks.0.x_block.attn.ln_q.weight": [0]},
    "no patch": SD3 | {"x_embedder.proj.weight": [64, 16, 0, 0]},
    "a block without a number": SD3 | {"joint_blocks.x.x_block.attn2.qkv.weight": [0]},
}


def weights(place: Path, shapes: dict[str, list[int]]) -> Path:
    header, end = {}, 0
    for key, shape in shapes.items():
        size = 2 * math.prod(shape)
        header[key] = {"dtype": "F16", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    return safetensors(place, header, b"\0" * end)


REST = {
    "first_stage_model.decoder.conv_in.weight": [1], "text_encoders.clip_l.transformer.text_model.x": [1],
    "text_encoders.clip_g.transformer.text_model.x": [1], "text_encoders.t5xxl.transformer.shared.weight": [1],
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_SHAPES)
def test_shapes_that_no_network_has_are_left_to_a_base(tmp_path: Path, name: str) -> None:
    assert described_denoiser(weights(tmp_path / "good.safetensors", FLUX), "transformer") is not None
    found = described_denoiser(weights(tmp_path / "odd.safetensors", ODD_SHAPES[name]), "transformer")
    assert found is None or found["transformer/config.json"]["num_layers"] == 1


def test_whole_checkpoints_of_odd_shapes_take_no_list_along(settings: Any) -> None:
    folder = settings.models_dirs[0]
    folder.mkdir(parents=True, exist_ok=True)
    for number, shapes in enumerate(ODD_SHAPES.values()):
        own = {f"model.diffusion_model.{key}": shape for key, shape in shapes.items()}
        place = weights(folder / f"odd-{number}.safetensors", own | REST)
        assert [described(place, family) for family in ("flux", "sd3")] == [None, None]
    listed = create_backend(settings).list_models(RecordingListContext(offline=True))
    states = {model.id: model.availability.state for model in listed}
    assert states["local:pocket"] is AvailabilityState.READY
    odd = [state for name, state in states.items() if name.startswith("local:odd-")]
    assert len(odd) >= 4
    assert AvailabilityState.READY not in odd


def test_what_is_no_file_or_no_table_takes_no_list_along(settings: Any) -> None:
    folder, loras = settings.models_dirs[0], settings.data_dir / "loras"
    for place in (folder / "a.safetensors", folder / "nested", loras):
        place.mkdir(parents=True)
    (folder / "nested/model_index.json").write_bytes(b"[" * 100_000)
    (folder / "gone.safetensors").symlink_to(folder / "nowhere")
    (folder / "round.gguf").symlink_to(folder / "round.gguf")
    for place in (folder / "pipe.safetensors", folder / "pipe.gguf", loras / "pipe.safetensors"):
        os.mkfifo(place)
        with pytest.raises(InvalidRequest, match="it is no file"):
            (read_gguf_header if place.suffix == ".gguf" else read_safetensors_header)(place)
    os.mkfifo(loras / "good.json")
    safetensors(loras / "good.safetensors", {"lora_unet_x.lora_down.weight": tensor()})
    listed = create_backend(settings).list_models(RecordingListContext(offline=True))
    assert not {"local:a", "local:nested", "local:gone", "local:round", "local:pipe"} & {m.id for m in listed}
    assert "local:pocket" in {model.id for model in listed}
    assert [lora.id for lora in list_loras(settings) if "/" not in lora.id] == ["good"]
