"""ComfyUI through the REST API, with the plugin's stand-in server: import, form, run, change, delete."""

from __future__ import annotations

import base64
import copy
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.append(str(Path(__file__).parents[2] / "plugins/comfyui/tests"))

from comfyui_standin import StandIn
from comfyui_workflows import INVERT, TEXT_TO_IMAGE, UPSCALE
from PIL import Image, PngImagePlugin

DATA = Path(__file__).parents[2] / "plugins/comfyui/tests/data"


@pytest.fixture(scope="module")
def comfy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    with gzip.open(DATA / "object_info-0.33.0.json.gz") as file:
        raw = dict(json.load(file))
    with StandIn(raw, tmp_path_factory.mktemp("comfyui")) as standin:
        yield standin


@pytest.fixture(scope="module")
def api(comfy: StandIn, server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    environ = {
        "DIORAMA_BACKENDS__COMFYUI__PLUGIN": "diorama_comfyui:create_backend",
        "DIORAMA_BACKENDS__COMFYUI__URL": comfy.url,
    }
    made = type(server)(tmp_path_factory.mktemp("with-comfyui"), environ=environ)
    yield made
    made.stop()


@pytest.fixture
def imported(api: Any) -> Iterator[Callable[..., dict[str, Any]]]:
    """Imports a workflow and removes it at the end."""
    made: list[str] = []

    def run(workflow: Any = TEXT_TO_IMAGE, **more: Any) -> dict[str, Any]:
        answer = api.client.post(
            "/api/comfyui/workflows", json={"workflow": workflow, "title": "Apple", **more}
        )
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["id"])
        return dict(answer.json())

    yield run
    for workflow_id in made:
        api.client.delete(f"/api/comfyui/workflows/{workflow_id}")


def picture(document: Any = None, color: str = "red") -> bytes:
    chunks = PngImagePlugin.PngInfo()
    if document is not None:
        chunks.add_text("prompt", json.dumps(document))
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(buffer, "PNG", pnginfo=chunks)
    return buffer.getvalue()


def check(api: Any, template: str, method: str, answer: Any) -> None:
    """Compare an answer with what the document promises."""
    from jsonschema import Draft202012Validator

    document = api.client.get("/openapi.json").json()
    responses = document["paths"][template][method]["responses"]
    schema = responses[str(answer.status_code)]["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**schema, "components": document["components"]})
    problems = [f"{list(item.path)}: {item.message}" for item in validator.iter_errors(answer.json())]
    assert not problems, (template, problems[:3])


def test_a_dropped_picture_becomes_a_form_and_then_a_picture(api: Any, comfy: StandIn) -> None:
    files = {"file": ("red_apple.png", picture(TEXT_TO_IMAGE), "image/png")}
    answer = api.client.post("/api/comfyui/workflows", files=files)
    assert answer.status_code == 201, answer.text
    check(api, "/api/comfyui/workflows", "post", answer)
    told = answer.json()
    assert (told["id"], told["title"], told["operation"]) == ("red-apple", "red apple", "generate")
    main = [item["name"] for item in told["parameters"] if item["group"] == "main"]
    assert {"prompt", "negative_prompt", "seed", "width", "height", "num_inference_steps"} <= set(main)
    assert api.client.get("/api/models/comfyui:red-apple").json()["operations"].keys() == {"generate"}
    body = {
        "workflow_id": "red-apple",
        "parameters": {"prompt": "a green pear", "seed": 5, "width": 64, "height": 64},
    }
    accepted = api.client.post("/api/comfyui/jobs", json=body)
    assert accepted.status_code == 202, accepted.text
    job = api.finished(accepted.json()["job_id"])
    assert job["status"] == "completed", job["error"]
    assert (job["images"][0]["width"], job["images"][0]["height"], job["images"][0]["seed"]) == (64, 64, 5)
    assert comfy.engine.submitted[-1]["prompt"]["6"]["inputs"]["text"] == "a green pear"
    own = api.client.get(f"/api/comfyui/jobs/{job['job_id']}")
    check(api, "/api/comfyui/jobs/{job_id}", "get", own)
    assert own.json()["images"] == job["images"]
    assert api.client.delete("/api/comfyui/workflows/red-apple").json()["freed_bytes"] > 0
    assert api.client.get("/api/models/comfyui:red-apple").status_code == 404
    assert api.client.get(f"/api/comfyui/jobs/{job['job_id']}").status_code == 200, "what it made stays"


def test_json_text_base64_and_objects_are_taken(api: Any, imported: Any) -> None:
    ids = [imported()["id"], imported(json.dumps(TEXT_TO_IMAGE))["id"]]
    raw = base64.b64encode(json.dumps(TEXT_TO_IMAGE).encode()).decode()
    ids.append(imported(None, file=raw, file_name="apple.json")["id"])
    assert ids == ["apple", "apple-2", "apple-3"]
    listed = api.client.get("/api/comfyui/workflows")
    check(api, "/api/comfyui/workflows", "get", listed)
    assert [item["id"] for item in listed.json()["workflows"]] == ids


def test_what_the_user_changes_counts(api: Any, imported: Any, comfy: StandIn) -> None:
    told = imported()
    path = f"/api/comfyui/workflows/{told['id']}"
    change = {"title": "Pear", "overrides": {"num_inference_steps": {"label": "Quality", "default": 4}}}
    changed = api.client.put(path, json=change)
    assert changed.status_code == 200, changed.text
    check(api, "/api/comfyui/workflows/{workflow_id}", "put", changed)
    shown = api.client.get(path).json()
    assert shown["title"] == "Pear"
    steps = next(item for item in shown["parameters"] if item["name"] == "num_inference_steps")
    assert (steps["label"], steps["default"]) == ("Quality", 4)
    job = api.client.post("/api/comfyui/jobs", json={"workflow_id": told["id"]}).json()["job_id"]
    assert api.finished(job)["status"] == "completed"
    assert comfy.engine.submitted[-1]["prompt"]["3"]["inputs"]["steps"] == 4
    assert comfy.engine.submitted[-1]["prompt"]["6"]["inputs"]["text"] == "a red apple", "the workflow's own"
    wrong = api.client.put(path, json={"overrides": {"nothing": {}}})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "overrides.nothing")


