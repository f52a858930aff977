"""The stand-in says what the recorded server said."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from comfyui_standin import StandIn
from websockets.sync.client import connect

RECORDINGS = Path(__file__).parent / "recordings"


def recording(name: str) -> dict[str, Any]:
    return dict(json.loads((RECORDINGS / f"{name}.json").read_text()))


@pytest.fixture
def server(raw_info: dict[str, Any], tmp_path: Path) -> Iterator[StandIn]:
    files = {("CheckpointLoaderSimple", "ckpt_name"): ["random-sd15.safetensors"]}
    with StandIn(raw_info, tmp_path / "comfyui", files=files) as standin:
        yield standin


def frames(server: StandIn, prompt: dict[str, Any]) -> list[Any]:
    """Run a prompt and return its frames: text frames as they are, binary ones as their event number."""
    client = uuid.uuid4().hex
    found: list[Any] = []
    with connect(f"ws{server.url[4:]}/ws?clientId={client}", compression=None, proxy=None) as socket:
        socket.send(json.dumps({"type": "feature_flags", "data": {"supports_preview_metadata": True}}))
        answer = httpx2.post(f"{server.url}/prompt", json={"prompt": prompt, "client_id": client})
        assert answer.status_code == 200, answer.text
        while True:
            message = socket.recv(timeout=20)
            found.append(
                json.loads(message) if isinstance(message, str) else int.from_bytes(message[:4], "big")
            )
            if found[-1] == {
                "type": "executing",
                "data": {"node": None, "prompt_id": answer.json()["prompt_id"]},
            }:
                return found


def shape(frame: Any) -> Any:
    """What a frame is about, without ids of files and times."""
    if isinstance(frame, int):
        return ("binary", frame)
    if frame.get("binary"):
        return ("binary", frame["event"])
    data = frame["data"]
    return (
        frame["type"],
        tuple(sorted(set(data) - {"sid", "timestamp"})),
        data.get("node"),
        data.get("value"),
    )


@pytest.mark.parametrize("name", ["01-image-run", "09-sd15-preview-metadata"])
def test_frames_are_those_of_the_recording(server: StandIn, name: str) -> None:
    """The same frames of the same nodes; the real server does not always take nodes in the same order."""
    told = recording(name)
    ours = [shape(frame) for frame in frames(server, told["prompt"])]
    theirs = [shape(frame) for frame in told["ws"]]
    kinds = {
        "execution_start",
        "execution_cached",
        "executing",
        "executed",
        "progress",
        "binary",
        "execution_success",
    }
    assert sorted(map(str, (s for s in ours if s[0] in kinds))) == sorted(
        map(str, (s for s in theirs if s[0] in kinds))
    )
    assert ours[-1] == theirs[-1]
    states = [frame["data"]["nodes"] for frame in told["ws"] if frame.get("type") == "progress_state"]
    assert set(next(iter(states[0].values()))) == {
        "value", "max", "state", "node_id", "prompt_id", "display_node_id", "parent_node_id", "real_node_id",
    }  # fmt: skip


def test_second_run_is_cached_with_the_old_names(server: StandIn) -> None:
    told = recording("01-image-run")["prompt"]
    first, second = frames(server, told), frames(server, told)
    files = [
        [frame["data"]["output"] for frame in run if isinstance(frame, dict) and frame["type"] == "executed"]
        for run in (first, second)
    ]
    assert sorted(map(str, files[0])) == sorted(map(str, files[1]))
    (cached,) = (
        frame["data"]["nodes"]
        for frame in second
        if isinstance(frame, dict) and frame["type"] == "execution_cached"
    )
    assert set(cached) == set(told)
    ours = {shape(frame)[:2] for frame in second if isinstance(frame, dict)} - {("feature_flags", ())}
    theirs = {shape(frame)[:2] for frame in recording("02-cached-rerun")["ws"]}
    assert {kind for kind, _ in theirs} - {"progress_state"} <= {kind for kind, _ in ours}


ERRORS = recording("05-prompt-errors")
ASKED = [name for name, told in ERRORS.items() if isinstance(told["body"], dict) and name != "bad prompt_id"]


@pytest.mark.parametrize(
    "name", [name for name in ASKED if "nodes" not in ERRORS[name]["body"].get("prompt", {})]
)
def test_refusals_are_those_of_the_recording(server: StandIn, name: str) -> None:
    status, theirs = ERRORS[name]["response"]
    body = ERRORS[name]["body"]
    answer = httpx2.post(f"{server.url}/prompt", json=body)
    assert answer.status_code == status
    ours = answer.json()
    assert ours.get("error", {}).get("type") == theirs.get("error", {}).get("type")
    # Of a cycle the stand-in names one node, the server all of them.
    assert bool(ours["node_errors"]) == bool(theirs["node_errors"])
    assert set(ours["node_errors"]) <= set(theirs["node_errors"])
    for node_id, entry in ours["node_errors"].items():
        kinds = {error["type"] for error in entry["errors"]}
        assert kinds & {error["type"] for error in theirs["node_errors"][node_id]["errors"]}, (kinds, theirs)
