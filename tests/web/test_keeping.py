"""LoRA, disk use and memory over REST and the command line, from real files of the local backend."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("diorama_local_diffusers")

LORA = {
    "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k.lora_down.weight": (4, 2048),
    "lora_te2_text_model_encoder_layers_0_mlp_fc1.lora_down.weight": (4, 1280),
}


def write_safetensors(place: Path, shapes: dict[str, tuple[int, int]], **metadata: str) -> Path:
    header: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, (height, width) in shapes.items():
        header[name] = {
            "dtype": "F16",
            "shape": [height, width],
            "data_offsets": [end, end + 2 * height * width],
        }
        end += 2 * height * width
    text = json.dumps(header).encode()
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return place


@pytest.fixture
def local(new_server: Callable[..., Any], tmp_path: Path) -> Any:
    """A server with the local backend, beside which no file of the real user lies."""
    home = str(tmp_path / "user")
    return new_server(DIORAMA_PLUGINS_ALLOW="local", DIORAMA_OFFLINE="1", HOME=home, HF_HOME=home + "/hf")


def command(server: Any, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "diorama", *arguments], env=os.environ | server.environ, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lora_are_found_where_they_lie(local: Any, tmp_path: Path) -> None:
    known = local.client.get("/api/loras", params={"model_type": "sdxl"}).json()["loras"]
    assert {lora["title"] for lora in known} >= {"Detail Tweaker XL", "SDXL Lightning, 4 steps"}
    assert all(lora["kind"] == "sdxl" and lora["preset"] for lora in known)
    assert "local:sdxl-base" in known[0]["models"]
    assert local.client.post("/api/loras/scan").json() == {"loras": [], "total": 0}

    folder = tmp_path / "user/.diorama/loras"
    write_safetensors(folder / "fur.safetensors", LORA, **{"modelspec.trigger_phrase": "fluffy, soft"})
    (scanned,) = local.client.post("/api/loras/scan").json()["loras"]
    assert (scanned["id"], scanned["kind"], scanned["triggers"]) == ("fur", "sdxl", ["fluffy", "soft"])
    assert local.client.get("/api/loras").json()["loras"][0]["id"] == "fur"
    assert local.client.get("/api/loras", params={"model_type": "flux"}).json()["total"] == 2
    assert command(local, "loras", "scan").split("\t")[:2] == ["fur", "sdxl"]
    assert json.loads(command(local, "loras", "--kind", "wan", "--json"))[0]["kind"] == "wan"


def test_disk_use_is_measured(local: Any) -> None:
    answer = local.client.get("/api/models/cache-status").json()
    (pocket,) = (model for model in answer["models"] if model["id"] == "local:pocket")
    real = sum(file.stat().st_size for file in Path(pocket["path"]).rglob("*") if file.is_file())
    assert (pocket["cached"], pocket["size_bytes"], pocket["freeable_bytes"]) == (True, real, 0)
    (absent,) = (model for model in answer["models"] if model["id"] == "local:sdxl-base")
    assert (absent["cached"], absent["size_bytes"], absent["disk_gb"]) == (False, None, 6.9)
    assert answer["cached_gb"] >= round(real / 1e9, 3)
    assert str(Path(pocket["path"])) in command(local, "models", "du")


def test_memory_is_compared_with_what_is_free(local: Any) -> None:
    pocket = local.client.get("/api/system/can-generate/local:pocket").json()
    assert (pocket["can_generate"], pocket["verdict"], pocket["device"]) == (True, "yes", "cpu")
    assert 0 < pocket["needed_gb"] < 1 < pocket["free_gb"]
    absent = local.client.get("/api/system/can-generate/local:wan-2.2-t2v").json()
    assert (absent["can_generate"], absent["availability"]) == (False, "offline")
    assert absent["needed_gb"] > 100


def test_a_model_that_was_added_can_be_taken_out(local: Any) -> None:
    refused = local.client.delete("/api/models/local:sdxl-base")
    assert refused.status_code == 404
    assert "delete" in refused.json()["error"]["fix"]
    assert local.client.delete("/api/models/fake:image").status_code >= 400
    added = local.home / "config/models.toml"
    added.parent.mkdir(parents=True, exist_ok=True)
    added.write_text(f'[[models]]\nname = "mine"\npath = "{local.home}/nowhere"\ntype = "sd"\n')
    local.client.post("/api/models/refresh", params={"backend": "local"})
    assert local.client.get("/api/models/local:mine").status_code == 200
    assert "files stay" in command(local, "models", "remove", "local:mine")
    assert local.client.get("/api/models/local:mine").status_code == 404
    assert "has left the memory" in command(local, "models", "unload", "local:pocket")
