"""The list of models, detection and refusals: all without torch."""

from __future__ import annotations

import json
import logging
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import (
    AvailabilityState,
    BackendSettings,
    DioramaError,
    InvalidRequest,
    ListContext,
    UnknownModel,
)
from diorama_local_diffusers.models.detect import detect
from diorama_local_diffusers.models.headers import read_safetensors_header
from diorama_local_diffusers.models.shelf import user_file
from diorama_local_diffusers.models.user import add_model, remove_model
from diorama_local_diffusers.models.vocabulary import read_vocabulary


class Listing(ListContext):
    refresh = False
    offline = True
    log = logging.getLogger("test")

    def fetch(self, url: str, **_: Any) -> Any:
        raise AssertionError("a listing needs no network")

    def secret(self, name: str) -> str | None:
        return None


def safetensors(place: Path, keys: dict[str, tuple[int, ...]]) -> Path:
    header: dict[str, Any] = {}
    end = 0
    for key, shape in keys.items():
        size = 2
        for side in shape:
            size *= side
        header[key] = {"dtype": "F16", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    place.write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return place


def pipeline_folder(
    place: Path, class_name: str = "StableDiffusionPipeline", library: str = "diffusers"
) -> Path:
    (place / "unet").mkdir(parents=True)
    index = {
        "_class_name": class_name,
        "unet": [library, "UNet2DConditionModel"],
        "scheduler": [library, "DDIMScheduler"],
    }
    (place / "model_index.json").write_text(json.dumps(index))
    (place / "unet/config.json").write_text(json.dumps({"sample_size": 64}))
    safetensors(place / "unet/diffusion_pytorch_model.safetensors", {"w": (2, 2)})
    return place


def test_listing_and_detecting_import_no_torch(tmp_path: Path) -> None:
    folder = pipeline_folder(tmp_path / "models/one")
    program = f"""
import sys
from pathlib import Path
from diorama.contract import BackendSettings
import diorama_local_diffusers
folder = Path({str(tmp_path)!r})
backend = diorama_local_diffusers.create_backend(
    BackendSettings(id="local", config_dir=folder, models_dirs=(folder / "models",))
)
import logging
class Context: log = logging.getLogger("x"); offline = True; refresh = False
names = [model.id for model in backend.list_models(Context())]
assert "local:one" in names and "local:pocket" in names, names
from diorama_local_diffusers.models.user import add_model
add_model(backend.settings, {str(folder)!r})
heavy = {{"torch", "diffusers", "transformers", "huggingface_hub", "numpy", "PIL"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_detection_is_fast(tmp_path: Path) -> None:
    folder = pipeline_folder(tmp_path / "m")
    detect(folder)
    started = time.perf_counter()
    for _ in range(100):
        detect(folder)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize("name", ["model.ckpt", "model.pt", "model.PTH", "pytorch_model.bin"])
def test_pickles_are_refused_with_the_reason(settings: BackendSettings, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(InvalidRequest, match="pickle") as caught:
        add_model(settings, str(tmp_path / name))
    assert "safetensors" in str(caught.value.fix)


def test_a_folder_with_pickles_only_is_refused(settings: BackendSettings, tmp_path: Path) -> None:
    folder = pipeline_folder(tmp_path / "m")
    (folder / "unet/diffusion_pytorch_model.safetensors").rename(folder / "unet/diffusion_pytorch_model.bin")
    with pytest.raises(InvalidRequest, match="unet has its weights as a pickle"):
        add_model(settings, str(folder))


def test_code_shipped_with_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="never run"):
        detect(pipeline_folder(tmp_path / "m", library="my_unet"))


@pytest.mark.parametrize("damage", ["cut", "length", "json", "empty"])
def test_damaged_safetensors_are_refused(tmp_path: Path, damage: str) -> None:
    place = safetensors(tmp_path / "m.safetensors", {"input_blocks.0.weight": (4, 4)})
    whole = place.read_bytes()
    broken = {
        "cut": whole[:-1],
        "length": struct.pack("<Q", 2**62) + whole[8:],
        "json": whole[:8] + b"!" + whole[9:],
        "empty": b"",
    }[damage]
    place.write_bytes(broken)
    with pytest.raises(InvalidRequest, match=r"m\.safetensors cannot be read"):
        read_safetensors_header(place)


def test_models_are_added_listed_and_removed(settings: BackendSettings, backend: Any, tmp_path: Path) -> None:
    info = add_model(settings, str(pipeline_folder(tmp_path / "my model")))
    assert info.id == "local:my-model"
    assert info.availability.state is AvailabilityState.READY
    assert info.disk_gb is not None
    assert "local:my-model" in [model.id for model in backend.list_models(Listing())]
    assert add_model(settings, str(tmp_path / "my model")).id == "local:my-model", (
        "adding twice changes nothing"
    )
    with pytest.raises(InvalidRequest, match="belongs to"):
        add_model(settings, str(pipeline_folder(tmp_path / "other/my model")))
    remove_model(settings, "my-model")
    assert "local:my-model" not in [model.id for model in backend.list_models(Listing())]
    with pytest.raises(UnknownModel):
        remove_model(settings, "my-model")


def test_the_users_list_lies_beside_the_configuration(tmp_path: Path) -> None:
    from diorama.plugins.registry import PluginRegistry
    from diorama.settings import load_settings

    settings = load_settings({"DIORAMA_HOME": str(tmp_path)})
    mine = PluginRegistry(settings).backend_settings("local", {})
    assert user_file(mine) == tmp_path / "config/models.toml"
    assert user_file(
        PluginRegistry(settings).backend_settings("local", {"models_file": "/a/b.toml"})
    ) == Path("/a/b.toml")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("/nowhere/model", "/nowhere/model does not exist"),
        ("./model.gguf", r"\./model\.gguf does not exist"),
        ("model.safetensors", "does not exist"),
        ("model", "neither a file, a folder, nor a hub id"),
        (
            "https://huggingface.co/acme/painter/tree/main",
            "acme/painter is not on this machine, and offline mode",
        ),
    ],
)
def test_what_cannot_be_added_says_why(settings: BackendSettings, source: str, sentence: str) -> None:
    with pytest.raises(DioramaError, match=sentence):
        add_model(settings, source)


def test_what_people_wrote_into_their_list_stays(
    settings: BackendSettings, backend: Any, tmp_path: Path
) -> None:
    settings.config_dir.mkdir()
    mine = f"""# my models
[[models]]
name = "paint"  # the good one
path = "{pipeline_folder(tmp_path / "paint")}"
type = "sd"
default_steps = 7
"""
    user_file(settings).write_text(mine)
    assert "local:paint" in [model.id for model in backend.list_models(Listing())]
    add_model(settings, str(pipeline_folder(tmp_path / "two")))
    assert user_file(settings).read_text().startswith(mine)
    assert add_model(settings, str(tmp_path / "paint")).id == "local:paint"
    assert user_file(settings).read_text().count("default_steps = 7") == 1
    remove_model(settings, "two")
    assert user_file(settings).read_text().strip() == mine.strip()


def test_paths_cannot_be_named_in_a_request(backend: Any, tmp_path: Path) -> None:
    folder = pipeline_folder(tmp_path / "m")
    assert backend.describe(str(folder), Listing()) is None
    assert backend.describe("../m", Listing()) is None


def test_a_broken_user_list_costs_only_itself(settings: BackendSettings, backend: Any) -> None:
    settings.config_dir.mkdir(parents=True)
    (settings.config_dir / "models.toml").write_text('[[models]]\nname = "x"\nsize = 3\n')
    assert "local:pocket" in [model.id for model in backend.list_models(Listing())]


def test_a_closed_vocabulary_names_unknown_words(tmp_path: Path) -> None:
    words = {
        "things": {"ball": ["sphere"], "box": []},
        "colors": {"red": ["scarlet"]},
        "filler": ["a", "in the"],
    }
    (tmp_path / "vocabulary.json").write_text(json.dumps(words))
    vocabulary = read_vocabulary(tmp_path)
    assert vocabulary is not None
    assert vocabulary.unknown("A scarlet Sphere in the rocket, a rocket") == ["rocket"]
    assert vocabulary.groups == {"things": ("ball", "box"), "colors": ("red",)}
    assert "ball" in vocabulary.sentence()


def test_the_check_names_versions_and_imports_nothing(settings: BackendSettings) -> None:
    program = """
import sys
from diorama.contract import BackendSettings
from diorama_local_diffusers import create_backend
print(create_backend(BackendSettings(id="local")).check(None))
assert not {"torch", "diffusers"} & set(sys.modules)
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    assert "torch 2." in told
    assert "diffusers 0." in told


def test_what_a_file_says_is_read_again_when_it_changes_and_only_then(tmp_path: Path) -> None:
    from diorama_local_diffusers.models.unchanged import kept_while_unchanged

    asked: list[str] = []

    @kept_while_unchanged(2)
    def words(path: Path, what: str) -> int:
        asked.append(what)
        return len(path.read_text().split())

    file = tmp_path / "a.txt"
    file.write_text("one two")
    assert [words(file, "x"), words(file, "x"), words(file, "y")] == [2, 2, 2]
    assert asked == ["x", "y"]
    file.write_text("one two three")
    assert words(file, "x") == 3
    file.unlink()
    with pytest.raises(FileNotFoundError):
        words(file, "x")


def test_a_list_of_many_files_reads_each_once(
    settings: BackendSettings, backend: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from diorama_local_diffusers.models import described
    from diorama_local_diffusers.models import detect as detecting

    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    read: list[str] = []
    for module in (described, detecting):
        real = module.read_safetensors_header
        monkeypatch.setattr(
            module, "read_safetensors_header", lambda path, real=real: read.append(path.name) or real(path)
        )
    folder = settings.models_dirs[0]
    folder.mkdir(parents=True)
    tensors = {
        "model.diffusion_model.input_blocks.0.0.weight": (320, 4, 3, 3),
        "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (320, 768),
        "first_stage_model.encoder.conv_in.weight": (128, 3, 3, 3),
    }
    for number in range(3):
        safetensors(folder / f"file-{number}.safetensors", tensors)
    first = {model.native_id for model in backend.list_models(Listing())}
    assert {"file-0", "file-1", "file-2"} <= first
    before = len(read)
    assert before > 0
    assert {model.native_id for model in backend.list_models(Listing())} == first
    assert len(read) == before
