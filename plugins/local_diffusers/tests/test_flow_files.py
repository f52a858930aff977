"""Whole SD3 and FLUX.1 checkpoints in one file: alone, without T5, without any text encoder, over another model's parts."""

from __future__ import annotations

import inspect
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, BackendSettings, GenerateRequest, InvalidRequest, Operation
from diorama.testing.context import RecordingListContext
from diorama_local_diffusers.models.described import described, described_denoiser
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.shelf import find
from diorama_local_diffusers.models.tokenizers import find_tokenizer
from diorama_local_diffusers.models.user import add_model, write_entries

pytestmark = pytest.mark.torch


@pytest.fixture(scope="session")
def parts(single_files: ModuleType) -> Any:
    """The makers of tiny parts of test_single_files.py."""
    return single_files


def flow_vae(**numbers: float) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=[32, 32, 64, 64], down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4, latent_channels=16, layers_per_block=1, sample_size=1024,
        use_quant_conv=False, use_post_quant_conv=False, **numbers,
    )  # fmt: skip


def sd3(parts: Any, *, newer: bool = False) -> Any:
    import diffusers
    import torch
    from diorama_local_diffusers.testing.encoders import t5_encoder
    from diorama_local_diffusers.testing.tokenizers import t5_tokenizer

    more = {"qk_norm": "rms_norm", "dual_attention_layers": (0,)} if newer else {}
    network = diffusers.SD3Transformer2DModel(
        sample_size=16, patch_size=2, in_channels=16, out_channels=16, num_layers=2, attention_head_dim=64,
        num_attention_heads=1, joint_attention_dim=32, caption_projection_dim=64, pooled_projection_dim=160,
        pos_embed_max_size=16, **more,
    )  # fmt: skip
    first = parts.clip(64, projection=64)
    first.text_projection.weight.data = torch.eye(64)  # the makers have none, so it is in no checkpoint
    return diffusers.StableDiffusion3Pipeline(
        transformer=network, vae=flow_vae(scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=first, text_encoder_2=parts.clip(128, projection=96, act="gelu"),
        text_encoder_3=t5_encoder(), tokenizer=parts.tokenizer("<|endoftext|>"), tokenizer_2=parts.tokenizer("!"),
        tokenizer_3=t5_tokenizer(), scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0),
    )  # fmt: skip


def flux(parts: Any, *, guided: bool = True) -> Any:
    import diffusers
    from diorama_local_diffusers.testing.encoders import t5_encoder
    from diorama_local_diffusers.testing.tokenizers import t5_tokenizer

    network = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=64, guidance_embeds=guided, axes_dims_rope=(4, 6, 6),
    )  # fmt: skip
    shift = {"shift": 3.0 if guided else 1.0, "use_dynamic_shifting": guided}
    return diffusers.FluxPipeline(
        transformer=network, vae=flow_vae(scaling_factor=0.3611, shift_factor=0.1159), text_encoder=parts.clip(64),
        text_encoder_2=t5_encoder(), tokenizer=parts.tokenizer("<|endoftext|>"), tokenizer_2=t5_tokenizer(),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(**shift),
    )  # fmt: skip


@pytest.fixture(autouse=True)
def same_weights() -> None:
    import torch

    torch.manual_seed(0)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The converter of FLUX.1 has the width of the real network as a number; here it is that of the tiny one."""
    import diffusers.loaders.single_file_model as models
    import diffusers.loaders.single_file_utils as utils

    code = inspect.getsource(utils.convert_flux_transformer_checkpoint_to_diffusers)
    assert "inner_dim = 3072" in code
    place = dict(vars(utils))
    exec(code.replace("inner_dim = 3072", "inner_dim = 32"), place)
    kind = models.SINGLE_FILE_LOADABLE_CLASSES["FluxTransformer2DModel"]
    monkeypatch.setitem(
        kind, "checkpoint_mapping_fn", place["convert_flux_transformer_checkpoint_to_diffusers"]
    )


@pytest.fixture
def alone(settings: BackendSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendSettings:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return settings


def listing() -> Any:
    return RecordingListContext(offline=True)


def snapshot(home: Path, repository: str, pipe: Any = None) -> Path:
    """Make the place of a model in the hub's cache, with ``pipe`` in it."""
    place = home / f"hf/hub/models--{repository.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs/main").write_text("abc")
    if pipe is not None:
        pipe.save_pretrained(place / "snapshots/abc")
    return place / "snapshots/abc"


