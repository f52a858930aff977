"""From a search on Civitai to a picture: a checkpoint and a LoRA are fetched, appear, and are used."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "plugins/civitai/tests"))

from civitai_standin import Site
from diorama.contract import LoraRef
from diorama.engine import Engine
from diorama.jobs.submission import Submission
from diorama.services import civitai
from diorama.settings import load_settings

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes, bytes]:
    """A tiny pipeline as a folder, as a checkpoint of one file, and a LoRA for it."""
    pytest.importorskip("torch")
    import torch
    from diffusers import DiffusionPipeline
    from diorama_local_diffusers.testing.checkpoint import write_sd_checkpoint
    from diorama_local_diffusers.testing.tiny import build
    from peft import LoraConfig, get_peft_model_state_dict

    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("tiny")
    folder = build("sd", root)
    pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    checkpoint = write_sd_checkpoint(pipe, root / "tiny.safetensors").read_bytes()
    torch.manual_seed(1)
    pipe.unet.add_adapter(
        LoraConfig(r=2, target_modules=["to_q", "to_k", "to_v"], init_lora_weights=False), "made"
    )
    layers = get_peft_model_state_dict(pipe.unet, adapter_name="made")
    pipe.save_lora_weights(root, unet_lora_layers=layers, weight_name="lora.safetensors")
    return folder, checkpoint, (root / "lora.safetensors").read_bytes()


@pytest.fixture
def engine(weights: Any, tmp_path: Path) -> Iterator[tuple[Engine, Site]]:
    folder, checkpoint, lora = weights
    models = tmp_path / "models"
    models.mkdir()
    (models / "stable-diffusion-v1-5").symlink_to(folder)  # what completes a checkpoint of one file
    with Site() as site:
        site.add(1, checkpoint, name="Tiny", file={"name": "tiny.safetensors"})
        site.add(2, lora, name="Thick", type="LORA", file={"name": "thick.safetensors"})
        settings = load_settings(
            {
                "DIORAMA_HOME": str(tmp_path / "home"),
                "DIORAMA_MODELS_DIRS": str(models),
                "DIORAMA_KEYRING": "0",
                "DIORAMA_PLUGINS_ALLOW": "none",
                "DIORAMA_DEVICES": "cpu",
                "DIORAMA_BACKENDS__LOCAL__PLUGIN": "diorama_local_diffusers:create_backend",
                "DIORAMA_BACKENDS__CIVITAI__PLUGIN": "diorama_civitai:create_backend",
                "DIORAMA_BACKENDS__CIVITAI__URL": site.url,
                "DIORAMA_BACKENDS__CIVITAI__ALLOW_HOSTS": site.storage,
            }
        )
        with Engine(settings) as running:
            yield running, site


def test_fetched_listed_and_used(engine: tuple[Engine, Site], weights: Any) -> None:
    running, _ = engine
    found = civitai.search(running, query="tiny", types=["Checkpoint"])
    version = found["models"][0]["version_id"]
    jobs = [civitai.download(running, str(version)), civitai.download(running, "20")]
    for job in jobs:
        done = running.wait(job.id, 60)
        assert done.status == "completed", done.error

    model = running.catalog.get("local:tiny-10-100")
    assert (model.title, model.kind, model.availability.state) == ("Tiny – v1", "sd", "ready")
    lora = next(item for item in running.registry.backend("local").loras() if item.id == "thick-20-200")
    assert lora.triggers == ("oil painting", "thick paint")

    def picture(*loras: LoraRef) -> Any:
        asked = Submission(
            kind="generate", model=model.id, prompt="a boat", width=64, height=64, num_inference_steps=2, seed=1,
            loras=loras,
        )  # fmt: skip
        job = running.wait(running.submit(asked).id, 240)
        assert job.status == "completed", job.error
        return running.assets.get(job.asset_ids[0])

    plain, painted = picture(), picture(LoraRef(id="thick-20-200", weight=1.0))
    assert (
        Path(running.assets.file(plain.id)).read_bytes() != Path(running.assets.file(painted.id)).read_bytes()
    )

    origins = civitai.of_asset(running, painted.id)
    found_hashes = {(item["role"], item["version"]["id"]) for item in origins["found"]}
    assert ("lora", 20) in found_hashes
    assert painted.recipe["loras"][0]["sha256"] == hashlib.sha256(weights[2]).hexdigest()
    assert ("model", 10) in found_hashes
    assert running.delete_model("civitai:10") == len(weights[1])
