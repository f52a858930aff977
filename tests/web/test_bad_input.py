"""Bad input: a 4xx that names the field and the remedy, and nothing stored."""

from __future__ import annotations

import base64
import io
import json
import struct
import time
import zlib
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image


def png(size: tuple[int, int] = (32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "green").save(buffer, "PNG")
    return buffer.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def as_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


IMAGE = as_url(png())
HTML = as_url(b"<html><script>alert(1)</script></html>")
SVG = as_url(b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')


def referring(*sources: str, mask: str = "") -> str:
    return json.dumps({"prompt": "x", "reference_images": list(sources), **({"mask": mask} if mask else {})})


BODIES: dict[str, tuple[str, str]] = {
    "prompt empty": ('{"prompt": ""}', "prompt"),
    "prompt missing": ("{}", "prompt"),
    "prompt of 100 kB": ('{"prompt": "%s"}' % ("x" * 100_000), "prompt"),
    "prompt a number": ('{"prompt": 5}', "prompt"),
    "prompt null": ('{"prompt": null}', "prompt"),
    "prompt with NUL": ('{"prompt": "a\\u0000b"}', "prompt"),
    "prompt with a lone surrogate": ('{"prompt": "\\ud800"}', "prompt"),
    "width 0": ('{"prompt": "x", "width": 0}', "width"),
    "width -1": ('{"prompt": "x", "width": -1}', "width"),
    "width NaN": ('{"prompt": "x", "width": NaN}', "width"),
    "width Infinity": ('{"prompt": "x", "width": Infinity}', "width"),
    "width 1e9": ('{"prompt": "x", "width": 1e9}', "width"),
    "width half a pixel": ('{"prompt": "x", "width": 64.5}', "width"),
    "width text": ('{"prompt": "x", "width": "wide"}', "width"),
    "width of 400 digits": ('{"prompt": "x", "width": 1%s}' % ("0" * 400), "width"),
    "height 1e9": ('{"prompt": "x", "height": 1000000000}', "height"),
    "guidance NaN": ('{"prompt": "x", "guidance_scale": NaN}', "guidance_scale"),
    "strength 2": ('{"prompt": "x", "strength": 2}', "strength"),
    "strength -Infinity": ('{"prompt": "x", "strength": -Infinity}', "strength"),
    "steps 0": ('{"prompt": "x", "steps": 0}', "steps"),
    "steps 1e9": ('{"prompt": "x", "num_inference_steps": 1000000000}', "num_inference_steps"),
    "seed negative": ('{"prompt": "x", "seed": -1}', "seed"),
    "seed 2^32": ('{"prompt": "x", "seed": 4294967296}', "seed"),
    "no pictures": ('{"prompt": "x", "num_images": 0}', "num_images"),
    "a thousand pictures": ('{"prompt": "x", "num_images": 1000}', "num_images"),
    "unknown model": ('{"prompt": "x", "model": "fake:nothing"}', "model"),
    "model with NUL": ('{"prompt": "x", "model": "fake:\\u0000"}', "model"),
    "model with dots": ('{"prompt": "x", "model": "../../etc/passwd"}', "model"),
    "model of another kind": ('{"prompt": "x", "model": "fake:video"}', "model"),
    "unknown parameter, strict": ('{"prompt": "x", "parameters": {"sparkle": 1}, "strict": true}', "parameters.sparkle"),
    "parameter of a wrong type": ('{"prompt": "x", "parameters": {"delay": "long"}}', "parameters.delay"),
    "parameter too large": ('{"prompt": "x", "parameters": {"delay": 1e9}}', "parameters.delay"),
    "20 reference images": (referring(*["x"] * 20), "reference_images"),
    "lora weight 9": ('{"prompt": "x", "loras": [{"id": "a", "weight": 9}]}', "loras.0.weight"),
    "session id with dots": ('{"prompt": "x", "session_id": "../x"}', "session_id"),
    "session id of 100 kB": ('{"prompt": "x", "session_id": "%s"}' % ("x" * 100_000), "session_id"),
    "batch id with NUL": ('{"prompt": "x", "batch_id": "a\\u0000"}', "batch_id"),
    "reference no base64": ('{"prompt": "x", "reference_images": ["!!!"]}', "reference_images[0]"),
    "reference a local file": ('{"prompt": "x", "reference_images": ["file:///etc/passwd"]}', "reference_images[0]"),
    "reference a private address": ('{"prompt": "x", "reference_images": ["http://127.0.0.1:1/x.png"]}', "reference_images[0]"),
    "reference metadata address": ('{"prompt": "x", "reference_images": ["http://169.254.169.254/"]}', "reference_images[0]"),
    "reference HTML": (referring(HTML), "reference_images[0]"),
    "reference SVG": (referring(SVG), "reference_images[0]"),
    "reference unknown asset": (referring("0" * 26), "reference_images[0]"),
    "reference a bomb": (referring(as_url(bomb(65500, 65500))), "reference_images[0]"),
    "mask of another size": (referring(IMAGE, mask=as_url(png((16, 16)))), "mask"),
    "no object": ("[1, 2]", "body"),
}  # fmt: skip


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["/api/generate", "/api/jobs"])
def test_bad_bodies(server: Any, name: str, path: str) -> None:
    text, field = BODIES[name]
    before = server.stored()
    started = time.monotonic()
    if path == "/api/jobs" and name == "model of another kind":
        text = text.replace('{"', '{"kind": "generate", "', 1)
    answer = server.client.post(
        path, content=text.encode("utf-8", "surrogatepass"), headers={"Content-Type": "application/json"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    error = answer.json()["error"]
    assert error["message"]
    assert error.get("field") == field, error
    assert error.get("fix"), error
    assert len(answer.content) < 2000, "what was sent must not come back"
    assert "Traceback" not in answer.text
    assert server.stored() == before
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "text", ["", "{", "\xff", '{"prompt": "x"', "nonsense", '{"prompt": "x"}}', "[" * 100_000]
)
def test_broken_json(server: Any, text: str) -> None:
    for path in ("/api/generate", "/api/jobs", "/api/edit", "/api/jobs/batch"):
        answer = server.client.post(
            path, content=text.encode("latin-1"), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (400, 422), (path, answer.text)
        assert answer.json()["error"]["message"]


FILES: dict[str, bytes] = {
    "HTML named .png": b"<html><body onload=alert(1)></body></html>",
    "SVG named .png": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "script": b"alert(1)",
    "nothing": b"",
    "65500x65500 in 1 kB": bomb(65500, 65500),
    "broken PNG": png()[:-30],
    "m3u8": b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n",
    "pickle": b"\x80\x04cos\nsystem\n(S'true'\ntR.",
    "too many pixels": bomb(2001, 2001),
    "too many bytes": png() + b"\0" * 2_100_000,
}


@pytest.mark.parametrize("name", FILES)
def test_bad_files(server: Any, name: str) -> None:
    before = server.stored()
    inputs = sorted((server.home / "data" / "inputs").glob("*"))
    started = time.monotonic()
    answer = server.client.post(
        "/api/edit", files={"image1": ("holiday.png", FILES[name], "image/png")}, data={"prompt": "x"}
    )
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["error"]["field"] == "image1"
    assert answer.json()["error"]["fix"]
    assert time.monotonic() - started < 10
    assert server.stored() == before
    assert sorted((server.home / "data" / "inputs").glob("*")) == inputs


def test_bad_forms(server: Any) -> None:
    image = ("a.png", png(), "image/png")
    post = server.client.post
    other_mask = {"image1": image, "mask": ("m.png", png((16, 16)), "image/png")}
    cases = [
        (post("/api/edit", files={"image1": image}, data={"config": "{"}), "config"),
        (post("/api/edit", files={"image1": image}, data={"config": "[]"}), "config"),
        (post("/api/edit", files={"image1": image}, data={"config": '{"prompt": ""}'}), "prompt"),
        (
            post("/api/edit", files={"image1": image}, data={"config": '{"prompt": "x", "width": -3}'}),
            "width",
        ),
        (post("/api/edit", files={"../x": image}, data={"prompt": "x"}), "../x"),
        (post("/api/edit", files={"image1": image, "payload": image}, data={"prompt": "x"}), "payload"),
        (post("/api/edit", files=other_mask, data={"prompt": "x"}), "mask"),
        (post("/api/edit", json={"prompt": "x"}), "image1"),
    ]
    for answer, field in cases:
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["field"] == field
        assert answer.json()["error"]["fix"]
    many = [(f"image{number}", image) for number in range(1, 8)]
    assert 400 <= post("/api/edit", files=many, data={"prompt": "x"}).status_code < 500


@pytest.mark.parametrize(
    "name", ["image²", "image" + "9" * 5000, "image٣", "image-1", "image 1", "images[0]"]
)
def test_odd_names_of_pictures_are_refused(server: Any, name: str) -> None:
    image = ("a.png", png(), "image/png")
    answer = server.client.post("/api/edit", files={"image1": image, name: image}, data={"prompt": "x"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["message"]


def test_file_names_of_uploads_are_never_paths(server: Any) -> None:
    for name in ("../../../escape.png", "/etc/cron.d/x", "C:\\x.png", "a\x00b.png", "x" * 5000, "‮gnp.exe"):
        answer = server.client.post(
            "/api/edit",
            files={"image1": (name, png(), "image/png")},
            data={"prompt": "x", "config": '{"model": "fake:edit"}'},
        )
        assert answer.status_code in (200, 400), answer.text
    assert not list(server.home.rglob("escape*"))
    for file in (server.home / "data" / "inputs").iterdir():
        assert len(file.stem) == 64


IDS = [
    "..",
    "../..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f",
    "a/../b",
    "\x00",
    "a\x00b",
    "C:\\x",
    "\\\\host\\share",
    "x:stream",
    "x" * 5000,
    "‮",
    "0" * 25,
    "0" * 27,
    "'; DROP TABLE jobs; --",
    "*",
    "%",
    "_" * 26,
    "u" * 26,
    "0" * 25 + "U",
    " " * 26,
]  # fmt: skip
WITH_IDS = [
    ("GET", "/api/jobs/{}"),
    ("DELETE", "/api/jobs/{}"),
    ("POST", "/api/jobs/{}/retry"),
    ("GET", "/api/jobs/{}/events"),
    ("GET", "/api/jobs/{}/status"),
    ("GET", "/api/jobs/{}/images"),
    ("GET", "/api/jobs/{}/images/0"),
    ("POST", "/api/jobs/{}/hold"),
    ("GET", "/api/video/jobs/{}"),
    ("GET", "/api/i2v/jobs/{}"),
    ("GET", "/api/upscale/jobs/{}"),
    ("GET", "/api/assets/{}"),
    ("DELETE", "/api/assets/{}"),
    ("POST", "/api/assets/{}/restore"),
    ("PUT", "/api/assets/{}/favourite"),
    ("GET", "/api/assets/{}/file"),
    ("GET", "/api/assets/{}/thumbnail"),
    ("GET", "/api/images/{}"),
    ("GET", "/api/video-assets/{}"),
    ("GET", "/api/video-assets/{}/file"),
    ("GET", "/api/video-assets/{}/preview"),
    ("GET", "/api/sessions/{}"),
    ("DELETE", "/api/sessions/{}"),
    ("GET", "/api/models/{}"),
    ("DELETE", "/api/models/{}/cache"),
    ("POST", "/api/models/{}/download"),
    ("GET", "/api/system/can-generate/{}"),
    ("GET", "/page/{}"),
    ("DELETE", "/api/providers/{}"),
    ("GET", "/api/settings/logs/{}"),
    ("DELETE", "/api/settings/logs/{}"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), WITH_IDS)
def test_ids_are_never_paths(server: Any, method: str, path: str) -> None:
    for text in IDS:
        target = path.format(quote(text, safe="%").replace(".", "%2e"))  # else the client tidies ".." away
        answer = server.client.request(method, target, timeout=10)
        listed = answer.status_code == 200 and answer.headers["content-type"].startswith("application/json")
        assert 400 <= answer.status_code < 500 or listed, (target, answer.status_code, answer.text[:200])
        assert "root:" not in answer.text
        assert "Traceback" not in answer.text


def test_ids_in_bodies_and_queries(server: Any) -> None:
    for text in IDS:
        export = server.client.post("/api/assets/export", json={"asset_ids": [text]})
        assert export.status_code in (404, 422), export.text
        video = server.client.post("/api/upscale/jobs", json={"video_asset_id": text})
        assert 400 <= video.status_code < 500, video.text
        for query in ("cursor", "session_id", "model", "job_id", "q", "batch_id", "lora"):
            answer = server.client.get("/api/assets", params={query: text})
            assert answer.status_code in (200, 422), (query, text, answer.text)
        jobs = server.client.get("/api/jobs", params={"cursor": text})
        assert jobs.status_code in (200, 422), jobs.text


def test_upscale_wants_exactly_one_source(server: Any) -> None:
    for body in ({}, {"image_asset_id": "a", "video_asset_id": "b"}):
        answer = server.client.post("/api/upscale/jobs", json=body)
        assert (answer.status_code, answer.json()["error"]["field"]) == (422, "image_asset_id")
    start = server.client.post("/api/i2v/jobs", json={"prompt": "x"})
    assert (start.status_code, start.json()["error"]["field"]) == (422, "reference_images")


def test_wrong_addresses_and_methods_have_the_one_shape(server: Any) -> None:
    missing, wrong = server.client.get("/api/nothing"), server.client.put("/api/jobs", json={})
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (405, "method_not_allowed")
