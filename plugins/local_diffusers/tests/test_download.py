"""Downloads through the real hub client against a loopback hub, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from diorama_local_diffusers.models.wanted import needed_names

PROGRAM = """
import json, shutil, sys
from pathlib import Path
from diorama.contract import BackendSettings, DioramaError, JobCancelled
from diorama.testing.context import RecordingJobContext, RecordingListContext
from diorama_local_diffusers import create_backend

home, cancel_at, offline = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "offline"
backend = create_backend(BackendSettings(id="local", config_dir=home / "config", data_dir=home / "data", offline=offline))

class Context(RecordingJobContext):
    def progress(self, stage, fraction=None, message="", **numbers):
        super().progress(stage, fraction, message, **numbers)
        if cancel_at and numbers.get("bytes_done", 0) >= cancel_at:
            self.cancel()
            self._stop_if_cancelled()

if sys.argv[3] == "full":
    shutil.disk_usage = lambda place: shutil._ntuple_diskusage(10**12, 10**12 - 10**6, 10**6)
context = Context(None, home, secrets={"hf_token": "hf_secret"})
told = {}
try:
    backend.download("acme/painter", context)
    told["done"] = True
except JobCancelled:
    told["cancelled"] = True
except DioramaError as error:
    told["error"] = error.describe()
told["numbers"] = [report[3] for report in context.reports if "bytes_done" in report[3]]
try:
    info = backend.describe("acme/painter", RecordingListContext(offline=True))
except DioramaError:
    info = None
told["state"] = info.availability.state if info else None
told["disk_gb"] = info.disk_gb if info else None
if len(sys.argv) > 4:
    told["freed"] = backend.delete("acme/painter")
print(json.dumps(told))
"""


@pytest.fixture
def hub(tmp_path: Path, fake_hub: ModuleType) -> Iterator[Any]:
    import numpy as np
    from safetensors.numpy import save_file

    source = tmp_path / "source"
    (source / "unet").mkdir(parents=True)
    (source / "scheduler").mkdir()
    index = {
        "_class_name": "StableDiffusionPipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "scheduler": ["diffusers", "DDIMScheduler"],
    }
    (source / "model_index.json").write_text(json.dumps(index))
    (source / "scheduler/scheduler_config.json").write_text("{}")
    (source / "unet/config.json").write_text('{"sample_size": 64}')
    save_file(
        {"w": np.arange(40_000_000, dtype=np.uint8)}, source / "unet/diffusion_pytorch_model.safetensors"
    )
    (source / "unet/diffusion_pytorch_model.bin").write_bytes(b"a pickle that nobody wants")
    (source / "whole.safetensors").write_bytes(b"a checkpoint in one file, not needed")
    (source / "painter-Q4_K_S.gguf").write_bytes(b"few bits")
    made = fake_hub.FakeHub("acme/painter", source)
    yield made
    made.close()


@pytest.fixture
def run(tmp_path: Path, hub: Any) -> Callable[..., dict[str, Any]]:
    def start(cancel_at: int = 0, mode: str = "online", *more: str) -> dict[str, Any]:
        environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), str(cancel_at), mode, *more]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout.splitlines()[-1]))

    return start


def test_a_model_is_downloaded_without_pickles_and_deleted(run: Any, hub: Any, tmp_path: Path) -> None:
    told = run(0, "online", "delete")
    assert told["done"]
    assert told["state"] == "ready"
    assert told["numbers"][-1]["bytes_done"] == told["numbers"][-1]["bytes_total"] > 40_000_000
    assert told["numbers"][-1]["bytes_per_second"] > 0
    assert told["freed"] > 40_000_000
    assert not any(path.endswith((".bin", "whole.safetensors")) for path in hub.requests)
    assert not list((tmp_path / "hf").rglob("*.safetensors"))


def test_a_cancelled_download_goes_on_where_it_stopped(run: Any, hub: Any) -> None:
    first = run(12_000_000)
    assert first["cancelled"]
    assert first["numbers"][-1]["bytes_done"] < 40_000_000
    second = run()
    assert second["done"]
    assert second["state"] == "ready"
    assert hub.ranges
    assert int(hub.ranges[0].removeprefix("bytes=").partition("-")[0]) > 0
    done = [numbers["bytes_done"] for numbers in second["numbers"]]
    assert done == sorted(done)


def test_a_disk_that_is_too_small_is_told_before_a_byte_is_fetched(
    run: Any, hub: Any, tmp_path: Path
) -> None:
    told = run(mode="full")
    assert told["error"]["code"] == "insufficient_storage"
    assert "needs 0.0 GB" in told["error"]["message"]
    assert "models du" in told["error"]["fix"]
    assert not any("safetensors" in path for path in hub.requests)
    assert not list(tmp_path.rglob("*.safetensors.partial"))


def test_offline_means_no_attempt(run: Any, hub: Any) -> None:
    told = run(0, "offline")
    assert told["error"]["code"] in ("backend_not_ready", "unknown_model")
    assert not hub.requests


def test_gated_models_say_who_must_approve_and_where(run: Any, hub: Any) -> None:
    hub.gated = True
    told = run()
    assert told["error"]["code"] == "backend_not_ready"
    assert "huggingface.co/acme/painter" in told["error"]["fix"]


def test_one_variant_is_chosen() -> None:
    index = {
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "x": [None, None],
    }
    names = [
        "unet/a.safetensors",
        "unet/a.fp16.safetensors",
        "vae/b.safetensors",
        "vae/b.fp16.safetensors",
        "vae/b.bin",
    ]
    assert needed_names(index, names) == ["unet/a.fp16.safetensors", "vae/b.fp16.safetensors"]
    assert needed_names(index, [name for name in names if name != "vae/b.fp16.safetensors"]) == [
        "unet/a.safetensors",
        "vae/b.safetensors",
    ]


@pytest.mark.parametrize("row", ["", 'gguf = "acme/painter"\nquantizations = ["Q4_K_S"]', 'revision = "v2"'])
def test_a_model_of_the_list_is_ready_when_its_download_ends(run: Any, tmp_path: Path, row: str) -> None:
    (tmp_path / "config").mkdir()
    table = f'[[models]]\nname = "painter"\npath = "acme/painter"\ntype = "sd"\n{row}\n'
    (tmp_path / "config/models.toml").write_text(table)
    told = run()
    assert told["done"]
    assert told["state"] == "ready"
    assert run(0, "offline")["state"] == "ready"
