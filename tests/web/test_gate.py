"""Host, origin, kind and size of requests: what the gate lets through."""

from __future__ import annotations

import socket
from typing import Any

import pytest


def raw(server: Any, head: str, body: bytes = b"", shutdown: bool = True) -> tuple[int, bytes]:
    """Send bytes as they are and return the status and the whole answer."""
    with socket.create_connection(
        (server.client.base_url.host, server.client.base_url.port), timeout=20
    ) as wire:
        try:
            wire.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
            if shutdown:
                wire.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it was refused before all was sent
        answer = b""
        while True:
            try:
                piece = wire.recv(65536)
            except ConnectionResetError:
                break
            if not piece:
                break
            answer += piece
    return (int(answer.split(b" ", 2)[1]) if answer else 0), answer


GOOD_HOSTS = ["127.0.0.1", "127.0.0.1:8031", "localhost", "LOCALHOST:1", "[::1]", "[::1]:8031"]
BAD_HOSTS = [
    "evil.test", "127.0.0.1.evil.test", "localhost.evil.test", "x/?", "x#", "127.0.0.1/?", "127.0.0.1#x", "127.0.0.1@evil.test",
    "user@127.0.0.1", "", " ", "127.0.0.1:99999", "127.0.0.1:0", "127.0.0.1:x", "127.0.0.1:", "[::1", "::1", "0.0.0.0", "127.1",
    "2130706433", "localhost.", "127.0.0.1,evil.test", "[::ffff:127.0.0.1]", "169.254.169.254",
]  # fmt: skip
PATHS = ["/", "/api/health", "/api/models", "/api/jobs", "/docs", "/openapi.json", "/page/app.js", "/nowhere"]


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_hosts_of_this_machine_pass(server: Any, host: str) -> None:
    assert raw(server, f"GET /api/health HTTP/1.1\nHost: {host}\nConnection: close")[0] == 200


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_other_hosts_do_not(server: Any, host: str) -> None:
    for path in PATHS:
        status, answer = raw(server, f"GET {path} HTTP/1.1\nHost: {host}\nConnection: close")
        assert status in (400, 403), (host, path, answer[:200])


def test_no_host_and_two_hosts_are_refused(server: Any) -> None:
    assert raw(server, "GET /api/health HTTP/1.1\nConnection: close")[0] in (400, 403)
    assert raw(server, "GET /api/health HTTP/1.1\nHost: 127.0.0.1\nHost: 127.0.0.1\nConnection: close")[
        0
    ] in (400, 403)


def test_configured_names_pass(new_server: Any) -> None:
    server = new_server('allowed_hosts = ["studio.test"]\nallowed_origins = ["http://friend.test"]')
    assert server.client.get("/api/health", headers={"Host": "studio.test"}).status_code == 200
    assert server.client.get("/api/health", headers={"Host": "other.test"}).status_code == 403
    friend = server.client.post("/api/plan", json={"prompt": "x"}, headers={"Origin": "http://friend.test"})
    assert friend.status_code == 200
    assert friend.headers["access-control-allow-origin"] == "http://friend.test"


