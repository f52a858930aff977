"""The shipped model: an ordinary diffusers folder that draws what it is asked for."""

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")

LIMIT = 25_000_000


@pytest.fixture(scope="module")
def pipe(shipped: Path):  # type: ignore[no-untyped-def]
    """The pipeline as any program would load it."""
    loaded = diffusers.StableDiffusionPipeline.from_pretrained(shipped, torch_dtype=torch.float32)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def draw(pipe, prompt: str, seed: int = 0) -> np.ndarray:  # type: ignore[no-untyped-def]
    image = pipe(
        prompt, num_inference_steps=10, guidance_scale=2.5, generator=torch.Generator().manual_seed(seed)
    ).images[0]
    assert image.size == (128, 128)
    return np.asarray(image).astype(float)


def test_the_folder_is_small_and_holds_no_pickle(shipped: Path) -> None:
    files = [path for path in shipped.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= LIMIT
    assert {path.suffix for path in files} <= {".json", ".safetensors", ".txt"}


def test_red_ball_on_white_is_red_in_the_middle_and_white_in_the_corners(pipe) -> None:  # type: ignore[no-untyped-def]
    for seed in range(2):
        pixels = draw(pipe, "a red ball on a white background", seed)
        red, green, blue = pixels[56:72, 56:72].mean((0, 1))
        assert red > 180
        assert max(green, blue) < 90
        for corner in (pixels[:8, :8], pixels[:8, -8:], pixels[-8:, :8], pixels[-8:, -8:]):
            assert corner.mean() > 238


def test_the_prompt_decides_the_colour(pipe) -> None:  # type: ignore[no-untyped-def]
    red, _, blue = draw(pipe, "a blue ball on a white background")[56:72, 56:72].mean((0, 1))
    assert blue > 160
    assert red < 100


def test_the_same_seed_gives_the_same_picture(pipe) -> None:  # type: ignore[no-untyped-def]
    assert (draw(pipe, "a green tree", 3) == draw(pipe, "a green tree", 3)).all()


def test_the_vocabulary_names_things_colours_and_filler(shipped: Path) -> None:
    known = json.loads((shipped / "vocabulary.json").read_text())
    assert len(known["things"]) >= 14
    assert len(known["colors"]) >= 10
    assert "circle" in known["things"]["ball"]
    assert "scarlet" in known["colors"]["red"]
    assert {"night", "sea", "snow", "sunset", "meadow", "white"} <= set(known["backgrounds"])
    assert {"a", "the", "of", "please", "make"} <= set(known["filler"])
    assert "photorealistic" not in known["filler"]