def test_pictures_go_in_by_base64_and_by_asset(api: Any, imported: Any) -> None:
    told = imported(INVERT)
    body = {"workflow_id": told["id"], "parameters": {"image": base64.b64encode(picture()).decode()}}
    first = api.finished(api.client.post("/api/comfyui/jobs", json=body).json()["job_id"])
    assert first["status"] == "completed", first["error"]
    asset = first["images"][0]["id"]
    body = {"workflow_id": told["id"], "parameters": {"images": [asset]}}
    second = api.finished(api.client.post("/api/comfyui/jobs", json=body).json()["job_id"])
    assert second["status"] == "completed", second["error"]
    colors = []
    for job in (first, second):
        content = api.client.get(job["images"][0]["url"]).content
        with Image.open(io.BytesIO(content)) as image:
            colors.append(image.convert("RGB").getpixel((8, 8)))
    assert colors == [(0, 255, 255), (255, 0, 0)]


def test_an_upscaler_takes_its_source_as_image(api: Any, imported: Any) -> None:
    told = imported(UPSCALE)
    body = {"workflow_id": told["id"], "parameters": {"image": base64.b64encode(picture()).decode()}}
    job = api.finished(api.client.post("/api/comfyui/jobs", json=body).json()["job_id"])
    assert job["status"] == "completed", job["error"]
    assert job["kind"] == "upscale"
    assert job["images"][0]["width"] == 128


def test_missing_parts_are_named_before_anything_runs(api: Any, imported: Any) -> None:
    strange: Any = copy.deepcopy(TEXT_TO_IMAGE)
    strange["4"]["inputs"]["ckpt_name"] = "gone.safetensors"
    strange["20"] = {"class_type": "NobodysNode", "inputs": {"images": ["8", 0]}}
    told = imported(strange)
    assert [item["class_type"] for item in told["missing_nodes"]] == ["NobodysNode"]
    shown = api.client.get(f"/api/comfyui/workflows/{told['id']}")
    check(api, "/api/comfyui/workflows/{workflow_id}", "get", shown)


def test_converting_stores_nothing(api: Any) -> None:
    before = api.client.get("/api/comfyui/workflows").json()
    answer = api.client.post("/api/comfyui/convert", json={"workflow": TEXT_TO_IMAGE})
    assert answer.status_code == 200, answer.text
    check(api, "/api/comfyui/convert", "post", answer)
    assert answer.json()["prompt"].keys() == TEXT_TO_IMAGE.keys()
    assert api.client.get("/api/comfyui/workflows").json() == before