HOST = "127.0.0.1:8031"
SAME = f"http://{HOST}"
ORIGINS: list[tuple[dict[str, str], bool]] = [
    ({}, True),  # a program, not a browser
    ({"Origin": SAME}, True),
    ({"Origin": SAME, "Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),
    ({"Sec-Fetch-Site": "CROSS-SITE"}, False),
    ({"Sec-Fetch-Site": "rubbish"}, False),
    ({"Sec-Fetch-Site": ""}, False),
    ({"Origin": SAME, "Sec-Fetch-Site": "cross-site"}, False),
    ({"Origin": "http://evil.test"}, False),
    ({"Origin": "http://evil.test", "Sec-Fetch-Site": "same-origin"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "https://127.0.0.1"}, False),  # another port by its scheme
    ({"Origin": "http://127.0.0.1:3000"}, False),
    ({"Origin": "http://localhost:8031"}, False),  # another name
    ({"Origin": "http://127.0.0.1:8031.evil.test"}, False),
    ({"Origin": "http://127.0.0.1:8031@evil.test"}, False),
    ({"Origin": f"{SAME}/path"}, False),
    ({"Origin": f"{SAME}?x"}, False),
    ({"Origin": "ftp://127.0.0.1:8031"}, False),
    ({"Origin": "http://[::1"}, False),
    ({"Origin": "http://"}, False),
    ({"Origin": "file://"}, False),
    ({"Origin": "chrome-extension://abc"}, False),
    ({"Origin": "\xff\xfe"}, False),
]


@pytest.mark.parametrize(("headers", "passes"), ORIGINS)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
def test_cross_site_requests_change_nothing(
    server: Any, method: str, headers: dict[str, str], passes: bool
) -> None:
    lines = "".join(f"\n{name}: {value}" for name, value in headers.items())
    status, answer = raw(
        server, f"{method} /api/sessions/none HTTP/1.1\nHost: {HOST}{lines}\nConnection: close"
    )
    assert (status != 403) is passes, answer[:300]
    assert status < 500, answer[:300]
    assert b"access-control-allow" not in answer.lower()


def test_two_origins_are_none_of_ours(server: Any) -> None:
    head = f"POST /api/queue/resume HTTP/1.1\nHost: {HOST}\nOrigin: {SAME}\nOrigin: {SAME}\nConnection: close"
    assert raw(server, head)[0] == 403


@pytest.mark.parametrize("key", ["Authorization: Bearer first-key", "X-API-Key: first-key"])
def test_a_key_does_not_open_the_gate(locked: Any, key: str) -> None:
    head = (
        f"POST /api/queue/resume HTTP/1.1\nHost: {HOST}\nOrigin: http://evil.test\n{key}\nConnection: close"
    )
    assert raw(locked, head)[0] == 403


def test_a_link_from_elsewhere_opens_the_page_and_nothing_else_reads_it(server: Any) -> None:
    arrived = server.client.get("/", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert arrived.status_code == 200
    for path in ("/api/models", "/api/events", "/api/jobs"):
        foreign = server.client.get(path, headers={"Origin": "http://evil.test"})
        assert foreign.status_code == 403
        assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "", "text/html", "image/png"]
)
def test_bodies_that_a_simple_form_can_send_are_refused(server: Any, kind: str) -> None:
    answer = server.client.post("/api/jobs", content=b'{"prompt": "x"}', headers={"Content-Type": kind})
    assert answer.status_code == 415, answer.text
    assert "Content-Type: application/json" in answer.json()["error"]["fix"]


def test_a_body_too_large_is_refused_before_it_is_read(server: Any) -> None:
    head = (
        f"POST /api/jobs HTTP/1.1\nHost: {HOST}\nContent-Type: application/json\nContent-Length: 5000000000"
    )
    status, answer = raw(server, head, shutdown=False)
    assert (status, b"too_large" in answer) == (413, True)


def test_an_endless_body_is_cut_off(server: Any) -> None:
    before = server.stored()
    pieces = b"".join(b"10000\r\n" + b"x" * 0x10000 + b"\r\n" for _ in range(160))
    head = (
        f"POST /api/jobs HTTP/1.1\nHost: {HOST}\nContent-Type: application/json\nTransfer-Encoding: chunked"
    )
    status, answer = raw(server, head, pieces + b"0\r\n\r\n")
    assert status == 413, answer[:300]
    assert server.stored() == before


def test_a_form_of_ten_thousand_parts_is_refused(server: Any) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n'
    answer = server.client.post(
        "/api/edit",
        content=part * 10_000 + b"--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code in (400, 413, 422), answer.text
    assert answer.json()["error"]["message"]


def test_a_lying_length_does_no_harm(server: Any) -> None:
    head = f"POST /api/jobs HTTP/1.1\nHost: {HOST}\nContent-Type: application/json\nContent-Length: 500"
    assert raw(server, head, b'{"prompt": "x"}')[0] in (0, 400)
    both = f"POST /api/jobs HTTP/1.1\nHost: {HOST}\nContent-Type: application/json\nContent-Length: -5"
    assert raw(server, both, b'{"prompt": "x"}')[0] in (400, 413)
    assert server.client.get("/api/health").status_code == 200


def test_every_answer_carries_the_security_headers(server: Any) -> None:
    for path in ("/", "/api/health", "/api/models", "/nowhere", "/api/jobs/none", "/docs", "/page/app.js"):
        headers = server.client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "server" not in headers


@pytest.mark.parametrize("length", ["\xb2", "1" * 5000, "+5", "0x10", "1_0", " 5 5", ""])
def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    """Servers refuse these themselves; the gate does not rely on it."""
    from pathlib import Path

    from diorama.settings import Settings
    from diorama_web.security.middleware import Gate, Refusal

    settings = Settings(config_dir=Path("c"), data_dir=Path("d"), cache_dir=Path("e"))
    headers = {"host": "127.0.0.1", "content-type": "application/json", "content-length": length}
    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()],
    }

    async def app(*_: Any) -> None:
        raise AssertionError("it must not get here")

    with pytest.raises(Refusal):
        Gate(app, settings)._check(scope)
