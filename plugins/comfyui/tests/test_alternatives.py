"""``{a|b}`` and comments: settled as the web page does it, and repeatable by the seed."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from comfyui_jobs import Job, make_backend
from comfyui_standin import StandIn
from comfyui_workflows import TEXT_TO_IMAGE
from diorama.contract import GenerateRequest
from diorama_comfyui.models.alternatives import settle
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("a {red|green} ball", {"a red ball", "a green ball"}),
        ("{a|{b|c}} d", {"a d", "b d", "c d"}),
        ("a ball // not this\nin snow /* nor\nthis */!", {"a ball \nin snow !"}),
        ("see https://example.org/a", {"see https://example.org/a"}),
        (r"a \{b\|c\} d", {"a {b|c} d"}),
        ('{"subject": "a {red|blue} ball"}', {'{"subject": "a red ball"}', '{"subject": "a blue ball"}'}),
        ("an {open | brace", {"an {open | brace"}),
        ("{|a }b", {"b", "a b"}),
        ("plain", {"plain"}),
    ],
)
def test_every_alternative_comes_and_nothing_else(text: str, possible: set[str]) -> None:
    assert {settle(text, random.Random(seed)) for seed in range(60)} == possible


@given(st.text(alphabet="{}|\\/*a \n\0", max_size=200))
def test_any_text_ends_soon(text: str) -> None:
    assert isinstance(settle(text, random.Random(1)), str)


def test_deep_nesting_ends() -> None:
    began = time.process_time()
    settle("{" * 20_000 + "a|b" + "}" * 20_000, random.Random(1))
    settle("{a|" * 20_000, random.Random(1))
    assert time.process_time() - began < 20  # not for ever, whatever the machine


def test_what_was_sent_is_told_and_the_seed_decides(raw_info: dict[str, Any], tmp_path: Path) -> None:
    with StandIn(raw_info, tmp_path / "comfyui") as server:
        backend = make_backend(tmp_path, server)
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        choices = "a {red|green|blue|black|white} ball"

        def sent(seed: int) -> Any:
            request = GenerateRequest(model="comfyui:apple", prompt=choices, seed=seed)
            facts = Job(backend, request, tmp_path).end().facts["runs"][0]["sent"]
            assert facts["6.text"] == server.engine.submitted[-1]["prompt"]["6"]["inputs"]["text"]
            return facts["6.text"]

        assert sent(1) == sent(1)
        assert len({sent(seed) for seed in range(8)}) > 1
        backend.close()
