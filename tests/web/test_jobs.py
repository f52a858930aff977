"""The ledger over HTTP: submitting, following, cancelling, batches."""

from __future__ import annotations

import io
import signal
import time
from typing import Any

from PIL import Image


def test_a_job_is_accepted_and_reaches_its_end(server: Any) -> None:
    answer = server.client.post(
        "/api/jobs", json={"prompt": "a red ball", "session_id": "s-1", "batch_id": "b-1"}
    )
    assert answer.status_code == 202
    assert {"job_id", "status", "message"} == answer.json().keys()
    job = server.finished(answer.json()["job_id"])
    assert (job["status"], job["progress"], job["session_id"], job["batch_id"]) == (
        "completed",
        100.0,
        "s-1",
        "b-1",
    )
    images = server.client.get(f"/api/jobs/{job['job_id']}/images").json()["images"]
    assert images == job["images"]
    file = server.client.get(f"/api/jobs/{job['job_id']}/images/0")
    assert Image.open(io.BytesIO(file.content)).format == "PNG"
    beyond = server.client.get(f"/api/jobs/{job['job_id']}/images/9")
    assert (beyond.status_code, beyond.json()["error"]["field"]) == (404, "index")
    status = server.client.get(f"/api/jobs/{job['job_id']}/status").json()
    assert (status["status"], status["progress"]) == ("completed", 100.0)


def test_lists_filter_and_page(server: Any) -> None:
    ids = [server.submit(session_id="paged") for _ in range(5)]
    for job_id in ids:
        server.finished(job_id)
    seen, cursor = [], None
    while True:
        query = {"session_id": "paged", "limit": 2, **({"cursor": cursor} if cursor else {})}
        page = server.client.get("/api/jobs", params=query).json()
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ids[::-1]
    assert (
        server.client.get("/api/jobs", params={"session_id": "paged", "active_only": True}).json()["jobs"]
        == []
    )
    assert (
        server.client.get("/api/jobs", params={"session_id": "paged", "status": "failed"}).json()["jobs"]
        == []
    )
    assert server.client.get("/api/jobs", params={"status": "sleeping"}).status_code == 422


def test_cancel_then_forget(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 30})
    assert server.client.delete(f"/api/jobs/{job_id}").status_code == 200
    job = server.finished(job_id)
    assert (job["status"], job["images"]) == ("cancelled", [])
    assert server.client.delete(f"/api/jobs/{job_id}").status_code == 200
    assert server.client.get(f"/api/jobs/{job_id}").status_code == 404


def test_retry_makes_the_same_picture_again(server: Any) -> None:
    first = server.finished(server.submit(width=64, height=64))
    answer = server.client.post(f"/api/jobs/{first['job_id']}/retry")
    assert answer.status_code == 202
    second = server.finished(answer.json()["job_id"])
    assert second["retry_of"] == first["job_id"]
    assert second["images"][0]["seed"] == first["images"][0]["seed"]


def test_an_idempotency_key_gives_the_first_job(server: Any) -> None:
    body = {"prompt": "once"}
    headers = {"Idempotency-Key": "order-66"}
    first, second = (server.client.post("/api/jobs", json=body, headers=headers).json() for _ in range(2))
    assert first["job_id"] == second["job_id"]
    named = server.client.post("/api/jobs", json={**body, "idempotency_key": "order-66"}).json()
    assert named["job_id"] == first["job_id"]


def test_a_batch_is_accepted_whole(server: Any) -> None:
    answer = server.client.post(
        "/api/jobs/batch", json={"jobs": [{"prompt": f"ball {n}"} for n in range(20)]}
    )
    assert answer.status_code == 202, answer.text
    plain = answer.json()
    assert plain["count"] == len(plain["jobs"]) == 20
    for accepted in plain["jobs"]:
        assert server.finished(accepted["job_id"])["batch_id"] == plain["batch_id"]


def test_a_batch_with_one_bad_job_is_refused_whole(server: Any) -> None:
    before = server.stored()
    jobs = [{"prompt": "good"}, {"prompt": "bad", "model": "fake:nothing"}]
    answer = server.client.post("/api/jobs/batch", json={"jobs": jobs})
    assert answer.status_code == 404
    wrong = server.client.post(
        "/api/jobs/batch", json={"jobs": [{"prompt": "good"}, {"prompt": "bad", "width": 0}]}
    )
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "jobs.1.width")
    assert server.stored() == before


def test_pause_hold_release_resume(server: Any) -> None:
    assert server.client.post("/api/queue/pause").json()["paused"] is True
    try:
        first, second = server.submit(), server.submit()
        assert server.client.get(f"/api/jobs/{second}/status").json()["queue_position"] == 2
        assert server.client.post(f"/api/jobs/{second}/move", json={"before": first}).status_code == 200
        assert server.client.get(f"/api/jobs/{second}/status").json()["queue_position"] == 1
        assert server.client.post(f"/api/jobs/{first}/hold").status_code == 200
        waiting = {job["job_id"] for job in server.client.get("/api/queue/jobs").json()["jobs"]}
        assert {first, second} <= waiting
    finally:
        assert server.client.post("/api/queue/resume").json()["paused"] is False
    server.finished(second)
    assert server.client.get(f"/api/jobs/{first}").json()["status"] == "queued"
    server.client.post(f"/api/jobs/{first}/release")
    assert server.finished(first)["status"] == "completed"


def test_a_killed_server_loses_no_accepted_job(new_server: Any) -> None:
    server = new_server()
    ids = [server.submit(parameters={"delay": 0.4}) for _ in range(6)]
    server.stop(signal.SIGKILL)
    server.start()
    for job_id in ids:
        assert server.finished(job_id)["status"] == "completed"
        assert len(server.client.get("/api/assets", params={"job_id": job_id}).json()["assets"]) == 1


def test_a_second_server_on_the_same_data_refuses_with_a_sentence(new_server: Any) -> None:
    import subprocess
    import sys

    server = new_server()
    server.client.get("/api/queue")
    code = (
        "from diorama.settings import load_settings; from diorama_web.server import serve\n"
        "from diorama.contract import Conflict\n"
        "try: serve(load_settings())\n"
        "except Conflict as error: print(error.message)"
    )
    second = subprocess.run(
        [sys.executable, "-c", code], env=server.environ, capture_output=True, text=True, timeout=60
    )
    assert "is in use by process" in second.stdout, second.stderr


def test_stop_ends_open_streams_and_leaves_waiting_jobs_in_the_queue(new_server: Any) -> None:
    server = new_server()
    job_id = server.submit(parameters={"delay": 20})
    with server.client.stream("GET", f"/api/jobs/{job_id}/events") as stream:
        next(stream.iter_lines())
        started = time.monotonic()
        assert server.stop() in (0, -signal.SIGTERM)  # uvicorn passes the signal on after a clean end
        assert time.monotonic() - started < 30
    server.start()
    assert server.client.get(f"/api/jobs/{job_id}").json()["status"] in ("queued", "generating")
    server.client.delete(f"/api/jobs/{job_id}")
