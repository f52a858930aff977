"""What the ComfyUI backend adds to a prompt, against a client that does only what must be done.

Both talk to the same stand-in server on loopback and end with the picture's bytes in hand.
Run: ``python tests/bench/comfyui_overhead.py``.
"""

from __future__ import annotations

import copy
import gzip
import json
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[2] / "plugins" / "comfyui" / "tests"
sys.path.insert(0, str(TESTS))

import httpx2  # noqa: E402
from comfyui_standin import StandIn  # noqa: E402
from comfyui_workflows import TEXT_TO_IMAGE  # noqa: E402
from diorama.contract import GenerateRequest  # noqa: E402
from diorama.testing import RecordingJobContext, RecordingListContext, backend_settings  # noqa: E402
from diorama_comfyui import create_backend  # noqa: E402
from websockets.sync.client import connect  # noqa: E402

GOAL_MS = 20.0
ROUNDS = 40


def bare(http: httpx2.Client, url: str, seed: int) -> bytes:
    """Connect, submit, wait for the end, read the history, fetch the picture."""
    prompt = copy.deepcopy(TEXT_TO_IMAGE)
    prompt["3"]["inputs"]["seed"] = seed
    client = uuid.uuid4().hex
    address = f"ws{url[4:]}/ws?clientId={client}"
    with connect(address, compression=None, proxy=None, max_size=None, ping_interval=None) as socket:
        answer = http.post("/prompt", json={"prompt": prompt, "client_id": client}).json()
        while True:
            message = socket.recv()
            if isinstance(message, str):
                frame = json.loads(message)
                if frame["type"] == "executing" and frame["data"].get("node") is None:
                    break
    entry = http.get(f"/history/{answer['prompt_id']}").json()[answer["prompt_id"]]
    return http.get("/view", params=entry["outputs"]["9"]["images"][0]).content


def main() -> int:
    """Measure both in turn and print the difference of the medians; exit code 1 if the goal is missed."""
    raw = json.loads(gzip.decompress((TESTS / "data" / "object_info-0.33.0.json.gz").read_bytes()))
    with tempfile.TemporaryDirectory() as name, StandIn(raw, Path(name) / "comfyui") as server:
        folder = Path(name)
        backend = create_backend(backend_settings("comfyui", folder, url=server.url))
        backend.library.import_workflow(TEXT_TO_IMAGE, title="Apple")
        model = next(m for m in backend.list_models(RecordingListContext()) if m.native_id == "apple")
        times: dict[str, list[float]] = {"bare": [], "ours": []}
        with httpx2.Client(base_url=server.url, trust_env=False) as http:
            for seed in range(1, ROUNDS + 1):
                times["bare"].append(_timed(lambda s=seed: bare(http, server.url, s)))  # type: ignore[misc]
                work = folder / f"work{seed}"
                work.mkdir()
                request = GenerateRequest(model=model.id, prompt=f"pear {seed}", seed=seed + 1000)
                context = RecordingJobContext(model, work)
                times["ours"].append(_timed(lambda r=request, c=context: backend.generate(r, c)))  # type: ignore[misc]
        backend.close()
    first, second = (statistics.median(times[key]) * 1000 for key in ("bare", "ours"))
    added = second - first
    print(f"comfyui prompt: bare client {first:.1f} ms, backend {second:.1f} ms")
    verdict = "met" if added <= GOAL_MS else "MISSED"
    print(
        f"comfyui overhead per prompt {added:9.1f} ms  goal <= {GOAL_MS:g}  ratio {added / GOAL_MS:5.2f}  {verdict}"
    )
    return 0 if added <= GOAL_MS else 1


def _timed(work: Any) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
