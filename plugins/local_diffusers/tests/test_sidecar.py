"""What a downloader noted beside a weight file reaches the catalog and the list of LoRA; a bad note harms nothing."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from diorama.testing import RecordingListContext

NOTE = {
    "source": "civitai",
    "title": "Oil – v1",
    "description": "Thick paint.",
    "base_model": "SD 1.5",
    "kind": "sd",
    "trigger_words": ["oil painting"],
    "recommended": {"num_inference_steps": 12, "guidance_scale": 4, "weight": 0.7},
    "creator": "painter",
    "license": {"sell_images": False},
    "page": "https://civitai.com/models/1",
}


def write(place: Path, *names: str, note: Any = None) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    header = {
        name: {"dtype": "U8", "shape": [4], "data_offsets": [4 * index, 4 * index + 4]}
        for index, name in enumerate(names)
    }
    raw = json.dumps(header).encode()
    place.write_bytes(struct.pack("<Q", len(raw)) + raw + bytes(4 * len(names)))
    if note is not None:
        place.with_suffix(".json").write_text(note if isinstance(note, str) else json.dumps(note))
    return place


def test_a_noted_checkpoint_says_what_it_is(settings: Any, backend: Any) -> None:
    write(settings.models_dirs[0] / "checkpoints/oil.safetensors", "input_blocks.0.0.weight", note=NOTE)
    model = next(item for item in backend.list_models(RecordingListContext()) if item.native_id == "oil")
    assert (model.title, model.author, model.description, model.kind) == (
        "Oil – v1",
        "painter",
        "Thick paint.",
        "sd",
    )
    assert model.license.commercial_use is False
    can = model.operations["generate"]
    assert (can.num_inference_steps.default, can.guidance_scale.default) == (12, 4)
    assert "SD 1.5" in model.tags


def test_a_noted_lora_brings_its_words_and_weight(settings: Any, backend: Any) -> None:
    folder = settings.models_dirs[0] / "loras"
    write(folder / "oil.safetensors", "something.lora_A.weight", note=NOTE)
    write(folder / "bare.safetensors", "something.lora_A.weight")
    found = {item.id: item for item in backend.loras()}
    oil, bare = found["oil"], found["bare"]
    assert (oil.title, oil.triggers, oil.kind, oil.weight) == ("Oil – v1", ("oil painting",), "sd", 0.7)
    assert (bare.title, bare.triggers, bare.kind, bare.weight) == ("bare", (), "", 1.0)


@pytest.mark.parametrize(
    "note",
    [
        "not json",
        [1],
        {
            "title": 4,
            "recommended": 7,
            "license": "x",
            "trigger_words": {"a": 1},
            "kind": 3,
            "source": "civitai",
            "page": 1,
        },
        {"recommended": {"num_inference_steps": 10**9, "guidance_scale": -1, "weight": 99}},
        "[" * 100_000,
    ],
)
def test_a_bad_note_harms_nothing(settings: Any, backend: Any, note: Any) -> None:
    write(settings.models_dirs[0] / "checkpoints/oil.safetensors", "input_blocks.0.0.weight", note=note)
    write(settings.models_dirs[0] / "loras/oil.safetensors", "something.lora_A.weight", note=note)
    model = next(item for item in backend.list_models(RecordingListContext()) if item.native_id == "oil")
    assert model.title == "oil"
    assert next(item for item in backend.loras() if item.id == "oil").weight == 1.0
