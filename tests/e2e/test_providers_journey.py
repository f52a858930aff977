"""A new user and five providers: keys by the command line, every operation, a server that is killed, one result of each.

The server and the commands are real processes; the providers are their stand-ins, which count what was bought.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from standins import (
    FalStandin,
    HiggsfieldStandin,
    KreaStandin,
    OpenAIStandin,
    ReplicateStandin,
    Script,
    Standin,
)
from standins.media import picture

STANDINS: Mapping[str, type[Standin]] = {
    "replicate": ReplicateStandin, "fal": FalStandin, "krea": KreaStandin, "higgsfield": HiggsfieldStandin,
    "openai": OpenAIStandin,
}  # fmt: skip
OPENAI_MODELS = {"Qwen/Qwen-Image": "image", "Qwen/Qwen-Image-Edit": "edit", "Wan-AI/Wan2.2-T2V": "video"}
WISHES: tuple[tuple[str, str], ...] = (
    ("generate", "replicate:black-forest-labs/flux-schnell"),
    ("edit", "replicate:qwen/qwen-image-edit-plus"),
    ("video", "replicate:wan-video/wan-2.2-t2v-fast"),
    ("upscale", "replicate:nightmareai/real-esrgan"),
    ("generate", "fal:fal-ai/flux/schnell"),
    ("edit", "fal:fal-ai/qwen-image-edit-plus"),
    ("video", "fal:fal-ai/wan/v2.2-a14b/text-to-video"),
    ("upscale", "fal:fal-ai/esrgan"),
    ("generate", "krea:image/bfl/flux-1-dev"),
    ("edit", "krea:image/google/nano-banana"),
    ("video", "krea:video/kling/kling-2.5"),
    ("upscale", "krea:enhance/topaz/standard-enhance"),
    ("generate", "higgsfield:higgsfield-ai/soul/standard"),
    ("edit", "higgsfield:higgsfield-ai/popcorn/auto"),
    ("video", "higgsfield:higgsfield-ai/dop/turbo"),
    ("generate", "openai:Qwen/Qwen-Image"),
    ("edit", "openai:Qwen/Qwen-Image-Edit"),
    ("video", "openai:Wan-AI/Wan2.2-T2V"),
)
OWN_PRICE = {"amount": 0.02, "currency": "USD", "per": "job"}
"""What the user says that the server without published prices costs."""
AT_ONCE = ("openai:Qwen/Qwen-Image", "openai:Qwen/Qwen-Image-Edit")
"""Models that answer the request itself: nothing of theirs waits when the server dies."""


class Desk:
    """The user's machine: one home, a server that may die, and commands."""

    def __init__(self, home: Path, providers: Mapping[str, Standin]) -> None:
        self.home, self.providers = home, providers
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        tables = {}
        for name, provider in providers.items():
            hosts = {f"{host}_url": provider.url(host) for host in provider.ports}
            tables[name] = {**hosts, "poll_seconds": 0.2, "retry_seconds": 0.05, "concurrency": 8}
        tables["openai"] |= {"needs_key": True, "models": OPENAI_MODELS}
        config = home / "config" / "config.toml"
        config.parent.mkdir(parents=True)
        (config.parent / "prices.toml").write_text(tomli_w.dumps({"openai": OWN_PRICE}))
        config.write_text(
            tomli_w.dumps({"keyring": False, "plugins_allow": list(providers), "backends": tables})
        )

    def environ(self) -> dict[str, str]:
        keys = ("DIORAMA_", "REPLICATE_", "FAL_", "KREA_", "HF_", "OPENAI_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(keys)}
        return kept | {"DIORAMA_HOME": str(self.home)}

    def serve(self) -> None:
        """Start the server."""
        command = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
        self.process = subprocess.Popen(command, env=self.environ(), stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if found := re.search(r"http://\S+", line):
                self.url = found[0].rstrip("/")
                return
        raise AssertionError("the server did not start")

    def kill(self) -> None:
        """End the server without a word."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)

    def start(self, *words: str, stdin: str | None = None) -> subprocess.Popen[str]:
        """Start a command that talks to the server."""
        process = subprocess.Popen(
            [sys.executable, "-m", "diorama", *words, "--server", self.url, "--json"],
            env=self.environ(), cwd=self.home, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        if stdin is not None:
            assert process.stdin is not None
            process.stdin.write(stdin)
            process.stdin.close()
            process.stdin = None
        return process

    def run(self, *words: str) -> Any:
        """Run a command to its good end and return what it tells."""
        return json.loads(self.tell(*words))

    def tell(self, *words: str, stdin: str | None = None) -> str:
        """Run a command to its good end and return what it printed."""
        process = self.start(*words, stdin=stdin)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, (words, out, err)
        return out


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        providers = {name: stack.enter_context(kind()) for name, kind in STANDINS.items()}
        made = Desk(tmp_path / "home", providers)
        for number, colour in enumerate(("one", "two")):
            (made.home / f"{colour}.png").write_bytes(picture(512, 448 + 64 * number).content)
        yield made
        if made.process is not None and made.process.poll() is None:
            made.process.terminate()
            made.process.wait(30)


def command_of(operation: str, model: str) -> list[str]:
    """The command of one wish."""
    prompt = "a red kite over the sea"
    match operation:
        case "generate":
            return ["generate", prompt, "-m", model]
        case "edit":
            return ["edit", "one.png", prompt, "--reference", "two.png", "-m", model]
        case "video":
            picture_first = ["--image", "one.png"] if "dop" in model else []
            return ["video", prompt, *picture_first, "-m", model]
        case _:
            return ["upscale", "one.png", "-m", model]


def known(provider: Standin) -> int:
    """How many jobs were bought and have been asked for: their engine remembers them."""
    return sum(job.requests["poll"] > 0 for job in list(provider.jobs.values()))


def test_from_a_key_to_results_across_a_killed_server(desk: Desk) -> None:
    desk.serve()
    wanted = {model for _, model in WISHES}
    before = {row["id"]: row["availability"]["state"] for row in desk.run("models")}
    assert {model: before.get(model) for model in wanted} == dict.fromkeys(wanted, "needs_key")
    for name, provider in desk.providers.items():
        told = desk.tell("keys", "set", name, stdin=f"{provider.key}\n")
        assert provider.key not in told
    after: dict[str, str] = {}
    for _ in range(20):  # a new key has the lists asked for again, in the background
        after = {row["id"]: row["availability"]["state"] for row in desk.run("models", "--ready")}
        if wanted <= after.keys():
            break
        time.sleep(0.5)
    assert {model: after.get(model) for model in wanted} == dict.fromkeys(wanted, "ready")

    buy_everything(desk)
    bought = {name: set(provider.jobs) for name, provider in desk.providers.items()}
    desk.kill()
    for provider in desk.providers.values():
        provider.default = Script(0, 0)
        for job in list(provider.jobs.values()):
            job.release()

    desk.serve()
    jobs = all_over(desk)
    assert Counter((job["kind"], job["model"]) for job in jobs) == Counter(WISHES)
    assert {(job["model"], job["status"]) for job in jobs} == {(model, "completed") for model in wanted}
    assert {name: set(provider.jobs) for name, provider in desk.providers.items()} == bought
    edits_had_two_pictures(desk)
    results_are_there_once(desk, jobs)
    costs_are_told(desk, jobs)


def buy_everything(desk: Desk) -> None:
    """Send every wish by a command of its own, and wait until the provider has it and the engine knows."""
    for provider in desk.providers.values():
        provider.default = Script(0, 0)
    for wish in WISHES:
        if wish[1] in AT_ONCE:
            desk.run(*command_of(*wish))
    for provider in desk.providers.values():
        provider.default = Script(hold="running", queued=0)
    waiting = [desk.start(*command_of(*wish)) for wish in WISHES if wish[1] not in AT_ONCE]
    count = Counter(model.partition(":")[0] for _, model in WISHES if model not in AT_ONCE)
    try:
        for name, provider in desk.providers.items():
            provider.wait_until(
                lambda provider=provider, name=name: known(provider) >= count[name],  # type: ignore[misc]
                f"the jobs at {name}", 60,
            )  # fmt: skip
    finally:
        for process in waiting:
            process.kill()
            _, err = process.communicate()
            assert "Traceback" not in err, err


def all_over(desk: Desk) -> list[dict[str, Any]]:
    """Wait until no job is unfinished; return all."""
    deadline = time.monotonic() + 60
    while desk.run("jobs", "list", "--active"):
        assert time.monotonic() < deadline, desk.run("jobs", "list", "--active")
        time.sleep(0.2)
    return list(desk.run("jobs", "list", "--limit", "100"))


def edits_had_two_pictures(desk: Desk) -> None:
    """Both pictures of an edit have reached the provider."""
    for name, model in (wish[1].split(":", 1) for wish in WISHES if wish[0] == "edit"):
        given = [job.arguments for job in desk.providers[name].jobs.values() if job.model == model]
        assert [arguments.get("inputs") or addresses(arguments) for arguments in given] == [2], (name, given)


def addresses(value: Any) -> int:
    """Count the files in the arguments of a job."""
    if isinstance(value, Mapping):
        return sum(map(addresses, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(addresses, value))
    return isinstance(value, str) and value.startswith(("http", "data:"))


def results_are_there_once(desk: Desk, jobs: list[dict[str, Any]]) -> None:
    """Each job has one asset, each asset one file, and nothing else lies there."""
    assets = desk.run("assets", "list", "--limit", "100")
    made = Counter(asset["job_id"] for asset in assets)
    assert made == Counter(job["job_id"] for job in jobs)
    folder = desk.home / "data" / "assets"
    files = [path for path in folder.rglob("*") if path.is_file() and ".thumb." not in path.name]
    assert len(files) == len(jobs)
    kinds = {asset["job_id"]: asset["kind"] for asset in assets}
    assert all((kinds[job["job_id"]] == "video") == (job["kind"] == "video") for job in jobs)


def costs_are_told(desk: Desk, jobs: list[dict[str, Any]]) -> None:
    """Each job has its cost, by the provider's word or by the price of the catalog or of the user, and the books agree."""
    costs = {job["model"]: job["cost"]["amount"] for job in jobs}
    assert all(costs.values()), costs
    assert costs["replicate:black-forest-labs/flux-schnell"] == pytest.approx(0.003)
    assert costs["higgsfield:higgsfield-ai/soul/standard"] == pytest.approx(0.094)
    assert costs["openai:Wan-AI/Wan2.2-T2V"] == pytest.approx(0.02)
    booked = {line["key"]: line["amount"] for line in desk.run("costs", "--by", "model")["costs"]}
    assert booked == pytest.approx(costs)
