"""Providers through the API: keys go in, take effect at once, and are found nowhere afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

GOOD = "canary-good-8f1d2c3b4a59"
WRONG = "canary-wrong-77aa66bb55cc"
EXPORTED = "canary-exported-0011223344"
BACKENDS = """
[backends.acme]
plugin = "diorama.testing.fake:create"
needs_key = true
leaky = true
remote = true
price = 0.02
"""


class Service(ThreadingHTTPServer):
    """A provider that knows one key, and repeats the others in its refusal as some do."""

    daemon_threads = True
    calls = 0


class Door(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Service)
        self.server.calls += 1
        said = self.headers.get("Authorization", "").removeprefix("Bearer ")
        good = said == GOOD
        body = b"account of a tester" if good else f"invalid key {said}".encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


def address(service: Service) -> str:
    return f"http://127.0.0.1:{service.server_address[1]}"


@pytest.fixture
def world(new_server: Callable[..., Any]) -> Any:
    return new_server("api_keys = []\n" + BACKENDS)


def provider(server: Any, **body: Any) -> dict[str, Any]:
    answer = server.client.put("/api/providers/acme", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def state(server: Any) -> str:
    """Availability of acme's model, once its list is there."""
    for _ in range(100):
        models = server.client.get("/api/models", params={"backend": "acme", "q": "acme:image"}).json()[
            "models"
        ]
        if models:
            return str(models[0]["availability"]["state"])
    return "not listed"


def until(server: Any, wanted: str) -> None:
    import time

    for _ in range(100):
        if (found := state(server)) == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{found}, not {wanted}")


def test_a_key_makes_models_ready_without_a_restart(world: Any, service: Service) -> None:
    listed = {item["id"]: item for item in world.client.get("/api/providers").json()["providers"]}
    assert set(listed) == {"acme"}, "fake reads no key and has no address"
    assert listed["acme"]["secrets"][0]["variables"] == ["ACME_API_KEY"]
    assert state(world) == "needs_key"
    refused = world.client.post("/api/jobs", json={"prompt": "x", "model": "acme:image"})
    assert refused.status_code == 409
    assert "diorama keys set acme" in refused.json()["error"]["fix"]

    shown = provider(world, api_key=GOOD)
    assert shown["secrets"][0] | {"ending": ""} == {
        "name": "api_key", "set": True, "source": "file", "variables": ["ACME_API_KEY"], "ending": "",
    }  # fmt: skip
    until(world, "ready")
    assert world.client.get("/api/providers/acme").json()["ready"] == 4
    assert world.finished(world.submit(model="acme:image"))["status"] == "completed"

    provider(world, api_key=None)
    until(world, "needs_key")


def test_the_test_is_a_real_call_and_401_is_a_failure(world: Any, service: Service) -> None:
    test = "/api/providers/acme/test"
    assert world.client.post(test).json()["ok"] is False
    provider(world, api_url=address(service), api_key=WRONG)
    answer = world.client.post(test).json()
    assert (answer["ok"], answer["error"]["code"]) == (False, "backend_not_ready")
    assert WRONG not in str(answer)
    assert "[redacted]" in answer["message"]
    provider(world, api_key=GOOD)
    answer = world.client.post(test).json()
    assert (answer["ok"], answer["message"]) == (True, "The key works: account of a tester")
    assert service.calls == 2
    provider(world, api_url="http://127.0.0.1:9/none", api_key=GOOD)
    answer = world.client.post(test).json()
    assert (answer["ok"], answer["error"]["code"]) == (False, "backend_error")


def test_a_key_does_not_follow_to_another_server(world: Any, service: Service, new_server: Any) -> None:
    """Else whoever may change the address could read the key there."""
    provider(world, api_url="http://127.0.0.1:9", api_key=GOOD)
    refused = world.client.put("/api/providers/acme", json={"api_url": address(service)})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "api_key")
    assert world.client.get("/api/providers/acme").json()["api_url"] == "http://127.0.0.1:9"
    assert provider(world, api_url="http://127.0.0.1:9/v2")["api_url"] == "http://127.0.0.1:9/v2", (
        "the same server"
    )
    provider(world, is_enabled=False)
    refused = world.client.put("/api/providers/acme", json={"api_url": address(service), "is_enabled": True})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "api_url"), "nor by a detour"
    exporting = new_server("api_keys = []\n" + BACKENDS, ACME_API_KEY=EXPORTED)
    refused = exporting.client.put("/api/providers/acme", json={"api_url": address(service), "api_key": GOOD})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "api_url")
    assert service.calls == 0