def lend_words(home: Path, pipe: Any) -> None:
    """Put the tokenizers of a pipeline where some other model of the hub's cache would have them."""
    place = snapshot(home, "some/painter")
    pipe.tokenizer.save_pretrained(place / "tokenizer")
    words = getattr(pipe, "tokenizer_3", None) or pipe.tokenizer_2
    words.save_pretrained(place / "tokenizer_2")


def picture(backend: Any, model: Any, job: Any) -> Any:
    context = job(model)
    backend.generate(
        GenerateRequest(model=model.id, prompt="a cat", width=64, height=64, num_inference_steps=3, seed=1),
        context,
    )
    return np.asarray(context.saved[0][0]).astype(int)


def same_picture(first: Any, second: Any) -> bool:
    """Tensors of a file lie at other places than those of a folder, which moves a rounding here and there."""
    return bool(np.abs(first - second).max() <= 1)


def from_folder(backend: Any, settings: BackendSettings, pipe: Any, place: Path, job: Any) -> Any:
    pipe.save_pretrained(place)
    add_model(settings, str(place))
    return picture(backend, backend.describe(place.name, listing()), job)


@pytest.mark.parametrize("kind", ["sd3", "sd3.5", "dev", "schnell"])
def test_a_checkpoint_alone_gives_the_folders_pixels(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any, narrow: None, kind: str
) -> None:
    from diorama_local_diffusers.testing.flow_checkpoint import write_flux_checkpoint, write_sd3_checkpoint

    stable = kind.startswith("sd3")
    pipe = sd3(parts, newer=kind == "sd3.5") if stable else flux(parts, guided=kind == "dev")
    file = (write_sd3_checkpoint if stable else write_flux_checkpoint)(pipe, tmp_path / "my.safetensors")
    assert detect(file) == ("sd3" if stable else "flux")
    model = add_model(alone, str(file))
    assert model.availability.state is AvailabilityState.NEEDS_DOWNLOAD
    assert "needs the CLIP tokenizer and the T5 tokenizer of " in str(model.availability.fix)
    assert model.downloadable

    lend_words(tmp_path, pipe)
    ready = backend.describe("my", listing())
    assert ready.availability.state is AvailabilityState.READY
    assert Operation.EDIT in ready.operations
    assert (ready.operations[Operation.GENERATE].guidance_scale is None) == (kind == "schnell")
    single = picture(backend, ready, job)
    assert same_picture(single, from_folder(backend, alone, pipe, tmp_path / "folder", job))
    opened = backend.room.open(find("my", alone), job(ready)).pipe
    networks = [part for part in opened.components.values() if hasattr(part, "training")]
    assert len(networks) == (5 if stable else 4)
    assert not any(part.training for part in networks), "T5 would forget something at random"


def test_sd3_runs_without_t5(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any
) -> None:
    from diorama_local_diffusers.testing.flow_checkpoint import write_sd3_checkpoint

    pipe = sd3(parts)
    with_t5 = from_folder(backend, alone, pipe, tmp_path / "all", job)
    add_model(alone, str(write_sd3_checkpoint(pipe, tmp_path / "my.safetensors", texts=("clip_l", "clip_g"))))
    single = picture(backend, backend.describe("my", listing()), job)
    pipe.register_modules(text_encoder_3=None, tokenizer_3=None)
    assert same_picture(single, from_folder(backend, alone, pipe, tmp_path / "few", job))
    assert not same_picture(single, with_t5)


