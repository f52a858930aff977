"""Keys of providers in a real server with the vendors' clients: not in the database, files, logs, answers or streams."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from web.served import Server

from standins import FalStandin, KreaStandin, OpenAIStandin, ReplicateStandin, Script, Standin
from standins.server import CANARY

KINDS: dict[str, tuple[type[Standin], str, str]] = {
    "replicate": (ReplicateStandin, "REPLICATE_API_TOKEN", "black-forest-labs/flux-schnell"),
    "fal": (FalStandin, "FAL_KEY", "fal-ai/flux/schnell"),
    "krea": (KreaStandin, "KREA_API_KEY", "image/bfl/flux-1-dev"),
    "openai": (OpenAIStandin, "", "Wan-AI/Wan2.2-T2V"),
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start a server whose backend talks to a stand-in."""
    made: list[Server] = []

    def begin(name: str, provider: Standin, environ: dict[str, str]) -> Server:
        table: dict[str, Any] = {"poll_seconds": 0.05, "retry_seconds": 0.05, "api_url": provider.url()}
        table |= {"needs_key": True} if name == "openai" else {}
        table |= {
            f"{host}_url": provider.url(host) for host in provider.ports if host not in ("api", "media")
        }
        hosts = [f"127.0.0.1:{port}" for port in provider.ports.values()]
        lines = [f"{key} = {json.dumps(value)}" for key, value in {**table, "allow_hosts": hosts}.items()]
        config = f"[backends.{name}]\n" + "\n".join(lines) + "\n"
        home = tmp_path / "home"
        (home / "config").mkdir(parents=True)
        base = f'plugins_allow = ["{name}"]\nkeyring = false\n[server]\nport = 0\n'
        (home / "config" / "config.toml").write_text(base + config)
        made.append(Server(home, environ=environ))
        return made[-1]

    yield begin
    for server in made:
        server.stop()


@pytest.mark.parametrize(
    ("name", "way"), [("replicate", "variable"), ("fal", "file"), ("krea", "variable"), ("openai", "file")]
)
def test_no_key_is_written_or_told(start: Callable[..., Server], name: str, way: str) -> None:
    """A good run, a failed one, a refused one and a throttled one, each told by a provider that repeats the key."""
    kind, variable, model = KINDS[name]
    with kind() as provider:
        said = f"the request with {provider.key} and Authorization: {provider.scheme} {provider.key} failed"
        provider.next(Script(), Script(outcome="failed", error=said))
        server = start(name, provider, {variable: provider.key} if way == "variable" else {})
        told: list[str] = []
        server.client.event_hooks["response"] = [lambda answer: told.append(answer.read().decode())]
        if way == "file":
            server.client.put(f"/api/providers/{name}", json={"api_key": provider.key}).raise_for_status()
        assert server.client.post(f"/api/providers/{name}/test").json()["ok"]
        server.client.post(f"/api/providers/{name}/discover").raise_for_status()
        jobs = [run(server, f"{name}:{model}") for _ in range(2)]
        provider.fault("submit", status=422, detail=said)
        jobs.append(run(server, f"{name}:{model}"))
        provider.fault("submit", status=401, detail=said)
        jobs.append(run(server, f"{name}:{model}"))
        assert [job["status"] for job in jobs] == ["completed", "failed", "failed", "failed"]
        assert all("failed" in job["error"]["message"] for job in jobs[1:]), "the provider did say it"
        for job in jobs:
            with server.client.stream("GET", f"/api/jobs/{job['job_id']}/events") as events:
                told.append(events.read().decode())
            server.client.get(f"/api/settings/logs/{job['job_id']}").raise_for_status()
        for path in (
            "providers",
            "models",
            "jobs",
            "assets",
            "plugins",
            "costs",
            "settings/logs",
            "settings/system",
        ):
            server.client.get(f"/api/{path}").raise_for_status()
        server.stop()
        told += [shell(server, "doctor"), shell(server, "keys")]
        look_for(provider.key, server, told, way)


def run(server: Server, model: str) -> dict[str, Any]:
    """Submit one job with another prompt and wait for its end."""
    kind = "video" if "Wan" in model else "generate"
    return server.finished(server.submit(kind=kind, model=model, prompt="a kite"))


def shell(server: Server, *command: str) -> str:
    """Run a command over the same home; return all that it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "diorama", *command], env=server.environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


def look_for(key: str, server: Server, told: list[str], way: str) -> None:
    """Look for a key, and for a part of it, in everything that was told or lies on disk."""
    written = [path for path in server.home.rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".sqlite", ".log"}
    for part in (key, CANARY):
        assert not [text for text in told if part in text]
        holding = {path.name for path in written if part.encode() in path.read_bytes()}
        assert holding == ({"secrets.toml"} if way == "file" else set()), part
