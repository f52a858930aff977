"""Long and weighted prompts: encoded by models with the usual encoders, reported by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import GenerateRequest, VideoRequest
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime.emphasis import spans_of
from diorama_local_diffusers.runtime.prompts import _pieces, fit_prompts

pytestmark = pytest.mark.torch
LONG = (
    "a red ball on a white table beside a green box under a yellow lamp in front of a blue wall with a small "
)
"""Letters are tokens of the tiny tokenizer, so this alone is longer than one piece."""


@pytest.fixture(params=["sd", "sdxl"])
def picture(
    request: pytest.FixtureRequest, settings: Any, backend: Any, tiny: Callable[..., Path], job: Any
) -> Any:
    row = ModelEntry(
        name="tiny", path=str(tiny(request.param)), type=request.param, default_width=64, default_height=64
    )
    write_entries(settings, [row])
    model = model_info(row, settings)

    def make(prompt: str, negative: str = "", **parameters: Any) -> Any:
        context = job(model)
        backend.generate(
            GenerateRequest(model=model.id, prompt=prompt, negative_prompt=negative, width=64, height=64, seed=1,
                            num_inference_steps=2, parameters=parameters), context)  # fmt: skip
        return np.asarray(context.saved[0][0])

    return make


def test_the_end_of_a_long_prompt_counts(picture: Any) -> None:
    assert not np.array_equal(picture(LONG + "cat"), picture(LONG + "dog"))
    assert not np.array_equal(picture("cat", LONG + "cat"), picture("cat", LONG + "dog"))
    assert not np.array_equal(picture(LONG + "cat", clip_skip=1), picture(LONG + "cat"))


def test_what_counts_once_gives_the_pixels_of_the_plain_prompt(picture: Any) -> None:
    plain = picture("a cat", "a dog")
    assert np.array_equal(picture("a (cat:1)", "(a dog:1.0)"), plain)
    assert np.array_equal(picture("a (((cat:1)))", "a dog"), picture("a ((cat))", "a dog"))
    assert not np.array_equal(picture("a (cat:1.4)", "a dog"), plain)
    assert not np.array_equal(picture("a cat", "a [dog]"), plain)
    assert not np.array_equal(picture("a (cat:1.4)", clip_skip=1), picture("a (cat:1.4)"))


def test_a_break_starts_a_new_piece(picture: Any) -> None:
    assert not np.array_equal(picture("a cat BREAK a dog"), picture("a cat a dog"))
    assert np.array_equal(picture("a cat BREAK"), picture("a cat"))


@pytest.fixture(params=["sd", "sdxl"])
def pipe(request: pytest.FixtureRequest, tiny: Callable[..., Path]) -> Any:
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(tiny(request.param), local_files_only=True)


def embeds(pipe: Any, job: Any, prompt: str, negative: str = "") -> Any:
    """The prompt's and the negative prompt's embeddings; a break at the end makes sure that they are ours."""
    call = {"prompt": f"{prompt} BREAK", "negative_prompt": negative}
    found = fit_prompts(pipe, call, job(None))
    assert "prompt" not in found
    return found["prompt_embeds"], found["negative_prompt_embeds"]


def test_embeddings_of_a_plain_prompt_are_those_of_the_pipeline(pipe: Any, job: Any) -> None:
    ours, against = embeds(pipe, job, "a cat", "a dog")
    theirs = pipe.encode_prompt(
        "a cat",
        device="cpu",
        num_images_per_prompt=1,
        do_classifier_free_guidance=True,
        negative_prompt="a dog",
    )
    assert np.abs((ours - theirs[0]).detach().numpy()).max() < 1e-5
    assert np.abs((against - theirs[1]).detach().numpy()).max() < 1e-5


def test_a_weight_moves_its_own_tokens_and_no_others_away_from_nothing(pipe: Any, job: Any) -> None:
    nothing, _ = embeds(pipe, job, "")
    plain, _ = embeds(pipe, job, "a red cat")
    red = slice(2, 5)  # a token is a letter, and the first one starts the text

    def distance(prompt: str) -> float:
        return float((embeds(pipe, job, prompt)[0] - nothing)[0, red].norm())

    assert distance("a (red:1.5) cat") == pytest.approx(1.5 * distance("a red cat"), rel=1e-4)
    assert distance("a (red:0.5) cat") == pytest.approx(0.5 * distance("a red cat"), rel=1e-4)
    assert distance("a (red:0) cat") == pytest.approx(0, abs=1e-5)
    changed = (embeds(pipe, job, "a (red:1.5) cat")[0] - plain)[0].abs().sum(-1)
    assert set(changed.nonzero().flatten().tolist()) == {2, 3, 4}


def test_both_prompts_get_the_length_of_the_longer_one(pipe: Any, job: Any) -> None:
    for prompt, negative in ((LONG, ""), ("a cat", LONG), (LONG, "a dog")):
        ours, against = embeds(pipe, job, prompt, negative)
        assert ours.shape == against.shape
        assert ours.shape[1] % 77 == 0
        assert ours.shape[1] > 77


def test_no_piece_ends_inside_a_word(pipe: Any) -> None:
    words = " ".join(["abcdefgh"] * 12)
    pieces = _pieces(pipe, pipe.tokenizer, spans_of(words))
    assert [len(piece) for piece in pieces] == [72, 24]
    assert len(_pieces(pipe, pipe.tokenizer, spans_of("x" * 100))[0]) == 75


@pytest.mark.parametrize("name", ["sd3", "flux", "qwen-image", "wan"])
def test_models_without_weights_report_them_and_read_the_words(
    settings: Any, backend: Any, tiny: Callable[..., Path], job: Any, name: str
) -> None:
    row = ModelEntry(name="tiny", path=str(tiny(name)), type=name, default_width=64, default_height=64)
    write_entries(settings, [row])
    model = model_info(row, settings)
    made = []
    for prompt in ("a (red:1.4) cat", "a red cat", "a blue cat"):
        context = job(model)
        values: dict[str, Any] = {
            "prompt": prompt,
            "width": 64,
            "height": 64,
            "seed": 1,
            "num_inference_steps": 2,
        }
        if name == "wan":
            backend.video(VideoRequest(model=model.id, num_frames=5, **values), context)
        else:
            backend.generate(GenerateRequest(model=model.id, **values), context)
        made.append((np.asarray(context.saved[0][0]), context.ignored_words))
    assert np.array_equal(made[0][0], made[1][0])
    assert not np.array_equal(made[1][0], made[2][0])
    assert [(field, value) for field, value, _ in made[0][1]] == [("prompt", "(red:1.4)")]
    assert not made[1][1]


def test_models_with_short_encoders_say_what_they_do_not_read(tiny: Callable[..., Path], job: Any) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(tiny("sd"), local_files_only=True)
    pipe.tokenizer.model_max_length = 8
    context = job(None)
    call = {"prompt": "abcdefgh", "negative_prompt": "ab"}
    assert fit_prompts(pipe, call, context) == call
    assert [(field, value) for field, value, _ in context.ignored_words] == [("prompt", "gh")]
    assert "6 tokens" in context.ignored_words[0][2]


def test_models_with_short_encoders_take_weights_too(tiny: Callable[..., Path], job: Any) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(tiny("sd"), local_files_only=True)
    pipe.tokenizer.model_max_length = 8
    context = job(None)
    found = fit_prompts(pipe, {"prompt": "(abc:1.3) defgh", "negative_prompt": ""}, context)
    assert found["prompt_embeds"].shape[1] == 8
    assert [(field, value) for field, value, _ in context.ignored_words] == [("prompt", "gh")]
