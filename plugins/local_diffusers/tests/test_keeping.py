"""What is on this disk, which LoRA there are, and what a model needs: by looking at real files."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendSettings, Operation, UnknownModel
from diorama.testing import RecordingListContext
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.families import families
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.presets import presets
from diorama_local_diffusers.models.user import write_entries


def write_safetensors(place: Path, shapes: dict[str, tuple[int, ...]], **metadata: str) -> Path:
    """Write a file of half-precision zeros with true header."""
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, shape in shapes.items():
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return place


SDXL_LORA = {
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 2048),
    "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280),
}


@pytest.fixture
def alone(settings: BackendSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendSettings:
    """Settings beside which no LoRA and no cache of the real user lies."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return settings


def test_a_lora_in_a_folder_shows_its_family_and_triggers(alone: BackendSettings) -> None:
    folder = alone.data_dir / "loras"
    write_safetensors(folder / "styles/fur.safetensors", SDXL_LORA, **{"modelspec.trigger_phrase": "fluffy"})
    (folder / "broken.safetensors").write_bytes(b"nothing")
    found = {lora.id: lora for lora in create_backend(alone).loras()}
    fur = found["styles/fur"]
    assert (fur.kind, fur.triggers, fur.preset, fur.availability.state) == (
        "sdxl",
        ("fluffy",),
        False,
        "ready",
    )
    assert fur.size_bytes == (folder / "styles/fur.safetensors").stat().st_size
    assert "broken" not in found


def test_a_known_lora_becomes_ready_when_its_file_is_here(alone: BackendSettings) -> None:
    backend = create_backend(alone)
    before = next(lora for lora in backend.loras() if lora.title == "Detail Tweaker XL")
    assert (before.id, before.availability.state) == ("add-detail-xl", "offline")
    write_safetensors(alone.data_dir / "loras/mine/add-detail-xl.safetensors", SDXL_LORA)
    (after,) = (lora for lora in backend.loras() if lora.title == "Detail Tweaker XL")
    assert (after.id, after.availability.state, after.preset) == ("mine/add-detail-xl", "ready", True)


def test_a_known_lora_is_found_in_the_cache_of_the_hub(alone: BackendSettings, tmp_path: Path) -> None:
    name = "ByteDance/SDXL-Lightning/sdxl_lightning_4step_lora.safetensors"
    place = (
        tmp_path
        / "hf/hub/models--ByteDance--SDXL-Lightning/snapshots/abc/sdxl_lightning_4step_lora.safetensors"
    )
    write_safetensors(place, SDXL_LORA)
    found = next(lora for lora in create_backend(alone).loras() if lora.id == name)
    assert found.availability.state == "ready"
    assert found.defaults == {"num_inference_steps": 4, "guidance_scale": 0.0}