def test_address_and_switch_are_kept_over_a_restart(world: Any, service: Service) -> None:
    changed = provider(world, api_url=address(service) + "/", is_enabled=False)
    assert (changed["api_url"], changed["api_url_changed"], changed["is_enabled"]) == (
        address(service),
        True,
        False,
    )
    assert world.client.get("/api/models", params={"backend": "acme"}).json()["models"] == []
    refused = world.client.post("/api/jobs", json={"prompt": "x", "model": "acme:image"})
    assert refused.status_code == 409
    assert "switched off" in refused.json()["error"]["message"]
    world.stop()
    config = (world.home / "config" / "config.toml").read_text()
    assert "api_url" not in config, "the user's own file is not written"
    world.start()
    kept = world.client.get("/api/providers/acme").json()
    assert (kept["api_url"], kept["is_enabled"]) == (address(service), False)
    assert provider(world, is_enabled=True)["is_enabled"] is True
    until(world, "needs_key")
    world.client.delete("/api/providers/acme")
    gone = world.client.get("/api/providers/acme").json()
    assert (gone["api_url"], gone["api_url_changed"], gone["is_enabled"]) == (None, False, True)
    assert gone["secrets"][0]["set"] is False


def test_discover_asks_now(world: Any) -> None:
    provider(world, api_key=GOOD)
    found = world.client.post("/api/providers/acme/discover").json()
    assert (found["models"], found["ready"], found["error"]) == (4, 4, None)
    assert found["fetched_at"] is not None


BAD: tuple[tuple[dict[str, Any], str], ...] = (
    ({"api_url": "ftp://example.com"}, "api_url"),
    ({"api_url": "http://"}, "api_url"),
    ({"api_url": "http://user:pass@example.com"}, "api_url"),
    ({"api_url": "http://a b"}, "api_url"),
    ({"api_url": "http://[::1"}, "api_url"),
    ({"api_key": ""}, "api_key"),
    ({"api_key": "two\nlines"}, "api_key"),
    ({"secrets": {"password": "x"}}, "password"),
    ({"is_enabled": "perhaps"}, "is_enabled"),
    ({"apikey": "x"}, "apikey"),
)


def test_bad_values_name_their_field_and_change_nothing(world: Any) -> None:
    for body, field in BAD:
        answer = world.client.put("/api/providers/acme", json=body)
        assert answer.status_code == 422, (body, answer.text)
        assert answer.json()["error"]["field"].endswith(field), body
    assert not (world.home / "config" / "providers.toml").exists()
    assert not (world.home / "config" / "secrets.toml").exists()
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/discover")):
        answer = world.client.request(
            method, f"/api/providers/nobody{path}", json={} if method == "PUT" else None
        )
        assert answer.status_code == 404, (method, path, answer.text)


def test_a_variable_that_decides_is_not_overruled_in_silence(new_server: Any) -> None:
    server = new_server("api_keys = []\n" + BACKENDS, DIORAMA_BACKENDS__ACME__API_URL="http://127.0.0.1:9")
    assert server.client.get("/api/providers/acme").json()["api_url"] == "http://127.0.0.1:9"
    answer = server.client.put("/api/providers/acme", json={"api_url": "http://127.0.0.1:8"})
    assert answer.status_code == 422
    assert "DIORAMA_BACKENDS__ACME__API_URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("way", "canary"), [("api", GOOD), ("variable", EXPORTED)])
def test_no_key_is_found_in_anything_that_was_written(
    new_server: Any, service: Service, way: str, canary: str
) -> None:
    """The backend says its key in logs, progress, facts and errors; a provider repeats it in a refusal."""
    exported = {"ACME_API_KEY": EXPORTED} if way == "variable" else {}
    table = BACKENDS + f'api_url = "{address(service)}"\n'
    server = new_server("api_keys = []\n" + table, **exported)
    told: list[str] = []
    server.client.event_hooks["response"] = [
        lambda answer: told.append(answer.read().decode("utf-8", "replace"))
    ]
    if way == "api":
        provider(server, api_key=canary)
    server.client.post("/api/providers/acme/test")
    until(server, "ready")
    done = server.finished(server.submit(model="acme:image", parameters={"delay": 0.2}))
    failed = server.finished(server.submit(model="acme:image", parameters={"trouble": "error"}))
    assert (done["status"], failed["status"]) == ("completed", "failed")
    assert "[redacted]" in failed["error"]["message"], "the backend did say it"
    asset = server.client.get(f"/api/assets/{done['images'][0]['id']}").json()
    assert "[redacted]" in str(asset), "the recipe has the facts without the key"
    for job in (done, failed):
        with server.client.stream("GET", f"/api/jobs/{job['job_id']}/events") as events:
            told.append(events.read().decode())
    for path in (
        "providers",
        "models/detailed",
        "jobs",
        "plugins",
        "settings/system",
        "settings/logs",
        f"settings/logs/{failed['job_id']}",
        "costs",
    ):
        assert server.client.get(f"/api/{path}").status_code == 200
    server.stop()
    assert "sending with key [redacted]" in server.log.read_text(), "the backend did log it"
    assert not any(canary in text for text in told)
    written = [path for path in server.home.rglob("*") if path.is_file()]
    holding = {path.name for path in written if canary.encode() in path.read_bytes()}
    assert holding == ({"secrets.toml"} if way == "api" else set())
    assert {path.suffix for path in written} >= {".sqlite", ".png", ".log"}
    _check_mode(server.home / "config" / "secrets.toml")


def _check_mode(file: Path) -> None:
    if file.exists():
        assert file.stat().st_mode & 0o777 == 0o600
