"""Text from models, files and providers cannot steer the terminal."""

import io
import json
import sys
from typing import Any

import pytest
from diorama.cli.models_command import capability_lines
from diorama.cli.options import parse_loras, parse_parameters, parse_size
from diorama.cli.terminal import ProgressLine, as_json, clean, table
from diorama.contract import InvalidRequest
from hypothesis import given
from hypothesis import strategies as st


@given(st.text())
def test_no_control_character_survives(text: str) -> None:
    cleaned = clean(text)
    assert not any((ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 for c in cleaned)


def test_escape_sequences_are_inert() -> None:
    assert "\x1b" not in clean("\x1b]52;c;aGk=\x07\x1b[2J\x1b]8;;http://x\x1b\\")
    assert "\x1b" not in table([("\x1b[31mred", "a\nb")], ("A", "B"))


def test_piped_tables_are_untruncated_and_tab_separated(capsys: pytest.CaptureFixture[str]) -> None:
    assert table([("a" * 200, "b")], ("A", "B")) == "a" * 200 + "\tb"


def test_plain_progress_prints_each_status_once(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    line = ProgressLine()
    for progress in range(50):
        line.update({"status": "generating", "progress": progress, "message": "drawing"})
    line.update({"status": "completed", "progress": 100})
    assert out.getvalue().splitlines() == ["generating: drawing", "completed"]


def test_options_become_values() -> None:
    assert parse_size("640x480") == (640, 480)
    assert parse_parameters(["a=1", "b=true", "c=word", "d=x=y"]) == {
        "a": 1,
        "b": True,
        "c": "word",
        "d": "x=y",
    }
    assert parse_loras(["film:0.8", "C:/x.safetensors"]) == [
        {"id": "film", "weight": 0.8},
        {"id": "C:/x.safetensors", "weight": 1.0},
    ]
    with pytest.raises(InvalidRequest):
        parse_size("big")
    with pytest.raises(InvalidRequest):
        parse_parameters(["novalue"])


def test_a_version_at_civitai_is_a_name_and_no_weight() -> None:
    given = [
        "civitai:12345",
        "civitai:12345:0.8",
        "https://x.example/a.safetensors:0.5",
        "https://x.example/a",
    ]
    assert [(lora["id"], lora["weight"]) for lora in parse_loras(given)] == [
        ("civitai:12345", 1.0), ("civitai:12345", 0.8), ("https://x.example/a.safetensors", 0.5), ("https://x.example/a", 1.0),
    ]  # fmt: skip


def test_what_a_model_takes_for_lora_is_shown() -> None:
    can = {"lora_kinds": ["flux"], "max_loras": 2, "lora_sources": ["https", "civitai"]}
    assert capability_lines(can) == ["--lora: up to 2 for flux; https address, civitai:VERSION"]
    assert capability_lines({**can, "lora_sources": []}) == [
        "--lora: up to 2 for flux; files of this machine"
    ]


@given(
    st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)
)
def test_json_says_the_same_and_steers_no_terminal(value: Any) -> None:
    text = as_json(value)
    assert json.loads(text) == value
    assert not [mark for mark in text if mark != "\n" and (ord(mark) < 32 or 0x7F <= ord(mark) <= 0x9F)]
    assert not set(text) & set("\u202e\u2066\u061c\ud800")