def test_known_loras_fit_families_that_exist() -> None:
    kinds = {family.lora_kind for family in families().values()}
    assert {preset.info.kind for preset in presets()} <= kinds
    assert {"flux", "sdxl", "sd", "sd3", "qwen-image", "wan", "ltx2"} <= {
        preset.info.kind for preset in presets()
    }
    assert all(0 < preset.info.weight <= 1.5 for preset in presets())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A pipeline of two parts, 4000 and 1000 weights in half precision."""
    place = tmp_path / "model"
    place.mkdir()
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"]}
    (place / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts}))
    write_safetensors(place / "unet/diffusion_pytorch_model.safetensors", {"a": (40, 100)})
    write_safetensors(place / "vae/diffusion_pytorch_model.safetensors", {"a": (10, 100)})
    return place


def test_disk_use_is_what_the_files_take(alone: BackendSettings, folder: Path) -> None:
    write_entries(alone, [ModelEntry(name="mine", path=str(folder), type="sd")])
    stored = {item.native_id: item for item in create_backend(alone).storage()}
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    assert (stored["mine"].size_bytes, stored["mine"].freeable_bytes) == (size, 0)
    assert "sdxl-base" not in stored


def test_disk_use_of_a_cached_model_counts_each_blob_once(
    alone: BackendSettings, folder: Path, tmp_path: Path
) -> None:
    root = tmp_path / "hf/hub/models--someone--model"
    (root / "blobs").mkdir(parents=True)
    (root / "refs").mkdir()
    (root / "refs/main").write_text("two")
    (root / "blobs/aa").write_bytes((folder / "model_index.json").read_bytes())
    (root / "blobs/bb").write_bytes(bytes(5000))
    for commit in ("one", "two"):
        (root / "snapshots" / commit / "unet").mkdir(parents=True)
        (root / "snapshots" / commit / "model_index.json").symlink_to(root / "blobs/aa")
        (root / "snapshots" / commit / "unet/x.safetensors").symlink_to(root / "blobs/bb")
    write_entries(alone, [ModelEntry(name="hub", path="someone/model", type="sd")])
    stored = {item.native_id: item for item in create_backend(alone).storage()}["hub"]
    assert stored.size_bytes == stored.freeable_bytes == 5000 + (root / "blobs/aa").stat().st_size


def test_models_in_the_cache_of_the_hub_are_listed(
    alone: BackendSettings, folder: Path, tmp_path: Path
) -> None:
    for name in ("seen", "stabilityai--sd-turbo"):
        root = tmp_path / f"hf/hub/models--{name if '--' in name else 'someone--' + name}"
        shutil.copytree(folder, root / "snapshots/abc")
        (root / "refs").mkdir()
        (root / "refs/main").write_text("abc")
    shutil.rmtree(root / "snapshots/abc/vae")
    looked = tmp_path / "hf/hub/models--someone--looked"
    (looked / "snapshots/abc").mkdir(parents=True)
    shutil.copyfile(folder / "model_index.json", looked / "snapshots/abc/model_index.json")
    (looked / "refs").mkdir()
    (looked / "refs/main").write_text("abc")
    backend = create_backend(alone)
    listed = {model.native_id: model for model in backend.list_models(RecordingListContext())}
    assert listed["someone/seen"].availability.state == "ready"
    assert {"stabilityai/sd-turbo", "someone/looked"}.isdisjoint(listed), "one has a name, one is not here"
    assert "someone/seen" in {item.native_id for item in backend.storage()}
    assert backend.delete("someone/seen") > 10_000


def test_needs_follow_the_weights(alone: BackendSettings, folder: Path) -> None:
    write_entries(alone, [ModelEntry(name="mine", path=str(folder), type="sd")])
    backend = create_backend(alone)
    on_cpu, _ = backend.memory_needs("mine", "cpu")
    full, model, group, *_ = backend.memory_needs("mine", "cuda:0")
    assert [need.plan for need in (full, model, group)] == ["full", "model_offload", "group_offload"]
    assert on_cpu.device_bytes - full.device_bytes == int(20_000 * 1.15) - int(10_000 * 1.15)
    assert full.device_bytes > model.device_bytes > group.device_bytes
    assert (full.ram_bytes, model.ram_bytes) == (0, 10_000)


def test_quantised_models_need_less(alone: BackendSettings, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "gguf").mkdir()
    (tmp_path / "gguf/m-Q4_K_S.gguf").write_bytes(bytes(3_000_000_000 // 1000))
    entry = ModelEntry(name="q", path=str(folder), type="sd", gguf=str(tmp_path / "gguf"),
                       quantizations=("Q2_K", "Q4_K_S", "Q8_0"))  # fmt: skip
    write_entries(alone, [entry])
    needs = create_backend(alone).memory_needs("q", "cuda:0")
    assert needs[0].parameters == {"quantization": "Q4_K_S"}
    assert "Q2_K" in {need.parameters["quantization"] for need in needs}
    assert all(need.device_bytes <= needs[0].device_bytes for need in needs)


def test_each_quantisation_shows_its_memory_before_anything_is_fetched(alone: BackendSettings) -> None:
    backend = create_backend(alone)
    model = next(
        item for item in backend.list_models(RecordingListContext()) if item.native_id == "qwen-image-gguf"
    )
    said = model.operations[Operation.GENERATE].parameters["properties"]["quantization"]["description"]
    assert "Memory of the denoiser in GB: Q2_K 6.6," in said
    assert "Q8_0 21.7." in said
    ways = backend.memory_needs("qwen-image-gguf", "cuda:0")
    assert (ways[0].plan, ways[0].parameters) == ("full (Q4_K_M)", {"quantization": "Q4_K_M"})
    assert 30e9 < ways[0].device_bytes < 37e9
    smaller = next(way for way in ways if way.plan == "full (Q2_K)")
    assert 4e9 < ways[0].device_bytes - smaller.device_bytes < 7e9


def test_an_added_model_can_be_taken_out_again(alone: BackendSettings, folder: Path) -> None:
    backend = create_backend(alone)
    native_id = backend.add(str(folder))
    backend.remove(native_id)
    assert folder.exists()
    with pytest.raises(UnknownModel):
        backend.remove(native_id)
    with pytest.raises(UnknownModel):
        backend.remove("sdxl-base")
