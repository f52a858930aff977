"""GGUF files: fetched like safetensors, and checked by their own header."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from civitai_jobs import files
from civitai_standin import BIG, Site, file_block
from diorama.contract import BackendError
from diorama_civitai.download.gguf import _BLOCKS, check_file

gguf = pytest.importorskip("gguf")
LABELLED = {"metadata": {"format": "GGUF"}}


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    """What the format's own library writes: notes of several kinds, tensors plain and quantised."""
    place = tmp_path / "written.gguf"
    writer = gguf.GGUFWriter(place, "flux")
    writer.add_array("words", ["a", "bc", ""])
    writer.add_array("numbers", [1, 2, 3])
    writer.add_float32("scale", 0.5)
    writer.add_bool("flag", True)
    drawn = np.random.default_rng(1).standard_normal((8, 64)).astype(np.float32)
    writer.add_tensor("plain", drawn)
    kind = gguf.GGMLQuantizationType.Q8_0
    writer.add_tensor("packed", gguf.quantize(drawn, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return place.read_bytes()


def test_it_arrives_with_its_own_name(fetch: Any, site: Site, models_dir: Path, content: bytes) -> None:
    site.add(1, content, file={"name": "paint-Q4_K_S.gguf", **LABELLED})
    fetch("10")
    assert files(models_dir) == [
        "checkpoints/paint-Q4_K_S-10-100.gguf",
        "checkpoints/paint-Q4_K_S-10-100.json",
    ]
    assert json.loads((models_dir / "checkpoints/paint-Q4_K_S-10-100.json").read_text())["verified"] is True
    asked = len(site.paths("storage"))
    fetch("10")
    assert len(site.paths("storage")) == asked, "it is here already"


def test_safetensors_go_first(fetch: Any, site: Site, models_dir: Path, content: bytes) -> None:
    small = file_block(101, content, "paint.gguf", **LABELLED)
    (version,) = site.add(1, BIG, file={"primary": False})["modelVersions"]
    version["files"].append({**small, "downloadUrl": f"{site.url}/api/download/models/10?fileId=101"})
    site.content[101] = content
    fetch("10")
    assert (models_dir / "checkpoints/paint-10-100.safetensors").is_file()
    fetch("10/101")
    assert (models_dir / "checkpoints/paint-10-101.gguf").is_file()


@pytest.mark.parametrize("wrong", [b"<html>no</html>" * 100, BIG, b"GG", b""])
def test_another_body_is_refused(fetch: Any, site: Site, models_dir: Path, wrong: bytes) -> None:
    site.add(1, wrong, file={"name": "paint.gguf", **LABELLED})
    with pytest.raises(BackendError, match="GGUF"):
        fetch("10")
    assert files(models_dir) == []


def test_every_cut_and_every_turned_byte_of_the_header_ends(tmp_path: Path, content: bytes) -> None:
    """Cut off it is refused; damaged it is refused or harmless, and never runs away."""
    place = tmp_path / "x.gguf"
    for length in range(0, len(content), 7):
        place.write_bytes(content[:length])
        with pytest.raises(BackendError):
            check_file(place)
    for position in range(500):
        place.write_bytes(content[:position] + b"\xff" + content[position + 1 :])
        try:
            check_file(place)
        except BackendError:
            continue
    place.write_bytes(content)
    check_file(place)


def test_impossible_counts_are_refused_at_once(tmp_path: Path) -> None:
    place = tmp_path / "x.gguf"
    for tensors, notes in ((0, 0), (2**63, 0), (1, 2**63)):
        place.write_bytes(struct.pack("<4sIQQ", b"GGUF", 3, tensors, notes) + b"\0" * 100)
        with pytest.raises(BackendError, match="cannot be"):
            check_file(place)


def test_sizes_of_blocks_are_those_of_the_format() -> None:
    known = {int(kind): sizes for kind, sizes in gguf.GGML_QUANT_SIZES.items()}
    assert {kind: known[kind] for kind in _BLOCKS if kind in known} == {
        kind: sizes for kind, sizes in _BLOCKS.items() if kind in known
    }
