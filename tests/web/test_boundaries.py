"""No id, name or address in a request becomes a path: every route is asked, and the server records what it opens."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from web.test_routes import CALLER, PUBLIC

MARK = "zqxmark"
"""Stands in every name that is tried, so that a path made of one is known again."""
NAMES = [
    f"../../../{MARK}", f"..%2f..%2f{MARK}", f"..\\..\\{MARK}", f"/tmp/{MARK}", f"{MARK}\x00.png", f"C:\\{MARK}",
    f"\\\\host\\{MARK}", f"{MARK}:stream", f"~/{MARK}", f"{MARK}/../../x", f"./{MARK}", f"{MARK}\n", "\u202e" + MARK, MARK * 60, f"file:///{MARK}",
    f"owner/{MARK}/weights.safetensors", f"owner/name/../../{MARK}.safetensors", f"{MARK}*", f"local:{MARK}", f"fake:../{MARK}",
]  # fmt: skip
WATCH = """
import os, sys
target = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def watch(event, arguments):
    if event == "open" or event.startswith(("os.", "shutil.", "glob.", "pathlib.", "sqlite3.connect", "subprocess.Popen")):
        line = f"{event} {arguments!r}"
        if "zqxmark" in line.lower() or event == "sqlite3.connect":
            os.write(target, line.encode("utf-8", "replace") + b"\\n")
sys.addaudithook(watch)
"""
BACKENDS = """
[backends.local]
plugin = "diorama_local_diffusers:create_backend"
[backends.comfyui]
plugin = "diorama_comfyui:create_backend"
url = "http://127.0.0.1:9"
[backends.civitai]
plugin = "diorama_civitai:create_backend"
url = "http://127.0.0.1:9"
retry_seconds = 0.01
"""


@pytest.fixture
def watched(new_server: Callable[..., Any], tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "hook").mkdir()
    guard = Path(__file__).parents[1] / "guarded" / "sitecustomize.py"
    (tmp_path / "hook" / "sitecustomize.py").write_text(WATCH + guard.read_text())
    record = tmp_path / "opened"
    server = new_server(f"api_keys = []\n{BACKENDS}", PYTHONPATH=str(tmp_path / "hook"), WATCHED=str(record))
    assert {"fake", "local"} <= {item["id"] for item in server.client.get("/api/plugins").json()["loaded"]}
    yield server, record
    assert "sqlite3.connect" in record.read_text(), "the record was kept"


def picture() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def bodies(name: str) -> dict[str, list[dict[str, Any]]]:
    """What is sent to routes that take a body, with the name in every field that could mean a file."""
    work: list[dict[str, Any]] = [
        {"prompt": "x", "model": name},
        {"prompt": "x", "reference_images": [name]},
        {"prompt": "x", "mask": name, "reference_images": [picture()]},
        {"prompt": "x", "loras": [{"id": name}]},
        {"prompt": "x", "scheduler": name[:64], "output_format": name[:8]},
        {"prompt": "x", "session_id": name[:64], "batch_id": name[:64]},
        {"prompt": "x", "control_images": {name: name}},
        {"prompt": "x", "parameters": {"text": name, name: name}},
        {"prompt": "x", "model": "fake:upscale", "media": name},
    ]
    return {
        "POST /api/generate": work, "POST /api/jobs": work, "POST /api/plan": work, "POST /api/edit": work,
        "POST /api/estimate": work,
        "POST /api/video/jobs": work[:1], "POST /api/i2v/jobs": [*work[1:2], {"prompt": "x", "image": name}],
        "POST /api/jobs/batch": [{"jobs": [item]} for item in work],
        "POST /api/upscale/jobs": [{"image_asset_id": name}, {"video_asset_id": name}],
        "POST /api/assets/export": [{"asset_ids": [name]}, {"asset_ids": [name], "format": "png"}],
        "POST /api/sessions": [{"id": name, "title": name}, {"title": name}],
        "POST /api/settings": [{"default_models": {"generate": name}}, {name: name}],
        "POST /api/comfyui/workflows": [
            {"workflow": name}, {"file": name}, {"workflow": {}, "file_name": name, "title": name, "server": name},
        ],
        "POST /api/comfyui/convert": [{"workflow": name}, {"file": name}],
        "POST /api/comfyui/jobs": [{"workflow_id": name[:80], "parameters": {"image": name}}],
        "POST /api/civitai/downloads": [{"source": name}],
        "PUT /api/providers/{provider_id}": [{"api_url": name}, {"secrets": {name: name}}],
    }  # fmt: skip


def send(server: Any, method: str, path: str, name: str, body: dict[str, Any] | None) -> int:
    filled = re.sub(r"\{[^}]*\}", quote(name, safe="%").replace(".", "%2e"), path)
    content = None if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json"} if body is not None else {}
    query = (
        {"q": name[:200], "cursor": name[:200], "format": name, "url": name, "backend": name[:200]}
        if method == "GET"
        else {}
    )
    try:
        with server.client.stream(
            method, filled, content=content, headers=headers, params=query, timeout=30
        ) as answer:
            return int(answer.status_code)
    except ValueError:
        return 0  # the client itself refuses to send it


def test_no_name_of_a_request_becomes_a_path(watched: Any) -> None:
    server, record = watched
    before = {path for path in server.home.rglob("*") if path.is_file()}
    answered = 0
    for name in NAMES:
        with_body = bodies(name)
        for route in sorted(PUBLIC | CALLER):
            method, path = route.split(" ")
            for body in with_body.get(route, [{}] if method in ("POST", "PUT", "PATCH") else [None]):
                if "{" in path or route in with_body or method == "GET":
                    status = send(server, method, path, name, body)
                    assert status < 500 or status in (502, 503), (route, name, body, status)
                    answered += status > 0
    assert answered > len(NAMES) * 60
    for job in server.client.get("/api/jobs", params={"limit": 200}).json()["jobs"]:
        server.finished(job["job_id"])
    touched = [line for line in record.read_text().splitlines() if MARK in line.lower()]
    assert touched == []
    after = {path for path in server.home.rglob("*") if path.is_file()} - before
    assert not [path for path in after if MARK in path.name.lower()]
