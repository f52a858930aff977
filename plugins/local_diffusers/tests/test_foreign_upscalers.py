"""Upscalers that spandrel opens: agreement with our own two networks, and other architectures beside them."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from diorama.contract import AvailabilityState, BackendNotReady, InvalidRequest, MediaInput, UpscaleRequest
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.upscale.networks import Shape, build
from diorama_local_diffusers.upscale.weights import open_network
from PIL import Image

pytestmark = pytest.mark.torch


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The real package; where torchvision is absent, its three names that spandrel imports are there meanwhile."""
    if find_spec("spandrel") is None:
        pytest.skip("spandrel is not installed")
    if "spandrel" not in sys.modules and find_spec("torchvision") is None:
        functional = ModuleType("torchvision.transforms.functional")
        for name in ("InterpolationMode", "rotate", "normalize"):
            setattr(functional, name, None)
        with monkeypatch.context() as meanwhile:
            for name in ("torchvision", "torchvision.transforms"):
                meanwhile.setitem(sys.modules, name, ModuleType(name))
            meanwhile.setitem(sys.modules, functional.__name__, functional)
            importlib.import_module("spandrel")
    return importlib.import_module("spandrel")


def save(network: Any, place: Path) -> Path:
    from safetensors.torch import save_file

    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, place)
    return place


def span(place: Path) -> Path:
    """A tiny SPAN that enlarges twice, with random weights small enough that its pixels are not all 0 or 255."""
    import torch

    torch.manual_seed(0)
    kind = importlib.import_module("spandrel.architectures.SPAN").SPAN
    made = kind(num_in_ch=3, num_out_ch=3, feature_channels=8, upscale=2)
    with torch.no_grad():
        for weight in made.parameters():
            weight.mul_(0.4)
    return save(made, place)


@pytest.fixture
def model(settings: Any) -> Any:
    """Puts an upscaler into the user's list."""

    def listed(place: Path) -> Any:
        row = ModelEntry(name="other", path=str(place), type="upscaler", scale=2)
        write_entries(settings, [row])
        return model_info(row, settings)

    return listed


@pytest.mark.parametrize(
    "shape",
    [
        Shape("compact", 4, 8, 2),
        Shape("compact", 2, 8, 3),
        Shape("rrdb", 4, 8, 1, 32),
        Shape("rrdb", 2, 8, 1, 32, 2),
    ],
    ids=["compact4", "compact2", "rrdb4", "rrdb2"],
)
def test_our_networks_agree_with_spandrel_exactly(spandrel: Any, shape: Shape) -> None:
    import torch

    torch.manual_seed(1)
    ours = build(shape)
    theirs = spandrel.ModelLoader(device="cpu").load_from_state_dict(dict(ours.state_dict()))
    picture = torch.rand(1, 3, 12, 16)
    with torch.inference_mode():
        assert torch.equal(ours(picture).clamp(0, 1), theirs(picture))


def test_another_architecture_enlarges_tile_by_tile(
    spandrel: Any, backend: Any, model: Any, job: Any, tmp_path: Path
) -> None:
    import torch

    place = span(tmp_path / "span.safetensors")
    info = model(place)
    assert info.availability.state is AvailabilityState.READY
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (61, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in.png")
    media = MediaInput(path=str(tmp_path / "in.png"), width=90, height=61)
    context = job(info)
    request = UpscaleRequest(model=info.id, media=media, scale=2.0, parameters={"tile": 48, "exact": True})
    backend.upscale(request, context)
    assert [field for field, _, _ in context.ignored_words] == ["parameters.exact"]
    made = np.asarray(context.saved[0][0]).astype(int)
    assert made.shape == (122, 180, 3)
    whole = spandrel.ModelLoader(device="cpu").load_from_file(place)
    with torch.inference_mode():
        wanted = whole(torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255)[0]
    wanted = (wanted.permute(1, 2, 0).numpy() * 255).round()
    assert 20 < wanted.mean() < 235
    assert np.abs(made - wanted).max() <= 1


def test_weights_that_nobody_knows_are_refused(spandrel: Any, tmp_path: Path) -> None:
    import torch

    place = save(torch.nn.Linear(3, 3), tmp_path / "nothing.safetensors")
    with pytest.raises(InvalidRequest, match="no upscaling architecture"):
        open_network(place, "cpu", torch.float32)


def test_without_spandrel_the_catalog_and_the_job_say_what_to_install(
    backend: Any, model: Any, job: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from diorama_local_diffusers.models import info as catalog

    place = save(torch.nn.Linear(3, 3), tmp_path / "other.safetensors")
    monkeypatch.setitem(sys.modules, "spandrel", None)
    monkeypatch.setattr(catalog, "can_open_others", lambda: False)
    info = model(place)
    assert info.availability.state is AvailabilityState.NEEDS_INSTALL
    assert "[realesrgan]" in info.availability.fix
    Image.new("RGB", (8, 8)).save(tmp_path / "in.png")
    media = MediaInput(path=str(tmp_path / "in.png"), width=8, height=8)
    with pytest.raises(BackendNotReady, match="spandrel") as raised:
        backend.upscale(UpscaleRequest(model=info.id, media=media, scale=2.0), job(info))
    assert "[realesrgan]" in str(raised.value.fix)
