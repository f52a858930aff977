"""LoRA of the list and of the hub as download jobs: the command line, its engine, the real hub client, a loopback hub."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from diorama.contract import BackendSettings
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models import presets
from diorama_local_diffusers.models.adapters import file_digest, find_lora

Run = Callable[..., subprocess.CompletedProcess[str]]
REALISM = "XLabs-AI/flux-RealismLora/lora.safetensors"


def write_lora(place: Path, *keys: str) -> Path:
    import numpy as np
    from safetensors.numpy import save_file

    place.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: np.zeros((4, 64), np.float16) for key in keys}, place)
    return place


def flux_lora(place: Path) -> Path:
    return write_lora(place, "transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight")


@pytest.fixture
def hub(tmp_path: Path, fake_hub: ModuleType) -> Iterator[Any]:
    flux_lora(tmp_path / "source/lora.safetensors")
    write_lora(tmp_path / "source/model.safetensors", "down_blocks.0.weight")
    made = fake_hub.FakeHub("XLabs-AI/flux-RealismLora", tmp_path / "source")
    yield made
    made.close()


@pytest.fixture
def diorama(tmp_path: Path, hub: Any) -> Run:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIORAMA_", "HF_"))}
    environ = clean | {
        "DIORAMA_HOME": str(tmp_path / "home"), "DIORAMA_PLUGINS_ALLOW": "local", "DIORAMA_KEYRING": "0",
        "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "DIORAMA_DEVICES": "cpu",
    }  # fmt: skip

    def run(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "diorama", "loras", *words]
        return subprocess.run(
            command, env=environ | more, capture_output=True, text=True, timeout=600, check=False
        )

    return run


def listed(diorama: Run, title: str) -> dict[str, Any]:
    done = diorama("--json")
    assert done.returncode == 0, done.stderr
    return next(lora for lora in json.loads(done.stdout) if lora["title"] == title)


@pytest.mark.parametrize("name", ["FLUX realism", REALISM, "local:" + REALISM])
def test_a_lora_of_the_list_is_fetched_by_a_job(diorama: Run, hub: Any, tmp_path: Path, name: str) -> None:
    before = listed(diorama, "FLUX Realism")
    assert before["availability"]["state"] == "needs_download"
    assert f"diorama loras download {REALISM}" in before["availability"]["fix"]
    done = diorama("download", name)
    assert done.returncode == 0, done.stderr
    assert f"--lora {REALISM}" in done.stdout
    after = listed(diorama, "FLUX Realism")
    assert (after["availability"]["state"], after["id"], after["kind"]) == ("ready", REALISM, "flux")
    (file,) = (tmp_path / "hf/hub").glob("models--*/snapshots/*/lora.safetensors")
    assert file.read_bytes() == (tmp_path / "source/lora.safetensors").read_bytes()
    count = len(hub.requests)
    again = diorama("download", name)
    assert "here already" in again.stdout
    assert len(hub.requests) == count


def test_what_is_no_lora_is_refused_before_it_is_fetched(diorama: Run, hub: Any, tmp_path: Path) -> None:
    done = diorama("download", "XLabs-AI/flux-RealismLora/model.safetensors")
    assert done.returncode != 0
    assert "holds no LoRA" in done.stderr
    assert not list((tmp_path / "hf").rglob("model.safetensors"))
    missing = diorama("download", "XLabs-AI/flux-RealismLora/none.safetensors")
    assert "has no file none.safetensors" in missing.stderr


def test_errors_say_what_helps(diorama: Run, hub: Any) -> None:
    unknown = diorama("download", "nonsense")
    assert unknown.returncode != 0
    assert "owner/name/file.safetensors" in unknown.stderr
    other_backend = diorama("download", "Detail Tweaker XL")
    assert other_backend.returncode != 0, "the plugin that fetches from Civitai is not loaded here"
    assert "https://civitai.com/models/122359" in other_backend.stderr
    offline = diorama("download", REALISM, DIORAMA_OFFLINE="1")
    assert offline.returncode != 0
    assert "offline" in offline.stderr
    assert not hub.requests


@pytest.fixture
def alone(settings: BackendSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendSettings:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return settings


def tweaker(settings: BackendSettings) -> Any:
    return next(lora for lora in create_backend(settings).loras() if lora.title == "Detail Tweaker XL")


SDXL = (
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight",
    "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight",
)


def test_a_known_lora_is_recognised_by_the_note_beside_it(alone: BackendSettings) -> None:
    file = write_lora(alone.models_dirs[0] / "loras/Detail_v1 (SDXL).safetensors", *SDXL)
    assert tweaker(alone).availability.state == "offline"
    note = {"source": "civitai", "page": "https://civitai.com/models/122359?modelVersionId=135867"}
    file.with_suffix(".json").write_text(json.dumps(note))
    found = tweaker(alone)
    assert (found.id, found.availability.state, found.kind) == ("Detail_v1 (SDXL)", "ready", "sdxl")
    assert found.download == "civitai:135867"
    assert find_lora("add-detail-xl", alone).path == file, "the id of the list goes on meaning it"


def test_a_known_lora_is_recognised_by_its_hash(
    alone: BackendSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    file = write_lora(alone.data_dir / "loras/renamed.safetensors", *SDXL)
    known = next(preset for preset in presets.presets() if preset.info.title == "Detail Tweaker XL")
    assert len(known.sha256) == 64
    mine = replace(known, sha256=file_digest(file), info=replace(known.info, size_bytes=file.stat().st_size))
    monkeypatch.setattr(presets, "presets", lambda: (mine,))
    assert tweaker(alone).id == "renamed"
    file.write_bytes(file.read_bytes()[:-1] + b"\1")
    assert tweaker(alone).availability.state == "offline"


def test_loras_anywhere_in_the_cache_of_the_hub_are_listed(alone: BackendSettings, tmp_path: Path) -> None:
    place = tmp_path / "hf/hub/models--someone--paint/snapshots/abc/styles/ink.safetensors"
    flux_lora(place)
    model = tmp_path / "hf/hub/models--someone--model/snapshots/abc"
    shutil.copytree(place.parent, model / "unet")
    (model / "model_index.json").write_text("{}")
    found = {lora.id: lora for lora in create_backend(alone).loras() if not lora.preset}
    assert list(found) == ["someone/paint/styles/ink.safetensors"]
    assert found["someone/paint/styles/ink.safetensors"].kind == "flux"
    assert find_lora("ink", alone).path == place
