"""Models in one file: whole checkpoints, denoisers alone, GGUF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, BackendNotReady, GenerateRequest, InvalidRequest, Operation
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import add_model, write_entries

pytestmark = pytest.mark.torch


def load(folder: Path) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(folder, local_files_only=True)


def picture(backend: Any, model: Any, job: Any, **more: Any) -> Any:
    context = job(model)
    request = GenerateRequest(
        model=model.id, prompt="a cat", width=64, height=64, num_inference_steps=2, seed=1, parameters=more
    )
    backend.generate(request, context)
    return np.asarray(context.saved[0][0]).astype(int)


def listed(settings: Any, **row: Any) -> Any:
    entry = ModelEntry(default_width=64, default_height=64, **row)
    write_entries(settings, [entry])
    return model_info(entry, settings)


def test_a_whole_checkpoint_gives_the_folders_pixels(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path
) -> None:
    from diorama_local_diffusers.testing.checkpoint import write_sd_checkpoint

    file = write_sd_checkpoint(load(tiny("sd")), tmp_path / "tiny.safetensors")
    assert detect(file) == "sd"
    folder = listed(settings, name="folder", path=str(tiny("sd")), type="sd")
    expected = picture(backend, folder, job)
    single = listed(settings, name="single", path=str(file), type="sd", base=str(tiny("sd")))
    assert np.array_equal(picture(backend, single, job), expected)


def test_one_file_without_its_base_says_what_is_missing(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path
) -> None:
    from diorama_local_diffusers.testing.checkpoint import write_sd_checkpoint

    model = add_model(settings, str(write_sd_checkpoint(load(tiny("sd")), tmp_path / "alone.safetensors")))
    assert model.availability.state is AvailabilityState.NEEDS_DOWNLOAD
    assert "stable-diffusion-v1-5" in str(model.availability.fix)
    with pytest.raises(BackendNotReady, match="needs the CLIP tokenizer of"):
        picture(backend, model, job)


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
def test_a_gguf_file_over_a_folder(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path, prefix: str
) -> None:
    from diorama_local_diffusers.testing.checkpoint import write_gguf

    folder = tiny("qwen-image")
    file = write_gguf(load(folder).transformer, tmp_path / "tiny-Q8_0.gguf", prefix=prefix)
    assert detect(file) == "qwen-image"
    plain = picture(backend, listed(settings, name="plain", path=str(folder), type="qwen-image"), job)
    few_bits = listed(settings, name="gguf", path=str(file), type="qwen-image", base=str(folder))
    difference = np.abs(picture(backend, few_bits, job) - plain)
    assert difference.max() > 0
    assert difference.mean() < 3


def test_the_quantisation_is_chosen_per_request_and_reloads(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, tmp_path: Path
) -> None:
    from diorama_local_diffusers.testing.checkpoint import write_gguf

    folder = tiny("qwen-image")
    transformer = load(folder).transformer
    for kind in ("Q4_0", "Q8_0"):
        write_gguf(transformer, tmp_path / f"tiny-{kind}.gguf", kind)
    model = listed(
        settings, name="choice", path=str(folder), type="qwen-image", gguf=str(tmp_path),
        quantizations=("Q4_0", "Q5_0", "Q8_0"),
    )  # fmt: skip
    schema = model.operations[Operation.GENERATE].parameters["properties"]["quantization"]
    assert schema["default"] == "Q4_0"
    four, eight = picture(backend, model, job), picture(backend, model, job, quantization="Q8_0")
    assert not np.array_equal(four, eight)
    assert np.array_equal(picture(backend, model, job, quantization="Q4_0"), four)
    assert set(backend.room.residents.names()) == {"choice|Q4_0", "choice|Q8_0"}
    with pytest.raises(BackendNotReady, match="Q5_0"):
        picture(backend, model, job, quantization="Q5_0")
    with pytest.raises(InvalidRequest, match="no quantisation"):
        picture(backend, model, job, quantization="Q9")
