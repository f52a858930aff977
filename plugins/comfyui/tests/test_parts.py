"""Small parts: frames, messages, file name prefixes."""

from __future__ import annotations

import json
import struct
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from diorama.contract import BackendError, BackendNotReady, InvalidRequest, OutOfMemory
from diorama_comfyui.models.prefixes import expand_prefixes
from diorama_comfyui.running.faults import clean, failure, refusal
from diorama_comfyui.running.plan import RunPlan
from diorama_comfyui.server.errors import PromptRefused
from diorama_comfyui.server.frames import Event, NodeText, Preview, decode_frame
from hypothesis import given
from hypothesis import strategies as st

RECORDED = json.loads((Path(__file__).parent / "recordings" / "05-prompt-errors.json").read_text())
PLAN = RunPlan(
    prompt={"1": {"class_type": "EmptyImage", "inputs": {}, "_meta": {"title": "Blank"}}},
    fields={("1", "width"): "width", ("1", "height"): "parameters.height"},
    labels={("1", "width"): "Width"},
)


def test_frames() -> None:
    about = json.dumps({"node_id": "3", "prompt_id": "p"}).encode()
    assert decode_frame(struct.pack(">II", 4, len(about)) + about + b"jpeg") == Preview(b"jpeg", "p", "3")
    assert decode_frame(struct.pack(">II", 1, 1) + b"jpeg") == Preview(b"jpeg")
    assert decode_frame(struct.pack(">II", 3, 2) + b"12half") == NodeText("12", "half")
    event = decode_frame('{"type": "executing", "data": {"node": null, "prompt_id": "p"}}')
    assert isinstance(event, Event)
    assert event.prompt_id == "p"


@given(
    st.binary(max_size=40)
    | st.text(max_size=40)
    | st.sampled_from(["[]", "{}", '{"type": 1}', '{"type": "x", "data": 5}'])
)
def test_any_frame_is_survived(message: Any) -> None:
    assert isinstance(decode_frame(message), Event | Preview | NodeText | None)


def refused(name: str, plan: RunPlan = PLAN) -> Any:
    status, answer = RECORDED[name]["response"]
    return refusal(PromptRefused(answer["error"], answer["node_errors"], status), plan)


def test_recorded_range_errors_name_the_field() -> None:
    error = refused("value too big and too small")
    assert isinstance(error, InvalidRequest)
    assert error.field == "width"
    assert "Width of Blank is 0, below 1." in error.message


def test_recorded_missing_class_and_file() -> None:
    error = refused("unknown class")
    assert isinstance(error, BackendNotReady)
    assert "NoSuchNode" in error.message
    assert isinstance(refused("checkpoint missing"), BackendNotReady)
    assert "nope.safetensors" in refused("checkpoint missing").message


@pytest.mark.parametrize(
    "name",
    ["type mismatch", "bad link length", "dependency cycle", "link to absent node", "missing required input"],
)
def test_recorded_faults_of_the_workflow_itself(name: str) -> None:
    error = refused(name)
    assert isinstance(error, BackendError)
    assert not error.retryable
    assert "traceback" not in error.message.lower()


def test_failures_while_running() -> None:
    out = failure(
        {
            "node_id": "1",
            "exception_type": "torch.OutOfMemoryError",
            "exception_message": "CUDA out of memory",
        },
        PLAN,
    )
    assert isinstance(out, OutOfMemory)
    told = json.loads((Path(__file__).parent / "recordings" / "06-execution-error.json").read_text())
    data = next(frame["data"] for frame in told["ws"] if frame["type"] == "execution_error")
    error = failure(data, PLAN)
    assert "outside the output folder" in error.message
    assert "tensor" not in error.message


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("No such file: /home/anna/ComfyUI/models/vae/x.safetensors", "No such file: x.safetensors"),
        ("C:\\Users\\anna\\models\\x.ckpt is broken\n\n", "x.ckpt is broken"),
        ("***\nfirst\n\nsecond\n", "first second"),
        ("1/2 of 3/4", "1/2 of 3/4"),
    ],
)
def test_messages_are_cleaned(text: str, short: str) -> None:
    assert clean(text) == short


def test_prefixes() -> None:
    prompt = {
        "1": {"class_type": "KSampler", "inputs": {"seed": 77}, "_meta": {"title": "Main"}},
        "2": {
            "class_type": "SaveImage",
            "inputs": {
                "filename_prefix": "%date:yyyy-MM-dd_hhmmss%/%Main.seed%-%KSampler.seed%-%year%-%x.y%"
            },
        },
    }
    expand_prefixes(prompt, datetime(2026, 3, 4, 5, 6, 7))
    assert prompt["2"]["inputs"]["filename_prefix"] == "2026-03-04_050607/77-77-%year%-%x.y%"