def test_servers_are_asked_stopped_and_freed(api: Any, comfy: StandIn) -> None:
    answer = api.client.get("/api/comfyui/status")
    check(api, "/api/comfyui/status", "get", answer)
    assert (answer.json()["servers"][0]["url"], answer.json()["servers"][0]["online"]) == (comfy.url, True)
    assert api.client.post("/api/comfyui/interrupt", json={}).status_code == 200
    assert api.client.post("/api/comfyui/free", json={"server": comfy.url}).status_code == 200
    assert comfy.engine.freed[-1] == {"unload_models": True, "free_memory": True}
    other = api.client.post("/api/comfyui/free", json={"server": "http://127.0.0.1:9"})
    assert (other.status_code, other.json()["error"]["field"]) == (422, "server")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "workflows", {}, 422, "workflow"),
        ("POST", "workflows", {"workflow": {}, "file": "eA=="}, 422, "workflow"),
        ("POST", "workflows", {"workflow": {"a": 1}}, 422, "workflow"),
        ("POST", "workflows", {"workflow": [1]}, 422, None),
        ("POST", "workflows", {"file": "not base64!"}, 422, "file"),
        ("POST", "workflows", {"file": base64.b64encode(b"\x89PNG nothing").decode()}, 422, "workflow"),
        ("POST", "workflows", {"workflow": TEXT_TO_IMAGE, "more": 1}, 422, "more"),
        ("POST", "workflows", {"workflow": TEXT_TO_IMAGE, "server": "http://127.0.0.1:9"}, 422, "server"),
        ("GET", "workflows/none", None, 404, None),
        ("GET", "workflows/..%2F..%2Fetc", None, 404, None),
        ("PUT", "workflows/none", {"title": "x"}, 404, None),
        ("DELETE", "workflows/none", None, 404, None),
        ("POST", "jobs", {"workflow_id": "none"}, 404, None),
        ("POST", "jobs", {"parameters": {}}, 422, "workflow_id"),
        ("GET", "jobs/" + "0" * 26, None, 404, "job_id"),
        ("POST", "convert", {"workflow": "not json"}, 422, "workflow"),
    ],
)
def test_bad_requests(api: Any, method: str, path: str, body: Any, status: int, field: str | None) -> None:
    answer = api.client.request(
        method, f"/api/comfyui/{path}", **({"json": body} if body is not None else {})
    )
    assert answer.status_code == status, answer.text
    if field is not None:
        assert answer.json()["error"]["field"] == field, answer.text


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"seed": "five"}, "parameters.seed"),
        ({"width": True}, "parameters.width"),
        ({"images": "x"}, "parameters.images"),
        ({"mask": 4}, "parameters.mask"),
        ({"loras": [1]}, "parameters.loras"),
    ],
)
def test_values_that_do_not_fit_are_named(api: Any, imported: Any, parameters: Any, field: str) -> None:
    told = imported()
    answer = api.client.post("/api/comfyui/jobs", json={"workflow_id": told["id"], "parameters": parameters})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, field), answer.text
    unknown = api.client.post(
        "/api/comfyui/jobs", json={"workflow_id": told["id"], "parameters": {"nothing": 1}, "strict": True}
    )
    assert unknown.status_code == 422


def test_a_value_out_of_range_is_named_as_the_form_names_it(api: Any, imported: Any) -> None:
    told = imported(INVERT, title="Invert")
    answer = api.client.post("/api/comfyui/jobs", json={"workflow_id": told["id"], "parameters": {}})
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "parameters.images"), answer.text


def test_a_workflow_without_media_is_kept_and_not_run(api: Any, imported: Any) -> None:
    count = {
        "1": {"class_type": "PrimitiveInt", "inputs": {"value": 3}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    told = imported(count, title="Count")
    assert (told["operation"], told["reason"]) == (None, "it makes text, not images, videos or sound")
    answer = api.client.post("/api/comfyui/jobs", json={"workflow_id": told["id"], "parameters": {}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "operation_not_supported")
    assert "it makes text" in answer.json()["error"]["message"]


def test_a_job_of_something_else_is_not_shown_here(api: Any) -> None:
    job_id = api.submit()
    api.finished(job_id)
    assert api.client.get(f"/api/comfyui/jobs/{job_id}").status_code == 404
