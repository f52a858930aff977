"""Pages and files answer HEAD as they answer GET, and a studio that is built meanwhile is found."""

from __future__ import annotations

import gzip
import os
from typing import Any

import httpx2
import pytest
from diorama_web.routes import pages
from starlette.requests import Request


@pytest.mark.parametrize(
    "path", ["/", "/page/app.js", "/api/health", "/api/models?limit=1", "/docs", "/openapi.json"]
)
def test_head_answers_as_get_without_a_body(server: Any, path: str) -> None:
    whole, head = server.client.get(path), server.client.head(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-type", "content-length", "content-security-policy"):
        assert head.headers.get(name) == whole.headers.get(name)


def test_head_of_media(server: Any) -> None:
    job = server.finished(server.submit())
    picture = job["images"][0]
    for path in (picture["url"], picture["thumbnail_url"], f"/api/images/{picture['id']}"):
        whole, head = server.client.get(path), server.client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(whole.content))
        assert head.headers["etag"] == whole.headers["etag"]
        assert head.headers["x-content-type-options"] == "nosniff"


def test_head_of_what_is_not_there_or_is_only_posted(server: Any) -> None:
    assert server.client.head("/api/assets/" + "0" * 26).status_code == 404
    assert server.client.head("/page/nowhere.js").status_code == 404
    assert (
        server.client.head("/api/generate").status_code
        == server.client.get("/api/generate").status_code
        == 404
    )


def test_head_of_an_event_stream_ends(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 20})
    head = server.client.head(f"/api/jobs/{job_id}/events")
    assert head.headers["content-type"].startswith("text/event-stream")
    assert server.client.head("/api/events").status_code == 200
    server.client.delete(f"/api/jobs/{job_id}")


def test_a_head_needs_a_key_like_a_get(locked: Any) -> None:
    assert locked.client.head("/api/models").status_code == 401
    assert locked.client.head("/").status_code == 200


def test_what_is_built_while_the_server_runs_is_found(tmp_path: Any) -> None:
    folder = tmp_path / "static"
    assert pages.files_below(folder) == {}
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("1")
    assert set(pages.files_below(folder)) == {"index.html"}
    (folder / "assets" / "a.js").write_text("1")
    assert set(pages.files_below(folder)) == {"index.html", "assets/a.js"}


def test_a_folder_at_rest_is_listed_once(tmp_path: Any) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("1")
    for folder in (tmp_path / "assets", tmp_path):
        os.utime(folder, (1, 1))
    first = pages.files_below(tmp_path)
    assert pages.files_below(tmp_path) is first
    (tmp_path / "assets" / "a.js").write_text("1")
    assert "assets/a.js" in pages.files_below(tmp_path)


def test_a_built_text_goes_out_as_small_as_the_browser_takes_it(tmp_path: Any) -> None:
    script = tmp_path / "app.js"
    script.write_text("let a = 1;" * 100)
    (tmp_path / "app.js.br").write_bytes(b"as brotli")

    def asked(encodings: str) -> tuple[str | None, Any]:
        scope = {"type": "http", "headers": [(b"accept-encoding", encodings.encode())]}
        answer = pages._answer(script, {}, Request(scope))
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["content-type"].startswith("text/javascript")
        return answer.headers.get("content-encoding"), answer

    encoding, answer = asked("gzip, deflate, br;q=0.9")
    assert (encoding, answer.path) == ("br", tmp_path / "app.js.br")
    encoding, answer = asked("gzip, brave")
    assert (encoding, gzip.decompress(answer.body)) == ("gzip", script.read_bytes())
    assert asked("identity")[0] is None
    assert asked("br;q=0, gzip; q=0.5")[0] == "gzip"
    assert asked("BR ; q=0.0, gzip;q=0")[0] is None
    assert set(pages.files_below(tmp_path)) == {"app.js"}, "the twin has no address of its own"


def test_long_lists_are_compressed_and_streams_are_not(server: Any) -> None:
    with httpx2.stream("GET", f"{server.url}/api/models/detailed", timeout=60) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        packed = sum(map(len, answer.iter_raw()))
    whole = server.client.get("/api/models/detailed", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in whole.headers
    assert packed < len(whole.content) / 2
    assert server.client.get("/api/models/detailed").json() == whole.json()
    assert "content-encoding" not in server.client.get("/api/health").headers
    with server.client.stream("GET", "/api/events") as events:
        assert "content-encoding" not in events.headers
        assert next(events.iter_raw()).startswith(b": following")
