"""Checkpoints in one file run offline with nothing beside them but a tokenizer that some model here has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, BackendSettings, GenerateRequest, Operation
from diorama_local_diffusers.models import layout
from diorama_local_diffusers.models.described import described
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.tokenizers import find_tokenizer
from diorama_local_diffusers.models.user import add_model, write_entries

pytestmark = pytest.mark.torch
NOISE = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "steps_offset": 1}
WORDS = 514
"""Words of the test kit's tokenizer."""


def clip(width: int, *, projection: int = 0, act: str = "quick_gelu") -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=WORDS, hidden_size=width, intermediate_size=48, num_hidden_layers=2, hidden_act=act,
        num_attention_heads=max(width // 64, 1), projection_dim=projection or width, bos_token_id=0, eos_token_id=2,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def vae(**more: Any) -> Any:
    from diffusers import AutoencoderKL

    widths = [32, 32, 64, 64]
    return AutoencoderKL(
        block_out_channels=widths, down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        latent_channels=4, layers_per_block=1, sample_size=512, **more,
    )  # fmt: skip


def unet(cross: int, **more: Any) -> Any:
    from diffusers import UNet2DConditionModel

    settings = {"block_out_channels": (32, 64), "layers_per_block": 2, "sample_size": 128, "cross_attention_dim": cross,
                "down_block_types": ("CrossAttnDownBlock2D", "DownBlock2D"),
                "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D")}  # fmt: skip
    return UNet2DConditionModel(**(settings | more))


def tokenizer(pad: str) -> Any:
    from diorama_local_diffusers.testing.tokenizers import clip_tokenizer

    made = clip_tokenizer()
    made.pad_token = pad
    return made


def sd() -> Any:
    import diffusers

    return diffusers.StableDiffusionPipeline(
        unet=unet(64), vae=vae(), text_encoder=clip(64), tokenizer=tokenizer("<|endoftext|>"),
        scheduler=diffusers.PNDMScheduler(set_alpha_to_one=False, skip_prk_steps=True, **NOISE),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip


def sdxl() -> Any:
    import diffusers

    network = unet(
        192, attention_head_dim=(1, 1), use_linear_projection=True, addition_embed_type="text_time",
        addition_time_embed_dim=256, projection_class_embeddings_input_dim=6 * 256 + 96,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 2),
    )  # fmt: skip
    return diffusers.StableDiffusionXLPipeline(
        unet=network, vae=vae(scaling_factor=0.13025), text_encoder=clip(64),
        text_encoder_2=clip(128, projection=96, act="gelu"),
        tokenizer=tokenizer("<|endoftext|>"), tokenizer_2=tokenizer("!"),
        scheduler=diffusers.EulerDiscreteScheduler(timestep_spacing="leading", **NOISE),
    )  # fmt: skip


def picture(backend: Any, model: Any, job: Any) -> Any:
    context = job(model)
    request = GenerateRequest(
        model=model.id, prompt="a cat", negative_prompt="b", width=64, height=64, num_inference_steps=3, seed=1,
        guidance_scale=4.0,
    )  # fmt: skip
    backend.generate(request, context)
    return np.asarray(context.saved[0][0]).astype(int)


