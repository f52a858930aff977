"""ControlNet, IP-Adapter, textual inversion, CLIP skip, edge maps: each has an effect and leaves no trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import (
    BackendNotReady,
    EditRequest,
    GenerateRequest,
    InvalidRequest,
    MediaInput,
    Operation,
)
from diorama_local_diffusers import create_backend
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime.edges import canny
from diorama_local_diffusers.testing.networks import write_adapter, write_controlnet
from PIL import Image, ImageDraw

pytestmark = pytest.mark.torch


def drawn(place: Path, size: tuple[int, int] = (64, 64), colour: str = "red") -> MediaInput:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((10, 10, 40, 40), fill=colour)
    image.save(place)
    return MediaInput(path=str(place), width=size[0], height=size[1])


@pytest.fixture
def studio(settings: Any, tiny: Callable[..., Path], job: Any) -> Callable[..., Any]:
    """Opens a backend whose options name tiny ControlNets and adapters; returns (model, run)."""

    def open_one(name: str, **options: Any) -> Any:
        backend = create_backend(replace(settings, options=options))
        row = ModelEntry(
            name=name, path=str(tiny(name)), type=name, default_width=64, default_height=64, default_steps=2
        )
        write_entries(backend.settings, [row])
        model = model_info(row, backend.settings)

        def run(**more: Any) -> Any:
            context = job(model)
            base: dict[str, Any] = {"model": model.id, "prompt": "a cat", "seed": 1}
            if "images" in more and "strength" in more:
                backend.edit(EditRequest(**(base | {"num_inference_steps": 4} | more)), context)
            else:
                backend.generate(GenerateRequest(**(base | {"width": 64, "height": 64} | more)), context)
            run.facts = context.saved[0][1]["facts"]  # type: ignore[attr-defined]
            return np.asarray(context.saved[0][0]).astype(int)

        return model, run

    return open_one


@pytest.mark.parametrize("name", ["sd", "sdxl", "flux"])
def test_a_map_steers_every_operation(studio: Any, tiny: Any, tmp_path: Path, name: str) -> None:
    network = write_controlnet(tiny(name), tmp_path / "control")
    model, run = studio(name, controlnets={name: {"canny": str(network)}})
    assert "canny" in model.operations[Operation.GENERATE].control_kinds
    assert "canny" in model.operations[Operation.EDIT].control_kinds
    one, other = drawn(tmp_path / "one.png"), drawn(tmp_path / "other.png", colour="blue")
    base = run()
    first = run(control={"canny": one})
    assert not np.array_equal(first, base)
    assert not np.array_equal(first, run(control={"canny": other}))
    off = {"parameters": {"controlnet_conditioning_scale": 0.0}}
    assert np.abs(run(control={"canny": one}, **off) - run(control={"canny": other}, **off)).max() <= 1
    assert np.array_equal(run(), base), "the map must not reach the next job"
    source = {"images": (drawn(tmp_path / "in.png", (70, 90)),), "strength": 0.9}
    steered = run(**source, control={"canny": one})
    assert steered.shape == (90, 70, 3)
    assert not np.array_equal(steered, run(**source))
    Image.new("L", (70, 90), 255).save(tmp_path / "mask.png")
    mask = MediaInput(path=str(tmp_path / "mask.png"), width=70, height=90)
    assert run(**source, mask=mask, control={"canny": one}).shape == (90, 70, 3)


@pytest.mark.parametrize("name", ["sd3", "qwen-image"])
def test_a_map_steers_text_to_image_where_no_other_class_exists(
    studio: Any, tiny: Any, tmp_path: Path, name: str
) -> None:
    network = write_controlnet(tiny(name), tmp_path / "control")
    model, run = studio(name, controlnets={name: {"canny": str(network)}})
    assert "canny" in model.operations[Operation.GENERATE].control_kinds
    assert not model.operations[Operation.EDIT].control_kinds
    one, other = drawn(tmp_path / "one.png"), drawn(tmp_path / "other.png", colour="blue")
    base, first = run(), run(control={"canny": one})
    assert not np.array_equal(first, base)
    assert not np.array_equal(first, run(control={"canny": other}))
    assert np.array_equal(run(), base), "the map must not reach the next job"
    with pytest.raises(InvalidRequest, match="no control maps for this operation"):
        run(images=(one,), strength=0.9, control={"canny": one})


@pytest.mark.parametrize("name", ["sd", "sdxl", "sd3", "flux"])
def test_two_maps_count_together(studio: Any, tiny: Any, tmp_path: Path, name: str) -> None:
    networks = {
        kind: str(write_controlnet(tiny(name), tmp_path / kind, seed))
        for seed, kind in enumerate(("canny", "depth", "pose"))
    }
    _, run = studio(name, controlnets={name: networks})
    one, other = drawn(tmp_path / "one.png"), drawn(tmp_path / "other.png", colour="blue")
    both = run(control={"canny": one, "depth": other})
    assert not np.array_equal(both, run(control={"canny": one}))
    assert not np.array_equal(both, run(control={"depth": other}))
    assert not np.array_equal(both, run(control={"canny": one, "pose": other})), "other networks, same maps"
    assert np.array_equal(both, run(control={"canny": one, "depth": other}))


def test_one_network_that_reads_several_maps(studio: Any, tiny: Any, tmp_path: Path) -> None:
    union = str(write_controlnet(tiny("qwen-image"), tmp_path / "union"))
    other = str(write_controlnet(tiny("qwen-image"), tmp_path / "other", 9))
    networks = {"canny": union, "depth": union, "pose": other}
    _, run = studio("qwen-image", controlnets={"qwen-image": networks})
    red, blue = drawn(tmp_path / "red.png"), drawn(tmp_path / "blue.png", colour="blue")
    both = run(control={"canny": red, "depth": blue})
    assert not np.array_equal(both, run(control={"canny": red}))
    assert not np.array_equal(both, run(control={"canny": red, "depth": red}))
    with pytest.raises(InvalidRequest, match="one ControlNet"):
        run(control={"canny": red, "pose": blue})


def test_edges_are_found_on_request(studio: Any, tiny: Any, tmp_path: Path) -> None:
    network = write_controlnet(tiny("sd"), tmp_path / "control")
    _, run = studio("sd", controlnets={"sd": {"canny": str(network)}})
    photo = drawn(tmp_path / "photo.png")
    canny(photo.load_image()).save(tmp_path / "map.png")
    edges = MediaInput(path=str(tmp_path / "map.png"), width=64, height=64)
    found = run(control={"canny": photo}, parameters={"detect_edges": True})
    assert np.array_equal(found, run(control={"canny": edges}))
    assert not np.array_equal(found, run(control={"canny": photo}))


def test_canny_draws_thin_lines_where_the_edges_are() -> None:
    image = Image.new("L", (64, 64), 30)
    ImageDraw.Draw(image).rectangle((20, 20, 43, 43), fill=220)
    edges = np.asarray(canny(image).convert("L")) > 0
    assert edges[32].sum() in (2, 3, 4)
    assert set(np.flatnonzero(edges[32])) <= {18, 19, 20, 21, 42, 43, 44, 45}
    assert not edges[5].any()
    assert not np.asarray(canny(Image.new("L", (9, 9), 7))).any()


def test_maps_without_a_network_are_refused(studio: Any, tmp_path: Path) -> None:
    model, run = studio("sd")
    assert model.operations[Operation.GENERATE].control_kinds == (), "no known network fits this narrow text"
    with pytest.raises(InvalidRequest, match="no ControlNet"):
        run(control={"canny": drawn(tmp_path / "one.png")})
    _, run = studio("flux")
    with pytest.raises(BackendNotReady, match="not on this machine"):
        run(control={"canny": drawn(tmp_path / "one.png")})


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_a_reference_picture_counts_and_leaves_no_trace(
    studio: Any, tiny: Any, tmp_path: Path, name: str
) -> None:
    adapter = write_adapter(tiny(name), tmp_path / "adapter")
    model, run = studio(name, ip_adapters={name: str(adapter)})
    images = model.operations[Operation.GENERATE].images_in
    assert images is not None
    assert images.maximum == 1
    base = run()
    red = run(images=(drawn(tmp_path / "red.png"),))
    blue = run(images=(drawn(tmp_path / "blue.png", colour="blue"),))
    assert not np.array_equal(red, base)
    assert not np.array_equal(red, blue)
    assert np.array_equal(run(), base), "the adapter must not reach the next job"


@pytest.mark.parametrize(
    ("name", "keys"), [("sd", {"emb_params": 32}), ("sdxl", {"clip_l": 32, "clip_g": 32})]
)
def test_embeddings_teach_a_word_for_one_job(
    studio: Any, settings: Any, name: str, keys: dict[str, int]
) -> None:
    from safetensors.numpy import save_file

    folder = settings.data_dir / "embeddings"
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    save_file(
        {key: random.normal(size=(2, width)).astype(np.float32) for key, width in keys.items()},
        folder / "sks-style.safetensors",
    )
    save_file({"emb_params": np.zeros((1, 9), np.float32)}, folder / "wrong.safetensors")
    _, run = studio(name)
    prompt = {"prompt": "a cat in sks-style"}
    base = run(**prompt)
    taught = run(**prompt, parameters={"embeddings": ["sks-style"]})
    assert not np.array_equal(taught, base)
    assert [(fact["id"], len(fact["sha256"])) for fact in run.facts["embeddings"]] == [("sks-style", 64)]
    assert np.array_equal(run(**prompt, parameters={"embeddings": ["sks-style"]}), taught), (
        "it can be taught again"
    )
    weighted = run(prompt="a cat in (sks-style:1.5)", parameters={"embeddings": ["sks-style"]})
    assert not np.array_equal(weighted, taught)
    assert not np.array_equal(weighted, run(prompt="a cat in (sks-style:1.5)"))
    assert np.array_equal(run(**prompt), base), "the word must not reach the next job"
    with pytest.raises(InvalidRequest, match="no embedding"):
        run(**prompt, parameters={"embeddings": ["../secret"]})
    with pytest.raises(InvalidRequest, match="does not fit"):
        run(**prompt, parameters={"embeddings": ["wrong"]})
    assert np.array_equal(run(**prompt), base)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_clip_skip_is_offered_for_deep_encoders_only(studio: Any, name: str) -> None:
    model, run = studio(name)
    assert "clip_skip" not in model.operations[Operation.GENERATE].parameters["properties"]
    assert not np.array_equal(run(parameters={"clip_skip": 1}), run())
