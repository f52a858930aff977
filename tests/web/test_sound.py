"""Sound through the REST API: made, listed, heard in ranges, exported, changed, searched, thrown away; and by ComfyUI."""

from __future__ import annotations

import base64
import gzip
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[2] / "plugins/comfyui/tests"))

from comfyui_standin import StandIn
from comfyui_workflows import SOUND_TO_SOUND, TEXT_TO_SOUND
from diorama.testing.samples import sample_sound

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
        "DIORAMA_BACKENDS__FAKE__SOUNDS": "true",
    }
    made = type(server)(tmp_path_factory.mktemp("with-sound"), environ=environ)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def song(api: Any) -> dict[str, Any]:
    body = {"prompt": "a slow drum", "model": "fake:sound", "seed": 5, "duration": 1.5, "session_id": "songs"}
    answer = api.client.post("/api/generate", json=body)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["images"], told["width"]) == ([], None)
    made: dict[str, Any] = told["sounds"][0]
    return made


def seconds(data: bytes) -> float:
    with av.open(io.BytesIO(data)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        return float(samples / container.streams.audio[0].rate)


def test_a_prompt_makes_a_sound(api: Any, song: Any) -> None:
    assert (song["mime"], song["seed"], song["sample_rate"], song["channels"]) == ("audio/flac", 5, 22050, 2)
    assert song["duration"] == pytest.approx(1.5)
    whole = api.client.get(song["url"])
    assert whole.headers["content-type"] == "audio/flac"
    assert whole.headers["content-disposition"].startswith("inline")
    assert seconds(whole.content) == pytest.approx(1.5)
    part = api.client.get(song["url"], headers={"Range": "bytes=4-99"})
    assert (part.status_code, part.content) == (206, whole.content[4:100])
    waveform = api.client.get(song["thumbnail_url"])
    assert waveform.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(waveform.content)).size == (320, 160)
    facts = api.client.post("/api/assets/inspect", files={"image": ("x", whole.content)}).json()
    assert (facts["source"], facts["prompt"], facts["recipe"]["duration"]) == ("diorama", "a slow drum", 1.5)


def test_it_can_be_nothing_but_sound(api: Any, song: Any, tmp_path: Path) -> None:
    """Whatever else its bytes may spell: no page, no script, nothing that another site can take in."""
    asked: list[dict[str, Any]] = [
        {},
        {"download": True},
        {"format": "mp3"},
        {"format": "wav", "download": True},
    ]
    for query in asked:
        headers = api.client.get(song["url"], params=query).headers
        assert headers["content-type"].startswith("audio/")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        kind, _, name = headers["content-disposition"].partition("; ")
        assert kind == ("attachment" if query.get("download") else "inline")
        assert name.startswith(f'filename="diorama-{song["id"]}.')
    before = api.stored()
    page = b"<!doctype html><script>alert(1)</script>" * 50
    form = {"config": json.dumps({"prompt": "x", "model": "fake:sound"})}
    for name, content in {
        "x.mp3": b"ID3\4\0\0\0\0\0\0" + page, "x.flac": b"fLaC" + page, "x.wav": b"RIFF\xff\0\0\0WAVE" + page,
        "x.ogg": b"OggS" + page, "x.m4a": b"\0\0\0\x18ftypM4A " + page, "x.svg": page,
    }.items():  # fmt: skip
        sent = api.client.post("/api/edit", data=form, files={"sound1": (name, content, "audio/mpeg")})
        assert (sent.status_code, sent.json()["error"]["field"]) == (422, "sound1"), (name, sent.text)
    assert api.stored() == before


def test_it_is_found_among_the_assets(api: Any, song: Any) -> None:
    def ids(**query: Any) -> list[str]:
        return [item["id"] for item in api.client.get("/api/assets", params=query).json()["assets"]]

    assert song["id"] in ids(kind="audio")
    assert song["id"] in ids(q="slow drum")
    assert song["id"] in ids(session_id="songs")
    assert song["id"] not in ids(kind="image")
    detail = api.client.get(f"/api/assets/{song['id']}").json()
    assert (detail["kind"], detail["mime"], detail["has_audio"]) == ("audio", "audio/flac", True)
    assert (detail["sample_rate"], detail["channels"], detail["width"]) == (22050, 2, 0)
    assert api.client.get("/api/assets/count", params={"kind": "audio"}).json()["number"] >= 1
    assert api.client.get(f"/api/video-assets/{song['id']}").status_code == 404


def test_it_leaves_in_other_formats(api: Any, song: Any) -> None:
    for name, mime in (
        ("mp3", "audio/mpeg"),
        ("ogg", "audio/ogg"),
        ("wav", "audio/wav"),
        ("m4a", "audio/mp4"),
    ):
        answer = api.client.get(song["url"], params={"format": name, "download": True})
        assert answer.headers["content-type"] == mime, answer.text
        assert f'.{name}"' in answer.headers["content-disposition"]
        assert seconds(answer.content) == pytest.approx(1.5, abs=0.15)
    refused = api.client.get(song["url"], params={"format": "png"})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "format")
    archive = api.client.post("/api/assets/export", json={"asset_ids": [song["id"]], "format": "mp3"})
    assert zipfile.ZipFile(io.BytesIO(archive.content)).namelist() == [f"{song['id']}.mp3"]


