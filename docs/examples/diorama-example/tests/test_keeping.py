"""What the example with files offers beside the hooks."""

from __future__ import annotations

from pathlib import Path

import pytest
from diorama.contract import InvalidRequest, UnknownModel
from diorama.testing import RecordingJobContext, RecordingListContext, backend_settings
from diorama_example.keeping import PaletteBackend


@pytest.fixture
def backend(tmp_path: Path) -> PaletteBackend:
    return PaletteBackend(backend_settings("example", tmp_path, url="https://palettes.example"))


@pytest.fixture
def palette(tmp_path: Path) -> str:
    (tmp_path / "warm.palette").write_text("red gold " * 32)
    return str(tmp_path / "warm.palette")


def test_a_palette_is_added_measured_and_removed(backend: PaletteBackend, palette: str) -> None:
    assert backend.add(palette) == "warm"
    (stored,) = backend.storage()
    assert (stored.native_id, stored.size_bytes, stored.freeable_bytes) == ("warm", 288, 288)
    whole, sparing = backend.memory_needs("warm", "cpu")
    assert (whole.device_bytes, sparing.device_bytes, sparing.ram_bytes) == (288, 18, 288)
    backend.remove("warm")
    assert not backend.storage()
    backend.add(palette)
    assert backend.delete("warm") == 288
    for ask in (backend.delete, backend.remove, lambda name: backend.memory_needs(name, "cpu")):
        with pytest.raises(UnknownModel):
            ask("../warm")
    with pytest.raises(InvalidRequest):
        backend.add("warm.pickle")


def test_a_palette_is_fetched(backend: PaletteBackend, tmp_path: Path) -> None:
    class Context(RecordingJobContext):
        def fetch(self, url: str, **options: object) -> object:
            assert url == "https://palettes.example/cold.palette"
            (tmp_path / "fetched").write_text("blue")
            return type("Fetched", (), {"path": tmp_path / "fetched"})()

    model = backend.list_models(RecordingListContext())[0]
    backend.download("cold", Context(model, tmp_path))
    assert [stored.native_id for stored in backend.storage()] == ["cold"]


def test_tints_that_are_here_and_one_to_get(backend: PaletteBackend) -> None:
    backend.folder.mkdir(parents=True)
    (backend.folder / "dusk.tint").write_text("violet")
    found = {lora.id: lora for lora in backend.loras()}
    assert set(found) == {"dusk", "sepia"}
    assert found["sepia"].download == "example:sepia"