@pytest.fixture
def alone(settings: BackendSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendSettings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return settings


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_checkpoint_alone_gives_the_folders_pixels(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, family: str
) -> None:
    from diorama_local_diffusers.testing.checkpoint import write_sd_checkpoint, write_sdxl_checkpoint

    pipe = {"sd": sd, "sdxl": sdxl}[family]()
    file = {"sd": write_sd_checkpoint, "sdxl": write_sdxl_checkpoint}[family](
        pipe, tmp_path / "my.safetensors"
    )
    assert detect(file) == family
    model = add_model(alone, str(file))
    assert model.availability.state is AvailabilityState.NEEDS_DOWNLOAD
    assert "needs the CLIP tokenizer of" in str(model.availability.fix)
    assert "models download local:my" in str(model.availability.fix)
    assert model.downloadable

    other = tmp_path / "hf/hub/models--some--painter/snapshots/abc/tokenizer"
    pipe.tokenizer.save_pretrained(other)
    ready = backend.describe("my", _listing())
    assert ready.availability.state is AvailabilityState.READY
    assert Operation.EDIT in ready.operations
    single = picture(backend, ready, job)

    pipe.save_pretrained(tmp_path / "folder")
    add_model(alone, str(tmp_path / "folder"))
    expected = picture(backend, backend.describe("folder", _listing()), job)
    assert np.array_equal(single, expected)


def test_a_tokenizer_with_another_vocabulary_is_not_taken(alone: BackendSettings, tmp_path: Path) -> None:
    assert find_tokenizer({"vocab_size": WORDS}, alone) is None
    tokenizer("!").save_pretrained(alone.models_dirs[0] / "painter/tokenizer")
    assert find_tokenizer({"vocab_size": WORDS}, alone) is not None
    assert find_tokenizer({"vocab_size": 49408}, alone) is None
    table = {f"w{number}": number for number in range(49407)} | {"<|endoftext|>": 49407}
    pair = tmp_path / "hf/hub/models--a--b/snapshots/c/tokenizer_2"
    pair.mkdir(parents=True)
    (pair / "vocab.json").write_text(json.dumps(table))
    assert find_tokenizer({"vocab_size": 49408}, alone) is None, "half a vocabulary"
    (pair / "merges.txt").write_text("#version: 0.2\n")
    assert find_tokenizer({"vocab_size": 49408}, alone) == pair


def header_only(place: Path, tensors: dict[str, Any]) -> Path:
    """Write a file with true header and no bytes on disk, however large its tensors are."""
    header, end = {}, 0
    for key, value in tensors.items():
        size = 2 * int(np.prod(value.shape))
        header[key] = {"dtype": "F16", "shape": list(value.shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    place.write_bytes(len(text).to_bytes(8, "little") + text)
    os.truncate(place, 8 + len(text) + end)
    return place


def full_size(build: Callable[[], Any], place: Path) -> Path:
    import torch
    from diorama_local_diffusers.testing.checkpoint import checkpoint_tensors

    with torch.device("meta"):
        pipe = build()
    return header_only(place, checkpoint_tensors(pipe))


class Parts:
    def __init__(self, **parts: Any) -> None:
        self.__dict__.update(parts)


def full_clip(width: int, middle: int, layers: int, heads: int, projection: int = 0) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=49408, hidden_size=width, intermediate_size=middle, num_hidden_layers=layers,
        num_attention_heads=heads, projection_dim=projection or width,
    )  # fmt: skip
    return CLIPTextModelWithProjection(config) if projection else CLIPTextModel(config)


def full_vae() -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[128, 256, 512, 512], down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4, latent_channels=4, layers_per_block=2,
    )  # fmt: skip


SD1 = {
    "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2, "cross_attention_dim": 768,
    "down_block_types": ["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
    "up_block_types": ["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    "attention_head_dim": 8, "in_channels": 4, "out_channels": 4, "sample_size": 64,
}  # fmt: skip
SDXL = {
    "block_out_channels": [320, 640, 1280], "layers_per_block": 2, "cross_attention_dim": 2048,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "attention_head_dim": [5, 10, 20], "transformer_layers_per_block": [1, 2, 10], "use_linear_projection": True,
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816, "in_channels": 4, "out_channels": 4, "sample_size": 128,
}  # fmt: skip


def same(config: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {key: config.get(key) for key in expected} == expected


@pytest.mark.parametrize(
    ("channels", "kind"), [(4, "StableDiffusionPipeline"), (9, "StableDiffusionInpaintPipeline")]
)
def test_the_configuration_of_full_size_stable_diffusion(tmp_path: Path, channels: int, kind: str) -> None:
    from diffusers import UNet2DConditionModel

    numbers = SD1 | {"in_channels": channels}
    file = full_size(
        lambda: Parts(
            unet=UNet2DConditionModel(**numbers), vae=full_vae(), text_encoder=full_clip(768, 3072, 12, 12)
        ),
        tmp_path / "sd.safetensors",
    )
    files = described(file, "sd")
    assert files is not None
    same(files["unet/config.json"], numbers | {"use_linear_projection": False})
    same(files["vae/config.json"], {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2,
                                    "latent_channels": 4, "scaling_factor": 0.18215})  # fmt: skip
    same(files["text_encoder/config.json"], {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
                                             "num_attention_heads": 12, "vocab_size": 49408})  # fmt: skip
    assert files["model_index.json"]["_class_name"] == kind


def test_the_configuration_of_full_size_sdxl(tmp_path: Path) -> None:
    import torch
    from diffusers import UNet2DConditionModel

    file = full_size(
        lambda: Parts(
            unet=UNet2DConditionModel(**SDXL), vae=full_vae(), text_encoder=full_clip(768, 3072, 12, 12),
            text_encoder_2=full_clip(1280, 5120, 32, 20, projection=1280),
        ),
        tmp_path / "sdxl.safetensors",
    )  # fmt: skip
    assert detect(file) == "sdxl"
    files = described(file, "sdxl")
    assert files is not None
    same(files["unet/config.json"], SDXL)
    same(files["text_encoder_2/config.json"], {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
                                               "num_attention_heads": 20, "projection_dim": 1280})  # fmt: skip
    assert files["tokenizer_2/tokenizer_config.json"]["pad_token"] == "!"
    with torch.device("meta"):
        network = UNet2DConditionModel.from_config(files["unet/config.json"])
    assert sum(weight.numel() for weight in network.parameters()) == 2_567_463_684


def test_a_file_that_says_it_predicts_velocity_is_sampled_so(tmp_path: Path) -> None:
    from diorama_local_diffusers.testing.checkpoint import checkpoint_tensors

    tensors = checkpoint_tensors(sdxl())
    marks = {"v_pred": np.zeros(0), "ztsnr": np.zeros(0)}
    files = described(header_only(tmp_path / "v.safetensors", tensors | marks), "sdxl")
    assert files is not None
    same(
        files["scheduler/scheduler_config.json"],
        {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
    )


@pytest.mark.parametrize("guided", [True, False])
def test_the_configuration_of_full_size_flux(guided: bool) -> None:
    import torch
    from diffusers import FluxTransformer2DModel

    shapes: dict[str, tuple[int, ...]] = {
        "img_in.weight": (3072, 64), "txt_in.weight": (3072, 4096), "vector_in.in_layer.weight": (3072, 768),
        "final_layer.linear.weight": (64, 3072), "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
        "double_blocks.18.img_mlp.0.weight": (12288, 3072), "single_blocks.37.linear2.weight": (3072, 15360),
    }  # fmt: skip
    config = layout.flux_config(shapes | ({"guidance_in.in_layer.weight": (3072, 256)} if guided else {}))
    assert config["axes_dims_rope"] == [16, 56, 56]
    with torch.device("meta"):
        network = FluxTransformer2DModel.from_config(config)
    count = sum(weight.numel() for weight in network.parameters())
    assert count == (11_901_408_320 if guided else 11_891_178_560)


def test_what_tells_nothing_is_left_to_its_base(tmp_path: Path) -> None:
    nothing = header_only(
        tmp_path / "x.safetensors", {"first_stage_model.decoder.conv_in.weight": np.zeros((4, 4, 3, 3))}
    )
    assert described(nothing, "sd") is None
    entry = ModelEntry(name="x", path=str(nothing), type="sd")
    settings = BackendSettings(
        id="local", config_dir=tmp_path / "c", cache_dir=tmp_path / "cache", offline=True
    )
    write_entries(settings, [entry])
    found = model_info(entry, settings).availability
    assert "the other parts of stable-diffusion-v1-5/stable-diffusion-v1-5" in str(found.fix)


def _listing() -> Any:
    from diorama.testing.context import RecordingListContext

    return RecordingListContext(offline=True)


@pytest.mark.parametrize("whole", [True, False])
def test_a_download_brings_only_what_the_file_lacks(
    tmp_path: Path, fake_hub: ModuleType, whole: bool
) -> None:
    from diorama_local_diffusers.testing.checkpoint import checkpoint_tensors
    from safetensors.torch import save_file

    pipe = sd()
    pipe.save_pretrained(tmp_path / "repository")
    tensors = checkpoint_tensors(pipe)
    kept = {key: value for key, value in tensors.items() if whole or key.startswith("model.diffusion_model.")}
    save_file({key: value.contiguous().clone() for key, value in kept.items()}, tmp_path / "my.safetensors")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIORAMA_", "HF_"))}
    hub = fake_hub.FakeHub("stable-diffusion-v1-5/stable-diffusion-v1-5", tmp_path / "repository")
    environ = clean | {
        "DIORAMA_HOME": str(tmp_path / "home"), "DIORAMA_PLUGINS_ALLOW": "local", "DIORAMA_KEYRING": "0",
        "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "DIORAMA_DEVICES": "cpu",
    }  # fmt: skip

    def diorama(*words: str) -> str:
        command = [sys.executable, "-m", "diorama", "models", *words]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    try:
        diorama("add", str(tmp_path / "my.safetensors"))
        assert "needs_download" in diorama("show", "local:my")
        diorama("download", "local:my")
        shown = diorama("show", "local:my")
        assert "ready" in shown, shown
    finally:
        hub.close()
    fetched = {
        path.rpartition("/main/")[2].partition("/resolve/")[2].partition("/")[2] for path in hub.requests
    }
    weights = {name for name in fetched if name.endswith(".safetensors")}
    assert weights == (
        set() if whole else {"text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors"}
    )


def test_a_job_fetches_the_model_that_it_needs(
    tmp_path: Path, fake_hub: ModuleType, tiny: Callable[..., Path]
) -> None:
    hub = fake_hub.FakeHub("acme/painter", tiny("sd"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DIORAMA_", "HF_"))}
    environ = clean | {
        "DIORAMA_HOME": str(tmp_path / "home"), "DIORAMA_PLUGINS_ALLOW": "local", "DIORAMA_KEYRING": "0",
        "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": hub.url, "DIORAMA_DEVICES": "cpu",
    }  # fmt: skip
    command = [sys.executable, "-m", "diorama", "a cat", "-m", "local:acme/painter", "--size", "64x64", "--steps", "1",
               "-o", str(tmp_path / "cat.png")]  # fmt: skip
    try:
        done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600, check=False)
    finally:
        hub.close()
    assert done.returncode == 0, done.stderr
    assert "downloading" in done.stderr
    assert (tmp_path / "cat.png").exists()
    again = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert again.returncode == 0, "the hub is gone, and not needed any more"
    assert "downloading" not in again.stderr
