"""What all stand-ins share: faults on the wire, counting, going down, the course of a job."""

# ruff: noqa: PT012 - a broken rule shows when the stand-in is left

from __future__ import annotations

import time

import httpx
import pytest

from standins import KreaStandin, Script
from standins.schema import complaints, table


@pytest.fixture
def auth(krea_server: KreaStandin) -> dict[str, str]:
    return {"Authorization": f"Bearer {krea_server.key}"}


def test_faults_come_in_order_and_pass(krea_server: KreaStandin, auth: dict[str, str]) -> None:
    krea_server.fault("jobs", status=429, retry_after=7)
    krea_server.fault("jobs", status=503, body="<html>nginx</html>", times=2)
    krea_server.fault("jobs", status=200, body='{"items": [')
    answers = [httpx.get(krea_server.url(path="/jobs"), headers=auth) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [429, 503, 503, 200, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[1].headers["content-type"].startswith("text/html")
    with pytest.raises(ValueError, match="Expecting"):
        answers[3].json()
    assert answers[4].json()["items"] == []
    assert krea_server.counts["jobs"] == 5


def test_a_slow_answer_and_a_broken_one(krea_server: KreaStandin, auth: dict[str, str]) -> None:
    krea_server.fault("jobs", status=None, delay=1.0)
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(krea_server.url(path="/jobs"), headers=auth, timeout=0.2)
    krea_server.fault("jobs", disconnect=True)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(krea_server.url(path="/jobs"), headers=auth)


def test_an_unknown_route_name_is_refused(krea_server: KreaStandin) -> None:
    with pytest.raises(ValueError, match="no route"):
        krea_server.fault("pol")


def test_unknown_paths_and_a_missing_key_are_violations() -> None:
    with (
        pytest.raises(AssertionError, match=r"nobody answers GET .*/v2/jobs.*'missing'"),
        KreaStandin() as server,
    ):
        httpx.get(server.url(path="/v2/jobs"))
        assert httpx.get(server.url(path="/jobs")).status_code == 401


def test_down_means_no_connection(auth: dict[str, str], krea_server: KreaStandin) -> None:
    krea_server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(krea_server.url(path="/jobs"), headers=auth)


def test_a_job_by_time(krea_server: KreaStandin, auth: dict[str, str]) -> None:
    krea_server.next(Script(seconds=0.3))
    born = time.monotonic()
    job_id = httpx.post(
        krea_server.url(path="/generate/video/kling/kling-2.5"), json={"prompt": "x"}, headers=auth
    ).json()["job_id"]
    while httpx.get(krea_server.url(path=f"/jobs/{job_id}"), headers=auth).json()["status"] != "completed":
        assert time.monotonic() < born + 20
    assert time.monotonic() >= born + 0.3


def test_input_tables() -> None:
    schema = table(
        "prompt* str; n int(1..4)=1; images uri[](1..2); size enum(1K,2K)=2K; length ienum(5,10)=5"
    )
    assert complaints(schema, {"prompt": "x", "n": 4, "images": ["a"], "size": "1K", "length": 10}) == []
    bad = {"n": 5, "images": [], "size": "3K", "length": "5", "other": 1}
    assert len(complaints(schema, bad)) == 7
    with pytest.raises(ValueError, match="not a field"):
        table("prompt")
