"""Deleting a hub model takes what only it runs with; files that another model here needs stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendNotReady, BackendSettings, Conflict
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.user import write_entries

PARTS = {
    "transformer": ["diffusers", "FluxTransformer2DModel"],
    "vae": ["diffusers", "AutoencoderKL"],
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
}


class Cache:
    """The hub's cache, written as the hub's client writes it: blobs, and snapshots that point there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, repository: str, name: str, content: bytes) -> Path:
        place = self.root / f"models--{repository.replace('/', '--')}"
        blob = place / "blobs" / f"{abs(hash(content)):x}"
        link = place / "snapshots/abc" / name
        for folder in (blob.parent, link.parent, place / "refs"):
            folder.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content)
        link.symlink_to(blob)
        (place / "refs/main").write_text("abc")
        return link

    def model(self, repository: str) -> None:
        index = {"_class_name": "FluxPipeline", **PARTS}
        self.put(repository, "model_index.json", json.dumps(index).encode())
        self.put(repository, "transformer/diffusion_pytorch_model.safetensors", b"t" * 3000)
        self.put(repository, "vae/diffusion_pytorch_model.safetensors", b"v" * 1000)

    def names(self, repository: str) -> set[str]:
        place = self.root / f"models--{repository.replace('/', '--')}" / "snapshots/abc"
        return {str(file.relative_to(place)) for file in place.rglob("*") if file.is_file()}

    def blobs(self) -> int:
        return sum(file.stat().st_size for file in self.root.glob("models--*/blobs/*"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    return Cache(tmp_path / "hf/hub")


DEV = "black-forest-labs/FLUX.1-dev"
GGUF = "city96/FLUX.1-dev-gguf"
WHOLE = {
    "model_index.json",
    "transformer/diffusion_pytorch_model.safetensors",
    "vae/diffusion_pytorch_model.safetensors",
}


@pytest.fixture
def both(cache: Cache) -> Cache:
    """FLUX.1 dev and the same in few bits, both complete."""
    cache.model(DEV)
    cache.put(GGUF, "flux1-dev-Q4_K_S.gguf", b"g" * 500)
    return cache


def du(backend: Any) -> dict[str, tuple[int, int, tuple[str, ...]]]:
    rows = {item.native_id: item for item in backend.storage()}
    return {
        name: (item.size_bytes, item.freeable_bytes, item.shared_with)
        for name, item in rows.items()
        if not name.startswith("pocket")
    }


def test_the_quantised_model_leaves_the_other_whole(settings: BackendSettings, both: Cache) -> None:
    backend = create_backend(settings)
    index = len(json.dumps({"_class_name": "FluxPipeline", **PARTS}))
    assert du(backend) == {
        "flux-dev": (4000 + index, 3000, ("flux-dev-gguf",)),
        "flux-dev-gguf": (1500 + index, 500, ("flux-dev",)),
    }
    assert backend.delete("flux-dev-gguf") == 500
    assert both.names(DEV) == WHOLE
    assert not both.names(GGUF)
    assert du(backend) == {"flux-dev": (4000 + index, 4000 + index, ())}
    assert backend.delete("flux-dev") == 4000 + index
    assert both.blobs() == 0
    assert not list(both.root.glob("models--*"))


def test_the_whole_model_leaves_what_the_quantised_one_needs(settings: BackendSettings, both: Cache) -> None:
    backend = create_backend(settings)
    before = both.blobs()
    assert backend.delete("flux-dev") == 3000
    assert before - both.blobs() == 3000
    assert both.names(DEV) == WHOLE - {"transformer/diffusion_pytorch_model.safetensors"}
    assert backend.describe("flux-dev-gguf", _listing()).availability.state == "ready"
    assert list(du(backend)) == ["flux-dev-gguf"]
    assert backend.delete("flux-dev-gguf") == before - 3000
    assert both.blobs() == 0


def test_a_model_all_of_whose_files_another_needs_is_refused(settings: BackendSettings, cache: Cache) -> None:
    cache.model("some/base")
    cache.put("some/lora", "fast.safetensors", _lora())
    rows = [
        ModelEntry(name="base", path="some/base", type="flux"),
        ModelEntry(name="fast", path="some/base", type="flux", lora="some/lora/fast.safetensors"),
    ]
    write_entries(settings, rows)
    backend = create_backend(settings)
    before = cache.blobs()
    with pytest.raises(Conflict, match="also a file of fast") as caught:
        backend.delete("base")
    assert caught.value.fix == "Delete local:fast first."
    assert cache.blobs() == before
    assert backend.delete("fast") == len(_lora())
    assert backend.delete("base") == before - len(_lora())


def test_two_names_for_the_same_files_are_one_model_on_disk(settings: BackendSettings, cache: Cache) -> None:
    cache.model("some/base")
    write_entries(settings, [ModelEntry(name=name, path="some/base", type="flux") for name in ("one", "two")])
    backend = create_backend(settings)
    size, freed, shared_with = du(backend)["one"]
    assert (freed, shared_with) == (size, ())
    assert backend.delete("one") == size
    assert du(backend) == {}


def test_a_blob_that_another_revision_points_to_stays(settings: BackendSettings, both: Cache) -> None:
    old = both.root / f"models--{GGUF.replace('/', '--')}" / "snapshots/old/flux1-dev-Q4_K_S.gguf"
    old.parent.mkdir()
    old.symlink_to(
        (both.root / f"models--{GGUF.replace('/', '--')}" / "snapshots/abc/flux1-dev-Q4_K_S.gguf").resolve()
    )
    backend = create_backend(settings)
    assert du(backend)["flux-dev-gguf"][1] == 0
    before = both.blobs()
    assert backend.delete("flux-dev") == 3000
    assert both.blobs() == before - 3000
    assert old.exists()


def test_a_begun_download_is_cleared_away(settings: BackendSettings, cache: Cache) -> None:
    cache.put(DEV, "model_index.json", b"{}")
    (cache.root / "models--black-forest-labs--FLUX.1-dev/blobs/abc.partial").write_bytes(bytes(700))
    assert create_backend(settings).delete("flux-dev") == 702
    assert not list(cache.root.glob("models--*"))


def test_files_of_the_users_own_stay(settings: BackendSettings, cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    write_entries(settings, [ModelEntry(name="mine", path=str(tmp_path / "mine"), type="flux")])
    with pytest.raises(BackendNotReady, match="your own") as caught:
        create_backend(settings).delete("mine")
    assert "models remove" in str(caught.value.fix)


def _listing() -> Any:
    from diorama.testing.context import RecordingListContext

    return RecordingListContext(offline=True)


def _lora() -> bytes:
    header = json.dumps({"transformer.single_transformer_blocks.0.attn.to_k.lora_A.weight":
                         {"dtype": "F16", "shape": [4, 4], "data_offsets": [0, 32]}}).encode()  # fmt: skip
    return len(header).to_bytes(8, "little") + header + bytes(32)
