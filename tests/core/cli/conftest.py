"""Real commands in real processes, each test with a home of its own and the fake backend."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Variables of a fresh user."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DIORAMA_")}
    return kept | {
        "DIORAMA_HOME": str(tmp_path / "home"),
        "DIORAMA_BACKENDS__FAKE__PLUGIN": "diorama.testing.fake:create",
        "DIORAMA_PLUGINS_ALLOW": "none",
        "DIORAMA_DEFAULT_MODEL": "fake:image",
        "DIORAMA_KEYRING": "0",
        "DIORAMA_OFFLINE": "1",
    }


@pytest.fixture
def diorama(environ: dict[str, str], tmp_path: Path) -> Run:
    """Run a command in an empty folder and return what it did."""
    folder = tmp_path / "cwd"
    folder.mkdir()

    def run(*arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "diorama", *arguments]
        return subprocess.run(
            command,
            cwd=folder,
            env=environ | changes,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def server(environ: dict[str, str]) -> Iterator[str]:
    """A server on a free port; its address."""
    command = [sys.executable, "-m", "diorama", "serve", "--port", "0"]
    process = subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(r"http://127\.0\.0\.1:\d+", line):
            yield found[0]
            break
    else:
        raise AssertionError("the server did not say where it serves")
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) in (0, -signal.SIGTERM)
