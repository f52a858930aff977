"""Catalog, sessions, settings, keys, pages, and whether answers are what the OpenAPI document says."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from diorama_web.routes.pages import PAGE


def test_the_catalog_filters_and_finds_ids_with_slashes(new_server: Any) -> None:
    server = new_server()
    ids = [model["id"] for model in server.client.get("/api/models").json()["models"]]
    assert {"fake:image", "fake:edit", "fake:video", "fake:upscale"} <= set(ids)
    video = server.client.get("/api/models", params={"operation": "video"}).json()
    assert [model["id"] for model in video["models"]] == ["fake:video"]
    assert server.client.get("/api/models", params={"q": "nothing like it"}).json()["total"] == 0
    page = server.client.get("/api/models", params={"limit": 1, "offset": 1}).json()
    assert ([model["id"] for model in page["models"]], page["total"]) == (ids[1:2], len(ids))
    for address in ("fake:image", quote("fake:image", safe="")):
        assert server.client.get(f"/api/models/{address}").json()["operations"].keys() == {"generate", "edit"}
    missing = server.client.get("/api/models/fake:some/deep:id")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "unknown_model")
    assert server.client.get("/api/models/fake:imag").json()["error"]["fix"].startswith("Did you mean")


def test_the_catalog_is_not_sent_twice(server: Any) -> None:
    first = server.client.get("/api/models")
    again = server.client.get("/api/models", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = server.client.get(
        "/api/models", params={"q": "video"}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert other.status_code == 200


def test_models_on_disk_and_in_memory(server: Any) -> None:
    assert server.client.get("/api/models/cache-status").json()["models"] == []
    assert server.client.get("/api/models/downloads").json()["jobs"] == []
    refused = server.client.post("/api/models/fake:image/download")
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "model")
    assert server.client.delete("/api/models/fake:image/cache").status_code == 409
    assert server.client.post("/api/models/fake:image/unload").status_code == 200
    assert server.client.get("/api/system/can-generate/fake:image").json()["can_generate"] is True
    assert server.client.get("/api/system/can-generate/fake:none").status_code == 404


@pytest.mark.parametrize("path", ["/api/sessions", "/api/video-sessions"])
def test_sessions_live_their_life(server: Any, path: str) -> None:
    made = server.client.post(path, json={"title": "Boats"})
    assert made.status_code == 201
    session = made.json()
    one = f"{path}/{session['id']}"
    assert server.client.get(path).json()["sessions"][0]["id"] == session["id"]
    assert server.client.patch(one, json={"title": "  Red   boats "}).json()["title"] == "Red boats"
    state = {"prompt": "a draft", "model": "fake:image"}
    server.client.patch(one, json={"state": state})
    assert server.client.get(one).json()["state"] == state
    assert server.client.delete(one).json()["deleted_at"]
    assert session["id"] not in [item["id"] for item in server.client.get(path).json()["sessions"]]
    assert session["id"] in [
        item["id"] for item in server.client.get(path, params={"deleted": True}).json()["sessions"]
    ]
    assert server.client.post(f"{one}/restore").json()["deleted_at"] is None
    other = (
        one.replace("/api/sessions", "/api/video-sessions")
        if "video" not in path
        else one.replace("video-", "")
    )
    assert server.client.get(other).status_code == 404
    too_much = server.client.patch(one, json={"state": {"x": "y" * 70_000}})
    assert (too_much.status_code, too_much.json()["error"]["field"]) == (422, "state")
    assert server.client.post(path, json={"id": "a/b"}).status_code == 422
    assert server.client.post(path, json={"id": session["id"]}).json()["title"] == "Red boats"


def test_a_session_is_named_by_its_first_prompt(server: Any) -> None:
    for prompt in ("a small red boat, oil painting, very detailed", "and now a green one"):
        server.finished(server.submit(prompt=prompt, session_id="boat-1"))
    assert server.client.get("/api/sessions/boat-1").json()["title"] == "A small red boat"
    title = server.client.post(
        "/api/generate-title", json={"prompt": "((night)) city <lora:x:1>, rain"}
    ).json()["title"]
    assert title == "Night city"


def test_settings_are_kept_and_used(new_server: Any) -> None:
    server = new_server()
    assert server.client.get("/api/settings").json()["theme"] == "system"
    changed = server.client.post(
        "/api/settings", json={"theme": "dark", "default_models": {"video": "fake:video"}}
    )
    assert changed.json()["default_models"] == {"video": "fake:video"}
    server.stop()
    server.start()
    assert server.client.get("/api/settings").json()["theme"] == "dark"
    assert server.client.post("/api/settings", json={"theme": None}).json()["theme"] == "system"
    for body in (
        {"theme": "pink"},
        {"nonsense": 1},
        {"default_models": {"dance": "x"}},
        {"prompt_history": -1},
    ):
        assert server.client.post("/api/settings", json=body).status_code == 422
    assert (
        server.client.post("/api/settings", json={"default_models": {"video": "fake:none"}}).status_code
        == 404
    )


def test_keys_go_in_and_never_come_out(server: Any) -> None:
    assert server.client.get("/api/providers").json() == {"providers": []}
    value = "sk-canary-0123456789abcdef"
    refused = server.client.put("/api/providers/fake", json={"api_key": value})
    assert refused.status_code == 422
    assert value not in refused.text
    assert server.client.post("/api/providers/fake/test").json()["ok"] is True
    assert server.client.post("/api/providers/none/test").status_code == 404
    assert value not in server.log.read_text()


def test_pages_are_ours_alone(server: Any) -> None:
    page = server.client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for text in (page.text, server.client.get("/docs").text):
        assert "//" not in text.replace("://", "//").replace("http://", "").split("<body")[0].replace(
            "<!doctype", ""
        )
    assert server.client.get("/page/app.js").headers["content-type"].startswith("text/javascript")
    for coding, expected in (("gzip, deflate", "gzip"), ("identity", None)):
        script = server.client.get("/page/app.js", headers={"Accept-Encoding": coding})
        assert script.headers.get("content-encoding") == expected
        assert script.content == (PAGE / "app.js").read_bytes()
    for path in ("/page/nothing.js", "/page/../app.py", "/api/nothing", "/static/x.js", "/ws/x"):
        assert server.client.get(path).status_code == 404


def test_the_document_is_good_enough_to_make_types_from(server: Any) -> None:
    document = server.client.get("/openapi.json").json()
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    names = [operation["operationId"] for _, _, operation in operations]
    assert len(names) == len(set(names)), "every operation has a name of its own"
    for path, method, operation in operations:
        assert operation.get("description"), (path, method)
        assert operation["responses"]["default"]["content"]["application/json"]["schema"]["$ref"].endswith(
            "/ErrorReply"
        )
        good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
        assert any(answer.get("content") for answer in good), (path, method)
        for answer in good:
            for media in answer.get("content", {}).values():
                assert media.get("schema") != {}, (path, method)
    text = server.client.get("/openapi.json").text
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in document["components"]["schemas"]


def test_answers_are_what_the_document_says(server: Any) -> None:
    from jsonschema import Draft202012Validator

    document = server.client.get("/openapi.json").json()
    job = server.finished(server.submit(session_id="described"))
    asset = job["images"][0]["id"]
    for template, address in {
        "/api/health": "", "/api/system/status": "", "/api/system/storage": "",
        "/api/settings/system": "", "/api/settings": "", "/api/plugins": "",
        "/api/providers": "", "/api/settings/logs": "", "/api/costs": "",
        "/api/models": "", "/api/models/detailed": "", "/api/models/cache-status": "",
        "/api/models/{model_id}": "/api/models/fake:image", "/api/jobs": "", "/api/queue": "", "/api/assets": "",
        "/api/system/can-generate/{model_id}": "/api/system/can-generate/fake:image",
        "/api/jobs/{job_id}": f"/api/jobs/{job['job_id']}", "/api/jobs/{job_id}/status": f"/api/jobs/{job['job_id']}/status",
        "/api/jobs/{job_id}/images": f"/api/jobs/{job['job_id']}/images", "/api/assets/{asset_id}": f"/api/assets/{asset}",
        "/api/settings/logs/{log_id}": f"/api/settings/logs/{job['job_id']}",
        "/api/sessions": "", "/api/sessions/{session_id}": "/api/sessions/described",
    }.items():  # fmt: skip
        answer = server.client.get(address or template)
        schema = document["paths"][template]["get"]["responses"]["200"]["content"]["application/json"][
            "schema"
        ]
        problems = list(
            Draft202012Validator({**schema, "components": document["components"]}).iter_errors(answer.json())
        )
        assert not problems, (template, [f"{list(item.path)}: {item.message}" for item in problems][:3])


def test_storage_is_told_by_what_it_holds(new_server: Any) -> None:
    server = new_server()
    first, second = (server.finished(server.submit(prompt=name))["images"][0]["id"] for name in ("a", "b"))
    sizes = [len(server.client.get(f"/api/assets/{asset}/file").content) for asset in (first, second)]
    assert server.client.get("/api/system/storage").json()["library"] == {"files": 2, "bytes": sum(sizes)}
    server.client.delete(f"/api/assets/{second}")
    told = server.client.get("/api/system/storage").json()
    assert (told["library"], told["trash"]) == (
        {"files": 1, "bytes": sizes[0]},
        {"files": 1, "bytes": sizes[1]},
    )
    assert told["database"]["bytes"] > 0