def test_a_file_without_text_encoders_takes_those_of_its_base(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any
) -> None:
    from diorama_local_diffusers.testing.flow_checkpoint import write_sd3_checkpoint

    base, pipe = sd3(parts), sd3(parts, newer=True)
    file = write_sd3_checkpoint(pipe, tmp_path / "my.safetensors", texts=())
    model = add_model(alone, str(file))
    assert "the other parts of stabilityai/stable-diffusion-3-medium-diffusers" in str(model.availability.fix)
    place = snapshot(tmp_path, "stabilityai/stable-diffusion-3-medium-diffusers", base)
    for part in ("transformer", "vae", "text_encoder_3"):
        next((place / part).glob("*.safetensors")).unlink()
    lacks = str(backend.describe("my", listing()).availability.fix)
    assert "text_encoder_3 has no weights" in lacks
    assert "transformer" not in lacks
    assert "vae" not in lacks
    base.text_encoder_3.save_pretrained(place / "text_encoder_3")
    single = picture(backend, backend.describe("my", listing()), job)
    for name in ("text_encoder", "text_encoder_2", "text_encoder_3"):
        setattr(pipe, name, getattr(base, name))
    assert same_picture(single, from_folder(backend, alone, pipe, tmp_path / "folder", job))


def test_a_denoiser_of_dev_over_schnells_parts_is_still_dev(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any, narrow: None
) -> None:
    from diorama_local_diffusers.testing.checkpoint import save_tensors
    from diorama_local_diffusers.testing.flow_checkpoint import flux_tensors

    schnell, dev = flux(parts, guided=False), flux(parts)
    snapshot(tmp_path, "black-forest-labs/FLUX.1-Kontext-dev", schnell)
    begun = snapshot(tmp_path, "black-forest-labs/FLUX.1-schnell", schnell)
    next((begun / "text_encoder_2").glob("*.safetensors")).unlink()  # the next base is whole
    add_model(alone, str(save_tensors(flux_tensors(dev.transformer), tmp_path / "my.safetensors")))
    model = backend.describe("my", listing())
    assert model.operations[Operation.GENERATE].guidance_scale is not None
    single = picture(backend, model, job)
    for name in ("vae", "text_encoder", "text_encoder_2"):
        setattr(dev, name, getattr(schnell, name))
    assert same_picture(single, from_folder(backend, alone, dev, tmp_path / "folder", job))


def test_of_a_file_with_more_than_is_known_the_denoiser_counts(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, tiny: Any
) -> None:
    from diffusers import LTX2VideoTransformer3DModel
    from diorama.contract import VideoRequest
    from diorama_local_diffusers.testing.checkpoint import save_tensors

    base = snapshot(tmp_path, "Lightricks/LTX-2")
    shutil.copytree(tiny("ltx2"), base)
    network = LTX2VideoTransformer3DModel.from_pretrained(base / "transformer")
    changed = {
        key: value * 3 if key.startswith("proj_out") else value for key, value in network.state_dict().items()
    }
    tensors = {f"model.diffusion_model.{key}": value for key, value in changed.items()}
    tensors |= {
        "vae.per_channel_statistics.mean-of-means": changed["proj_in.bias"],
        "vocoder.x": changed["proj_in.bias"],
    }
    file = save_tensors(tensors, tmp_path / "my.safetensors")
    network.load_state_dict(changed)
    shutil.copytree(base, tmp_path / "folder")
    network.save_pretrained(tmp_path / "folder/transformer")
    made = []
    for name, path in (("my", file), ("folder", tmp_path / "folder"), ("base", base)):
        entry = ModelEntry(
            name=name, path=str(path), type="ltx2", default_width=64, default_height=64, default_steps=2
        )
        write_entries(alone, [entry])
        model = model_info(entry, alone)
        context = job(model)
        backend.video(
            VideoRequest(model=model.id, prompt="x", num_frames=9, width=64, height=64, seed=1), context
        )
        made.append(context.saved[0][0].astype(int))
    assert same_picture(made[0], made[1])
    assert not same_picture(made[0], made[2])


