"""A pickle runs a program when it is opened. None is ever opened, whatever it is called and wherever it lies."""

from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diorama.assets.intake import take_in
from diorama.contract import BackendSettings, DioramaError, GenerateRequest, LoraRef
from diorama.settings import load_settings
from diorama.testing.context import RecordingListContext
from diorama_local_diffusers.models.adapters import list_loras
from diorama_local_diffusers.models.user import add_model

pytestmark = pytest.mark.torch


class Evil:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


@pytest.fixture
def pickles(tmp_path: Path) -> Any:
    """The same pickle plain, and in an archive as torch writes it; no mark is there when the test ends."""
    mark = tmp_path / "it-ran"
    plain = pickle.dumps(Evil(mark))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", plain)
        archive.writestr("archive/version", "3\n")
    yield {"plain": plain, "archive": packed.getvalue()}
    assert not mark.exists()
    pickle.loads(plain)
    assert mark.exists(), "it would have run"


ENDINGS = ("safetensors", "gguf", "ckpt", "pt", "pth", "bin", "PKL")


@pytest.mark.parametrize("kind", ["plain", "archive"])
def test_no_list_no_import_and_no_upload_opens_one(
    settings: BackendSettings, backend: Any, pickles: Any, tmp_path: Path, kind: str
) -> None:
    folder, loras = settings.models_dirs[0], settings.data_dir / "loras"
    for place in (folder, folder / "checkpoints", folder / "loras", folder / "embeddings", loras):
        place.mkdir(parents=True, exist_ok=True)
        for ending in ENDINGS:
            (place / f"evil.{ending}").write_bytes(pickles[kind])
    listed = backend.list_models(RecordingListContext(offline=True))
    assert not [model.id for model in listed if "evil" in model.id]
    assert not [lora.id for lora in list_loras(settings) if "evil" in lora.id]
    outside = load_settings({"DIORAMA_HOME": str(tmp_path / "home")})
    for ending in ENDINGS:
        with pytest.raises(DioramaError):
            add_model(settings, str(folder / f"evil.{ending}"))
        with pytest.raises(DioramaError):
            take_in(folder / f"evil.{ending}", outside)


@pytest.mark.parametrize("kind", ["plain", "archive"])
@pytest.mark.parametrize("name", ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"])
def test_no_job_opens_one_in_place_of_weights(
    settings: BackendSettings,
    backend: Any,
    job: Any,
    tiny: Callable[..., Path],
    pickles: Any,
    kind: str,
    name: str,
) -> None:
    folder = settings.models_dirs[0] / "mine"
    shutil.copytree(tiny("sd"), folder)
    model = backend.describe("mine", RecordingListContext(offline=True))
    for weights in (folder / "unet").glob("*.safetensors"):
        weights.unlink()
    (folder / "unet" / name).write_bytes(pickles[kind])
    with pytest.raises(DioramaError, match="unet") as caught:
        backend.generate(request(model.id), job(model))
    assert caught.value.fix


@pytest.mark.parametrize("kind", ["plain", "archive"])
def test_no_job_opens_one_as_lora_or_embedding(
    settings: BackendSettings, backend: Any, job: Any, tiny: Callable[..., Path], pickles: Any, kind: str
) -> None:
    shutil.copytree(tiny("sd"), settings.models_dirs[0] / "mine")
    model = backend.describe("mine", RecordingListContext(offline=True))
    for place in ("loras", "embeddings"):
        (settings.data_dir / place).mkdir(parents=True)
        (settings.data_dir / place / "evil.safetensors").write_bytes(pickles[kind])
    for more in ({"loras": (LoraRef(id="evil"),)}, {"parameters": {"embeddings": ["evil"]}}):
        with pytest.raises(DioramaError, match="evil"):
            backend.generate(request(model.id, **more), job(model))


def request(model: str, **more: Any) -> GenerateRequest:
    return GenerateRequest(
        model=model, prompt="a cat", width=64, height=64, num_inference_steps=1, seed=1, **more
    )
