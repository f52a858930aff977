"""Long prompts: read to the end by models with the usual encoders, reported by others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diorama.contract import GenerateRequest
from diorama_local_diffusers.models.entry import ModelEntry
from diorama_local_diffusers.models.info import model_info
from diorama_local_diffusers.models.user import write_entries
from diorama_local_diffusers.runtime.prompts import fit_prompts

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


def test_embeddings_of_a_prompt_of_one_piece_are_those_of_the_pipeline(
    backend: Any, picture: Any, job: Any, monkeypatch: Any
) -> None:
    from diorama_local_diffusers.runtime import prompts

    expected = picture("a cat", "a dog")
    monkeypatch.setattr(prompts, "_count", lambda *_: 1000)
    assert np.abs(picture("a cat", "a dog").astype(int) - expected).max() <= 1


def test_models_with_short_encoders_say_what_they_do_not_read(tiny: Callable[..., Path], job: Any) -> None:
    from diffusers import DiffusionPipeline

    pipe = DiffusionPipeline.from_pretrained(tiny("sd"), local_files_only=True)
    pipe.tokenizer.model_max_length = 8
    context = job(None)
    call = {"prompt": "abcdefgh", "negative_prompt": "ab"}
    assert fit_prompts(pipe, call, context) == call
    assert [(field, value) for field, value, _ in context.ignored_words] == [("prompt", "gh")]
    assert "6 tokens" in context.ignored_words[0][2]