def test_a_kontext_checkpoint_edits(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any, narrow: None
) -> None:
    from diorama.contract import EditRequest, MediaInput
    from diorama_local_diffusers.testing.flow_checkpoint import write_flux_checkpoint
    from PIL import Image

    pipe = flux(parts)
    lend_words(tmp_path, pipe)
    file = write_flux_checkpoint(pipe, tmp_path / "my.safetensors")
    entry = ModelEntry(
        name="my", path=str(file), type="flux-kontext", default_width=64, default_height=64, default_steps=2
    )
    write_entries(alone, [entry])
    model = model_info(entry, alone)
    Image.new("RGB", (50, 70), "red").save(tmp_path / "in.png")
    context = job(model)
    images = (MediaInput(path=str(tmp_path / "in.png"), width=50, height=70),)
    backend.edit(EditRequest(model=model.id, prompt="x", images=images, seed=1), context)
    assert context.saved[0][0].size == (50, 70)


def eight_bits(tensors: dict[str, Any], scale: float) -> dict[str, Any]:
    """Return tensors with the matrices of their blocks in 8 bits and a scale beside each, as ComfyUI writes them."""
    import torch

    found: dict[str, Any] = {"scaled_fp8": torch.zeros(0).to(torch.float8_e4m3fn)}
    for name, value in tensors.items():
        if value.ndim == 2 and "blocks." in name:
            found[name] = (value / scale).to(torch.float8_e4m3fn)
            found[name.removesuffix("weight") + "scale_weight"] = torch.tensor(scale)
            found[name.removesuffix("weight") + "scale_input"] = torch.tensor(1.0)
        else:
            found[name] = value
    return found


@pytest.mark.parametrize("whole", [True, False])
def test_weights_in_8_bits_mean_themselves_times_their_scale(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any, narrow: None, whole: bool
) -> None:
    from diorama_local_diffusers.testing.checkpoint import save_tensors
    from diorama_local_diffusers.testing.flow_checkpoint import flux_tensors, write_flux_checkpoint
    from safetensors.torch import load_file

    pipe = flux(parts)
    lend_words(tmp_path, pipe)
    folder = from_folder(backend, alone, pipe, tmp_path / "folder", job)
    if whole:
        tensors = load_file(write_flux_checkpoint(pipe, tmp_path / "plain.safetensors"))
    else:
        snapshot(tmp_path, "black-forest-labs/FLUX.1-schnell", pipe)
        tensors = flux_tensors(pipe.transformer)
    add_model(alone, str(save_tensors(eight_bits(tensors, 0.001), tmp_path / "my.safetensors")))
    few = picture(backend, backend.describe("my", listing()), job)
    assert 0 < np.abs(few - folder).mean() < 3
    backend.unload()
    wrong = {name: value for name, value in eight_bits(tensors, 0.001).items() if "scale_" not in name}
    save_tensors(wrong, tmp_path / "my.safetensors")
    assert np.abs(picture(backend, backend.describe("my", listing()), job) - folder).mean() > 10


def test_packed_weights_are_refused(
    alone: BackendSettings, backend: Any, job: Any, tmp_path: Path, parts: Any
) -> None:
    import torch
    from diorama_local_diffusers.testing.checkpoint import save_tensors
    from diorama_local_diffusers.testing.flow_checkpoint import flux_tensors

    pipe = flux(parts)
    snapshot(tmp_path, "black-forest-labs/FLUX.1-schnell", pipe)
    tensors = flux_tensors(pipe.transformer)
    tensors["double_blocks.0.img_mlp.0.weight_scale_2"] = torch.ones(1)
    add_model(alone, str(save_tensors(tensors, tmp_path / "my.safetensors")))
    with pytest.raises(InvalidRequest, match="packed in a layout") as refused:
        picture(backend, backend.describe("my", listing()), job)
    assert "GGUF" in str(refused.value.fix)


