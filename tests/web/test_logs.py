"""The log of requests: what it says, how it is read page by page, and what deleting means."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from diorama_web.schemas.logs import LogDetail, LogPage


@pytest.fixture
def shop(new_server: Callable[..., Any]) -> Any:
    return new_server()


def fill(server: Any) -> dict[str, str]:
    """One request of each outcome."""
    done = server.submit(prompt="a kept picture", session_id="logged", seed=5, parameters={"text": "note"})
    server.finished(done)
    failed = server.submit(prompt="a refused one", parameters={"trouble": "refuse"})
    server.finished(failed)
    clip = server.submit(prompt="a clip", kind="video", model="fake:video")
    server.finished(clip)
    running = server.submit(prompt="not over", parameters={"delay": 60})
    return {"done": done, "failed": failed, "clip": clip, "running": running}


def logs(server: Any, **query: Any) -> LogPage:
    return LogPage.model_validate(server.client.get("/api/settings/logs", params=query).json())


def test_requests_of_every_kind_with_outcome_error_and_times(shop: Any) -> None:
    ids = fill(shop)
    entries = {entry.id: entry for entry in logs(shop).logs}
    assert [entry.id for entry in logs(shop).logs] == [
        ids["running"],
        ids["clip"],
        ids["failed"],
        ids["done"],
    ]
    done, failed = entries[ids["done"]], entries[ids["failed"]]
    assert (done.type, done.status, done.results, done.prompt) == (
        "generate",
        "completed",
        1,
        "a kept picture",
    )
    assert done.seconds is not None
    assert done.seconds >= 0
    assert failed.error is not None
    assert (failed.status, failed.error.fix) == ("failed", "Word it differently.")
    assert entries[ids["running"]].seconds is None
    assert [entry.id for entry in logs(shop, type="video").logs] == [ids["clip"]]
    assert [entry.id for entry in logs(shop, status="failed").logs] == [ids["failed"]]
    assert logs(shop, type="video", status="failed").logs == []
    assert shop.client.get("/api/settings/logs", params={"type": "dance"}).status_code == 422
    detail = LogDetail.model_validate(shop.client.get(f"/api/settings/logs/{ids['done']}").json())
    assert detail.request == {"seed": 5, "parameters": {"text": "note"}}
    assert detail.applied["seed"] == 5
    assert len(detail.images) == 1
    assert shop.client.get("/api/settings/logs/" + "0" * 26).status_code == 404


def test_a_file_that_went_in_is_told_without_its_place(shop: Any) -> None:
    source = shop.finished(shop.submit(prompt="source"))["images"][0]["id"]
    job = shop.submit(kind="edit", prompt="changed", reference_images=[source])
    shop.finished(job)
    answer = shop.client.get(f"/api/settings/logs/{job}")
    assert answer.json()["request"]["images"][0]["asset_id"] == source
    assert str(shop.home) not in answer.text


def test_pages_follow_each_other_without_gap_or_repetition(shop: Any) -> None:
    sent = [shop.submit(prompt=f"number {number}") for number in range(7)]
    for job in sent:
        shop.finished(job)
    seen: list[str] = []
    cursor = None
    while True:
        page = logs(shop, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [entry.id for entry in page.logs]
        cursor = page.next_cursor
        if cursor is None:
            break
        shop.finished(shop.submit(prompt="meanwhile"))
    assert seen == sent[::-1]


def test_deleting_forgets_the_job_and_keeps_picture_and_sum(new_server: Callable[..., Any]) -> None:
    shop = new_server('api_keys = []\n[backends.paid]\nplugin = "diorama.testing.fake:create"\nprice = 0.5\n')
    ids = fill(shop)
    paid = shop.finished(shop.submit(prompt="bought", model="paid:image"))
    assert shop.client.delete(f"/api/settings/logs/{ids['running']}").status_code == 409
    assert shop.client.delete(f"/api/settings/logs/{paid['job_id']}").status_code == 200
    assert shop.client.get(f"/api/jobs/{paid['job_id']}").status_code == 404
    assert shop.client.get(f"/api/assets/{paid['images'][0]['id']}").status_code == 200
    assert shop.client.get("/api/costs").json()["today"][0]["amount"] == 0.5
    assert shop.client.delete("/api/settings/logs", params={"status": "failed"}).json() == {"removed": 1}
    assert shop.client.delete("/api/settings/logs").json() == {"removed": 2}
    assert [entry.id for entry in logs(shop).logs] == [ids["running"]]
    assert shop.client.get("/api/assets/count").json()["number"] == 3
    shop.client.delete(f"/api/jobs/{ids['running']}")
    assert shop.finished(ids["running"])["status"] == "cancelled"


def test_limits_hold_at_once_and_for_what_ends_later(shop: Any) -> None:
    for number in range(5):
        shop.finished(shop.submit(prompt=f"number {number}"))
    assert shop.client.post("/api/settings", json={"log_limit": 2}).json()["log_limit"] == 2
    assert [entry.prompt for entry in logs(shop).logs] == ["number 4", "number 3"]
    shop.finished(shop.submit(prompt="number 5"))
    until(lambda: [entry.prompt for entry in logs(shop).logs] == ["number 5", "number 4"])
    shop.stop()
    shop.start()
    assert shop.client.get("/api/settings").json()["log_limit"] == 2
    shop.client.post("/api/settings", json={"log_limit": None, "log_days": 30})
    assert len(logs(shop).logs) == 2, "nothing is thirty days old"
    for body in ({"log_limit": -1}, {"log_days": 1.5}):
        assert shop.client.post("/api/settings", json=body).status_code == 422


def test_what_was_refused_is_told_with_what_was_wrong(shop: Any) -> None:
    first = shop.submit(prompt="fine")
    shop.finished(first)
    picture = "data:image/png;base64," + "A" * 5000
    bad = {"prompt": "wide", "width": -5, "session_id": "s", "reference_images": [picture], "steps": 3}
    assert shop.client.post("/api/jobs", json=bad).status_code == 422
    assert shop.client.post("/api/generate", json={"prompt": "x", "model": "gone:model"}).status_code == 404
    assert (
        shop.client.post("/api/jobs/batch", json={"jobs": [{"prompt": "b", "seed": "x"}]}).status_code == 422
    )
    assert shop.client.post("/api/models/none:such/download", json={}).status_code == 404
    broken = shop.client.post("/api/jobs", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    assert shop.client.post("/api/generate-title", json={}).status_code == 422, "no work was asked for"
    until(lambda: len(logs(shop, status="refused").logs) == 5)
    entries = logs(shop).logs
    assert [entry.status for entry in entries] == ["refused"] * 5 + ["completed"]
    by_prompt = {entry.prompt: entry for entry in entries[2:]}
    wide = by_prompt["wide"]
    assert wide.error is not None
    assert (wide.error.field, wide.session_id, wide.type) == ("width", "s", "generate")
    assert (by_prompt["x"].model, by_prompt["b"].type) == ("gone:model", "generate")
    assert entries[1].type == "download"
    assert entries[1].model == "none:such"
    detail = LogDetail.model_validate(shop.client.get(f"/api/settings/logs/{wide.id}").json())
    assert detail.request == {"width": -5, "reference_images": [f"({len(picture)} characters)"], "steps": 3}
    assert detail.images == []
    page = logs(shop, limit=4)
    assert page.next_cursor is not None
    rest = logs(shop, limit=4, cursor=page.next_cursor).logs
    assert [entry.id for entry in page.logs + rest] == [entry.id for entry in entries]
    assert shop.client.delete(f"/api/settings/logs/{wide.id}").status_code == 200
    assert shop.client.get(f"/api/settings/logs/{wide.id}").status_code == 404
    assert shop.client.delete("/api/settings/logs", params={"status": "refused"}).json() == {"removed": 4}
    assert [entry.id for entry in logs(shop).logs] == [first]


def test_refusals_are_bounded_and_strangers_leave_none(locked: Any, shop: Any) -> None:
    assert locked.client.post("/api/jobs", json={"prompt": "", "width": -1}).status_code == 401
    known = {"x-api-key": "first-key"}
    assert locked.client.get("/api/settings/logs", headers=known).json()["logs"] == []
    for number in range(8):
        shop.client.post("/api/jobs", json={"prompt": f"number {number}", "width": -1})
    shop.client.post("/api/settings", json={"log_limit": 3})
    until(lambda: len(logs(shop).logs) == 3)
    assert [entry.prompt for entry in logs(shop).logs] == ["number 7", "number 6", "number 5"]


def test_a_refusal_is_small_and_tells_no_secret(shop: Any) -> None:
    before = shop.client.get("/api/settings/logs", params={"status": "refused"}).json()["logs"]
    address = "https://files.example/kite.safetensors?X-Signature=canary-in-query"
    secrets = {
        "api_key": "canary-of-a-key", "webhook": {"Authorization": "Bearer canary-of-a-header", "to": "me"},
        "loras": [{"id": address, "weight": 0.5}], "reference_images": [f"see {address}#canary and more"],
    }  # fmt: skip
    assert shop.client.post("/api/jobs", json={"prompt": "s", "width": -1, **secrets}).status_code == 422
    endless = {f"name {number}": ["x" * 1999] * 16 for number in range(60)}
    assert shop.client.post("/api/jobs", json={"prompt": "many", "width": -1, **endless}).status_code == 422
    deep = {"parameters": {f"p{a}": {f"q{b}": ["y" * 1999] * 16 for b in range(32)} for a in range(2)}}
    long = {"prompt": "deep", "width": -1, "model": "m" * 100_000, **deep}
    assert shop.client.post("/api/jobs", json=long).status_code == 422
    until(lambda: len(logs(shop, status="refused").logs) == len(before) + 3)
    told = {
        entry.prompt: shop.client.get(f"/api/settings/logs/{entry.id}")
        for entry in logs(shop, status="refused").logs[:3]
    }
    assert all(len(answer.content) < 40_000 for answer in told.values())
    asked = told["s"].json()["request"]
    assert "canary" not in told["s"].text
    assert (asked["webhook"]["to"], asked["loras"][0]["weight"]) == ("me", 0.5)
    assert asked["loras"][0]["id"].startswith("https://files.example/kite.safetensors")
    assert asked["reference_images"][0].endswith("and more")
    assert told["many"].json()["error"]["field"] == "width"
    shop.stop()
    written = [path.read_bytes() for path in shop.home.rglob("*") if path.is_file()]
    assert not [data for data in written if b"canary" in data or b"xxxxxxxx" in data]
    shop.start()


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