def test_a_job_answers_with_it_and_does_it_again(api: Any) -> None:
    job = api.finished(api.submit(model="fake:sound", seed=9, duration=1, width=640, output_format="mp3"))
    assert (job["status"], job["images"], job["video"]) == ("completed", [], None)
    assert [sound["mime"] for sound in job["sounds"]] == ["audio/mpeg"]
    assert [note["field"] for note in job["ignored"]] == ["width"]
    again = api.client.post(f"/api/jobs/{job['job_id']}/retry").json()["job_id"]
    assert api.finished(again)["sounds"][0]["seed"] == 9
    logged = api.client.get(f"/api/settings/logs/{job['job_id']}").json()
    assert [sound["id"] for sound in logged["sounds"]] == [sound["id"] for sound in job["sounds"]]


def test_a_sound_is_changed(api: Any, song: Any, tmp_path: Path) -> None:
    body = {"prompt": "quieter", "model": "fake:sound", "sounds": [song["id"]]}
    told = api.client.post("/api/edit", json=body).json()
    detail = api.client.get(f"/api/assets/{told['sounds'][0]['id']}").json()
    assert (detail["operation"], detail["parents"]) == ("edit", [song["id"]])
    assert detail["recipe"]["parents"][0]["role"] == "sound"
    form = {"config": json.dumps({"prompt": "x", "model": "fake:sound"})}
    with Path(sample_sound(tmp_path, seconds=0.5).path).open("rb") as file:
        sent = api.client.post("/api/edit", data=form, files={"sound1": file})
    assert sent.status_code == 200, sent.text
    assert sent.json()["sounds"][0]["duration"] == pytest.approx(0.5, abs=0.01)
    nothing = api.client.post("/api/edit", json={"prompt": "x", "model": "fake:sound"})
    assert nothing.status_code == 422


def test_plans_know_what_it_takes(api: Any) -> None:
    plan = api.client.post("/api/plan", json={"prompt": "x", "model": "fake:sound", "duration": 4}).json()
    assert (plan["kind"], plan["applied"]["duration"], plan["applied"].get("width")) == ("generate", 4, None)
    model = api.client.get("/api/models/fake:sound").json()
    assert (model["mode"], model["operations"]["generate"]["produces"]) == ("sound", "audio")


def test_it_goes_to_the_trash_and_back(api: Any) -> None:
    made = api.client.post("/api/generate", json={"prompt": "gone", "model": "fake:sound", "duration": 1})
    address = f"/api/assets/{made.json()['sounds'][0]['id']}"
    assert api.client.delete(address).status_code == 200
    assert api.client.get(address).json()["trashed_at"]
    assert api.client.post(f"{address}/restore").json()["trashed_at"] is None
    assert api.client.delete(address, params={"purge": True}).status_code == 200
    assert api.client.get(f"{address}/file").status_code == 404


def test_a_workflow_makes_sound(api: Any) -> None:
    told = api.client.post("/api/comfyui/workflows", json={"workflow": TEXT_TO_SOUND, "title": "Song"}).json()
    assert (told["operation"], told["media"]) == ("generate", "audio")
    body = {"workflow_id": told["id"], "parameters": {"prompt": "a drum", "seed": 4, "duration": 1.5}}
    job = api.finished(api.client.post("/api/comfyui/jobs", json=body).json()["job_id"])
    assert job["status"] == "completed", job
    (made,) = job["sounds"]
    assert (made["mime"], made["seed"]) == ("audio/flac", 4)
    assert made["duration"] == pytest.approx(1.5)
    usual = api.client.post("/api/generate", json={"prompt": "a flute", "model": told["model"]})
    assert usual.json()["sounds"], usual.text


def test_a_workflow_takes_sound(api: Any, song: Any, tmp_path: Path) -> None:
    told = api.client.post(
        "/api/comfyui/workflows", json={"workflow": SOUND_TO_SOUND, "title": "Quiet"}
    ).json()
    data = base64.b64encode(Path(sample_sound(tmp_path, seconds=0.5).path).read_bytes()).decode()
    for given, length in ((song["id"], 1.5), (f"data:audio/wav;base64,{data}", 0.5)):
        body = {"workflow_id": told["id"], "parameters": {"audio": given, "volume": -12}}
        job = api.finished(api.client.post("/api/comfyui/jobs", json=body).json()["job_id"])
        assert job["status"] == "completed", job
        assert job["sounds"][0]["mime"] == "audio/mpeg"
        assert job["sounds"][0]["duration"] == pytest.approx(length, abs=0.15)
    nothing = api.client.post("/api/comfyui/jobs", json={"workflow_id": told["id"], "parameters": {}})
    assert (nothing.status_code, nothing.json()["error"]["field"]) == (422, "parameters.sounds")
    wrong = {"workflow_id": told["id"], "parameters": {"audio": "no such thing"}}
    refused = api.client.post("/api/comfyui/jobs", json=wrong)
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "parameters.audio")