FULL_SD3 = {
    "sd3-medium": {"num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536, "pos_embed_max_size": 192},
    "sd3.5-large": {"num_layers": 38, "num_attention_heads": 38, "caption_projection_dim": 2432, "pos_embed_max_size": 192,
                    "qk_norm": "rms_norm"},
    "sd3.5-medium": {"num_layers": 24, "num_attention_heads": 24, "caption_projection_dim": 1536,
                     "pos_embed_max_size": 384, "qk_norm": "rms_norm", "dual_attention_layers": list(range(13))},
}  # fmt: skip


@pytest.mark.parametrize("kind", FULL_SD3)
def test_the_configuration_of_full_size_sd3(tmp_path: Path, parts: Any, kind: str) -> None:
    import torch
    from diffusers import SD3Transformer2DModel
    from diorama_local_diffusers.testing.flow_checkpoint import sd3_tensors

    numbers = {"sample_size": 128, "patch_size": 2, "in_channels": 16, "out_channels": 16, "attention_head_dim": 64,
               "joint_attention_dim": 4096, "pooled_projection_dim": 2048, **FULL_SD3[kind]}  # fmt: skip
    with torch.device("meta"):
        tensors = sd3_tensors(SD3Transformer2DModel(**numbers))
    found = described_denoiser(parts.header_only(tmp_path / "my.safetensors", tensors), "transformer")
    assert found is not None
    parts.same(found["transformer/config.json"], numbers)
    parts.same(found["scheduler/scheduler_config.json"], {"shift": 3.0})


def test_the_configuration_of_full_size_text_encoders(tmp_path: Path, parts: Any) -> None:
    import torch
    from diorama_local_diffusers.testing.flow_checkpoint import write_sd3_checkpoint
    from transformers import T5Config, T5EncoderModel

    pipe = sd3(parts)
    with torch.device("meta"):
        first = parts.full_clip(768, 3072, 12, 12, 768)
        second = parts.full_clip(1280, 5120, 32, 20, 1280)
        third = T5EncoderModel(
            T5Config(vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64,
                     feed_forward_proj="gated-gelu"))  # fmt: skip
    names = {"clip_l": first, "clip_g": second, "t5xxl": third}
    write_sd3_checkpoint(pipe, tmp_path / "tiny.safetensors", texts=())
    from safetensors.torch import load_file

    tensors: dict[str, Any] = load_file(tmp_path / "tiny.safetensors")
    for name, encoder in names.items():
        for key, value in encoder.state_dict().items():
            tensors[f"text_encoders.{name}.transformer.{key}"] = value
    files = described(parts.header_only(tmp_path / "my.safetensors", tensors), "sd3")
    assert files is not None
    parts.same(files["text_encoder/config.json"], {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12,
                                                   "projection_dim": 768, "hidden_act": "quick_gelu"})  # fmt: skip
    parts.same(files["text_encoder_2/config.json"], {"hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 20,
                                                     "projection_dim": 1280, "hidden_act": "gelu"})  # fmt: skip
    parts.same(files["text_encoder_3/config.json"], {"vocab_size": 32128, "d_model": 4096, "d_kv": 64, "d_ff": 10240,
                                                     "num_layers": 24, "num_heads": 64})  # fmt: skip


def test_a_vocabulary_of_another_t5_is_not_taken(alone: BackendSettings, tmp_path: Path) -> None:
    real, multilingual = {"model_type": "t5", "vocab_size": 32128}, {"model_type": "t5", "vocab_size": 256384}
    place = alone.models_dirs[0] / "painter/tokenizer"
    place.mkdir(parents=True)
    pieces = [["<pad>", 0.0], ["</s>", 0.0], *([f"p{number}", -1.0] for number in range(32098))]
    (place / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram", "vocab": pieces}}))
    assert find_tokenizer(real, alone) == place
    assert find_tokenizer(multilingual, alone) is None
    assert find_tokenizer({"vocab_size": 32100}, alone) is None, "CLIP's has another end"
    (place / "tokenizer.json").write_text(json.dumps({"model": {"type": "Unigram", "vocab": pieces[2:]}}))
    assert find_tokenizer(real, alone) is None
