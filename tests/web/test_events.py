"""Progress as it happens: server-sent events with resuming, and the WebSocket."""

from __future__ import annotations

import json
from typing import Any

import pytest
from web.served import read_events
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect


def follow(server: Any, job_id: str, last_id: int | None = None) -> Any:
    headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
    return server.client.stream("GET", f"/api/jobs/{job_id}/events", headers=headers)


def test_a_job_is_told_from_first_to_last(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 0.8})
    with follow(server, job_id) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = list(read_events(stream))
    names = [name for _, name, _ in events]
    assert names[0] == names[-1] == "status"
    assert {"progress", "preview"} <= set(names)
    assert events[-1][2]["status"] == "completed"
    assert events[-1][2]["images"][0]["url"].startswith("/api/assets/")
    assert all(data["job_id"] == job_id for _, _, data in events)
    ids = [number for number, _, _ in events]
    assert ids == sorted(set(ids))
    told = [data["progress"] for _, name, data in events if name in ("status", "progress")]
    assert told == sorted(told), "progress never goes back"


def percent(events: list[tuple[str, Any]]) -> list[float]:
    return [data["progress"] for name, data in events if name in ("status", "progress")]


def test_progress_never_falls_for_one_who_joins_at_any_moment(server: Any) -> None:
    for _ in range(12):
        job_id = server.submit(parameters={"delay": 0.1})
        with follow(server, job_id) as stream:
            told = percent([(name, data) for _, name, data in read_events(stream)])
        assert told == sorted(told)
        assert told[-1] == 100


def test_progress_never_falls_for_one_who_reconnects_again_and_again(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 1.5})
    told: list[float] = []
    ids: list[int] = []
    while True:
        with follow(server, job_id, ids[-1] if ids else None) as stream:
            if stream.status_code == 204:
                break
            few = [event for event, _ in zip(read_events(stream), range(2), strict=False)]
        ids += [number for number, _, _ in few]
        told += percent([(name, data) for _, name, data in few])
    assert ids == sorted(set(ids))
    assert told == sorted(told)
    assert told[-1] == 100


def test_progress_never_falls_over_the_websocket(server: Any) -> None:
    for _ in range(8):
        job_id = server.submit(parameters={"delay": 0.1})
        with connect(f"{server.url.replace('http', 'ws')}/ws/{job_id}") as socket:
            messages = [json.loads(message) for message in socket]
        told = percent([(message["type"], message["data"]) for message in messages])
        assert told == sorted(told)
        assert told[-1] == 100
        ids = [message["id"] for message in messages]
        assert ids == sorted(set(ids))


def test_a_reconnecting_listener_gets_what_it_missed(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 1.5})
    with follow(server, job_id) as stream:
        first = [event for event, _ in zip(read_events(stream), range(3), strict=False)]
    server.finished(job_id)
    with follow(server, job_id) as stream:
        whole = list(read_events(stream))
    with follow(server, job_id, first[-1][0]) as stream:
        rest = list(read_events(stream))
    assert rest, "something happened after the third event"
    assert rest[0][0] > first[-1][0]
    assert rest[-1][2]["status"] == "completed"
    assert whole[-1][0] == rest[-1][0]
    with follow(server, job_id, rest[-1][0]) as stream:
        assert stream.status_code == 204, "a browser stops reconnecting"


@pytest.mark.parametrize("last_id", ["7", "0", "99999999999999999999", "abc", "-1"])
def test_an_id_nobody_knows_starts_with_the_present_state(server: Any, last_id: str) -> None:
    job_id = server.submit()
    server.finished(job_id)
    with server.client.stream(
        "GET", f"/api/jobs/{job_id}/events", headers={"Last-Event-ID": last_id}
    ) as stream:
        events = list(read_events(stream))
    assert [(name, data["status"]) for _, name, data in events] == [("status", "completed")]


def test_after_a_restart_the_stream_goes_on(new_server: Any) -> None:
    server = new_server()
    job_id = server.submit(parameters={"delay": 3})
    with follow(server, job_id) as stream:
        last = next(read_events(stream))[0]
    server.stop()
    server.start()
    with follow(server, job_id, last) as stream:
        events = list(read_events(stream))
    assert events[0][1] == "status"
    assert events[-1][2]["status"] == "completed"


def test_all_jobs_in_one_stream(server: Any) -> None:
    with server.client.stream("GET", "/api/events") as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": following"
        wanted = {server.submit(parameters={"delay": 0.2}) for _ in range(2)}
        ended: set[str] = set()
        name = ""
        for line in lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            if field == "data" and name == "status":
                data = json.loads(value)
                if data["status"] == "completed":
                    ended.add(data["job_id"])
            if wanted <= ended:
                break


def test_a_failed_and_a_cancelled_job_end_their_streams(server: Any) -> None:
    failed = server.submit(parameters={"trouble": "error", "delay": 0.2})
    with follow(server, failed) as stream:
        last = list(read_events(stream))[-1][2]
    assert (last["status"], last["error"]["code"]) == ("failed", "backend_error")
    cancelled = server.submit(parameters={"delay": 30})
    with follow(server, cancelled) as stream:
        events = read_events(stream)
        next(events)
        server.client.delete(f"/api/jobs/{cancelled}")
        assert list(events)[-1][2]["status"] == "cancelled"


def test_the_websocket_tells_the_same(server: Any) -> None:
    job_id = server.submit(parameters={"delay": 0.5})
    with connect(f"{server.url.replace('http', 'ws')}/ws/{job_id}") as socket:
        messages = [json.loads(message) for message in socket]
    assert [messages[0]["type"], messages[-1]["type"]] == ["status", "status"]
    assert messages[-1]["data"]["status"] == "completed"
    assert all(message["job_id"] == job_id for message in messages)
    assert "progress" in {message["type"] for message in messages}


def test_the_websocket_of_a_finished_job_says_so_and_closes(server: Any) -> None:
    job_id = server.submit()
    server.finished(job_id)
    with connect(f"{server.url.replace('http', 'ws')}/ws/{job_id}") as socket:
        assert [json.loads(message)["data"]["status"] for message in socket] == ["completed"]


def test_the_websocket_lets_no_stranger_in(server: Any, locked: Any) -> None:
    job_id = server.submit()
    address = f"{server.url.replace('http', 'ws')}/ws/{job_id}"
    for headers in ({"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, additional_headers=headers)
        assert refused.value.response.status_code == 403
    for path in ("0" * 26, "none", "%2e%2e"):
        with pytest.raises(InvalidStatus):
            connect(f"{server.url.replace('http', 'ws')}/ws/{path}")
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(InvalidStatus) as refused:
            connect(f"{locked.url.replace('http', 'ws')}/ws/{'0' * 26}", additional_headers=headers)
        assert refused.value.response.status_code == 403
