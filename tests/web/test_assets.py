"""The library over HTTP: files with ranges, lists, trash, favourites, export, reading other pictures."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def picture(server: Any) -> dict[str, Any]:
    body = {"prompt": "a lighthouse in snow", "width": 96, "height": 64, "seed": 5, "session_id": "assets"}
    made: dict[str, Any] = server.client.post("/api/generate", json=body).json()["images"][0]
    return made


def test_files_come_whole_and_in_ranges(server: Any, picture: Any) -> None:
    whole = server.client.get(picture["url"])
    data = whole.content
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["accept-ranges"] == "bytes"
    for asked, expected in (("bytes=0-9", data[:10]), ("bytes=10-", data[10:]), ("bytes=-7", data[-7:])):
        part = server.client.get(picture["url"], headers={"Range": asked})
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["content-range"].endswith(f"/{len(data)}")
    beyond = server.client.get(picture["url"], headers={"Range": f"bytes={len(data)}-"})
    assert beyond.status_code == 416
    head = server.client.head(picture["url"])
    assert head.status_code in (200, 405)


def test_a_hundred_thousand_ranges_do_no_harm(server: Any, picture: Any) -> None:
    ranges = ",".join(f"{n}-{n}" for n in range(0, 9000, 2))
    answer = server.client.get(picture["url"], headers={"Range": f"bytes={ranges}"}, timeout=10)
    assert answer.status_code in (200, 206, 400, 416, 431)


def test_files_are_not_sent_twice(server: Any, picture: Any) -> None:
    for url in (picture["url"], picture["thumbnail_url"]):
        etag = server.client.get(url).headers["etag"]
        for known in (etag, f"W/{etag}", f'"x", {etag}'):
            again = server.client.get(url, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
        assert server.client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200
    stale = server.client.get(picture["url"], headers={"Range": "bytes=0-9", "If-Range": '"other"'})
    assert stale.status_code == 200


def test_files_can_be_nothing_but_media(server: Any, picture: Any) -> None:
    for url in (picture["url"], picture["thumbnail_url"], f"/api/images/{picture['id']}"):
        headers = server.client.get(url).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert headers["content-disposition"].startswith("inline; filename=")
        assert headers["cross-origin-resource-policy"] == "same-origin"
    saved = server.client.get(picture["url"], params={"download": True})
    assert saved.headers["content-disposition"] == f'attachment; filename="{picture["filename"]}"'


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_another_format_keeps_the_recipe(server: Any, picture: Any, format: str) -> None:
    answer = server.client.get(picture["url"], params={"format": format})
    assert Image.open(io.BytesIO(answer.content)).format == format.upper()
    facts = server.client.post(
        "/api/assets/inspect", files={"image": ("x", answer.content, answer.headers["content-type"])}
    )
    assert facts.status_code == 200, facts.text
    assert (facts.json()["source"], facts.json()["prompt"], facts.json()["seed"]) == (
        "diorama",
        "a lighthouse in snow",
        5,
    )
    assert facts.json()["missing"] == []


def test_reading_a_foreign_picture_names_what_is_missing(server: Any) -> None:
    from PIL.PngImagePlugin import PngInfo

    texts = PngInfo()
    texts.add_text(
        "parameters",
        "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, Size: 512x512, Model: dreamy_v9",
    )
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=texts)
    facts = server.client.post(
        "/api/assets/inspect", files={"image": ("cat.png", buffer.getvalue(), "image/png")}
    ).json()
    assert (facts["source"], facts["prompt"], facts["seed"], facts["num_inference_steps"]) == (
        "a1111",
        "a cat",
        42,
        20,
    )
    assert facts["missing"] == ["model dreamy_v9"]
    assert server.client.post("/api/assets/inspect", data={"image": "text"}).status_code in (415, 422)


def test_lists_search_filter_and_page(server: Any, picture: Any) -> None:
    def found(**query: Any) -> list[str]:
        return [asset["id"] for asset in server.client.get("/api/assets", params=query).json()["assets"]]

    assert picture["id"] in found(q="lighthouse")
    assert picture["id"] not in found(q="submarine")
    assert found(session_id="assets", kind="image", seed=5) == [picture["id"]]
    assert found(session_id="assets", kind="video") == []
    assert server.client.get("/api/assets/count", params={"session_id": "assets"}).json() == {
        "number": 1,
        "exact": True,
    }
    first = server.client.get("/api/assets", params={"limit": 1}).json()
    if first["next_cursor"]:
        second = server.client.get("/api/assets", params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert second["assets"][0]["id"] < first["assets"][0]["id"]


def test_trash_restore_favourite_title_purge(server: Any) -> None:
    made = server.client.post("/api/generate", json={"prompt": "short lived"}).json()["images"][0]
    path = f"/api/assets/{made['id']}"
    assert server.client.put(f"{path}/favourite").json()["favourite"] is True
    assert [
        a["id"] for a in server.client.get("/api/assets", params={"favourite": True}).json()["assets"]
    ] == [made["id"]]
    assert server.client.delete(f"{path}/favourite").json()["favourite"] is False
    assert server.client.patch(path, json={"title": "Kept"}).json()["title"] == "Kept"
    assert server.client.delete(path).status_code == 200
    assert made["id"] not in [a["id"] for a in server.client.get("/api/assets").json()["assets"]]
    assert made["id"] in [
        a["id"] for a in server.client.get("/api/assets", params={"trashed": True}).json()["assets"]
    ]
    assert server.client.post(f"{path}/restore").json()["trashed_at"] is None
    assert server.client.delete(path, params={"purge": True}).status_code == 200
    assert server.client.get(path).status_code == 404
    assert server.client.get(made["url"]).status_code == 404


def test_export_is_an_archive_of_what_was_asked(server: Any, picture: Any) -> None:
    answer = server.client.post(
        "/api/assets/export", json={"asset_ids": [picture["id"], picture["id"]], "format": "webp"}
    )
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    names = archive.namelist()
    assert len(names) == 1
    assert "/" not in names[0]
    assert Image.open(io.BytesIO(archive.read(names[0]))).format == "WEBP"


def test_videos_have_their_own_view(server: Any, picture: Any) -> None:
    body = {"prompt": "a wave", "model": "fake:video", "num_frames": 8, "fps": 8, "width": 64, "height": 64}
    accepted = server.client.post("/api/video/jobs", json=body)
    assert accepted.status_code == 202, accepted.text
    job = server.finished(accepted.json()["job_id"])
    assert job["status"] == "completed", job
    assert {"id", "url", "duration", "fps", "width", "height", "has_audio"} <= job["video"].keys()
    assert server.client.get(f"/api/video/jobs/{job['job_id']}").json() == job
    assert server.client.get(f"/api/upscale/jobs/{job['job_id']}").status_code == 404
    listed = server.client.get("/api/video-assets").json()["assets"]
    assert [asset["id"] for asset in listed] == [job["video"]["id"]]
    part = server.client.get(f"/api/video-assets/{job['video']['id']}/file", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    moving = server.client.get(job["video"]["preview_url"])
    with Image.open(io.BytesIO(moving.content)) as shown:
        assert (moving.headers["content-type"], shown.format) == ("image/webp", "WEBP")
        assert shown.n_frames > 1
    seen = {"If-None-Match": moving.headers["etag"]}
    assert server.client.get(job["video"]["preview_url"], headers=seen).status_code == 304
    assert server.client.get(f"/api/video-assets/{picture['id']}/preview").status_code == 422
    assert server.client.get(f"/api/video-assets/{picture['id']}").status_code == 404
    started = server.client.post(
        "/api/i2v/jobs",
        json={"prompt": "go", "model": "fake:video", "image": picture["id"], "motion_bucket_id": 99},
    )
    assert started.status_code == 202, started.text
    from_picture = server.finished(started.json()["job_id"])
    assert [note["field"] for note in from_picture["ignored"]] == ["parameters.motion_bucket_id"]
    assert [job["job_id"] for job in server.client.get("/api/i2v/jobs").json()["jobs"]] == [
        from_picture["job_id"]
    ]


def test_upscale_takes_an_asset_and_chooses_a_model(server: Any, picture: Any) -> None:
    assert [model["id"] for model in server.client.get("/api/upscale/models").json()["models"]] == [
        "fake:upscale"
    ]
    accepted = server.client.post("/api/upscale/jobs", json={"image_asset_id": picture["id"], "scale": 2})
    assert accepted.status_code == 202, accepted.text
    job = server.finished(accepted.json()["job_id"])
    assert (job["images"][0]["width"], job["images"][0]["height"]) == (192, 128)
