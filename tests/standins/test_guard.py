"""The loopback guard stops what leaves the machine and lets loopback through."""

# ruff: noqa: PT012, SIM117 - a broken rule shows when the stand-in is left

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from standins.guard import OutsideConnection, is_loopback, loopback_guard
from standins.keys import files_with_keys
from standins.server import CANARY


def test_loopback_passes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, loopback_guard() as attempts:
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client:
            client.sendall(b"x")
            taken, _ = server.accept()
            with taken:
                assert taken.recv(1) == b"x"
    assert attempts == []


def test_an_outside_address_fails_even_when_the_error_is_swallowed() -> None:
    with (
        pytest.raises(AssertionError, match=r"203\.0\.113\.7"),
        loopback_guard(),
        pytest.raises(OutsideConnection),
    ):
        socket.create_connection(("203.0.113.7", 80), timeout=1)


def test_a_name_lookup_from_a_thread_fails() -> None:
    caught: list[BaseException] = []

    def look_up() -> None:
        try:
            socket.getaddrinfo("provider.example", 443)
        except OSError as error:
            caught.append(error)

    with pytest.raises(AssertionError, match=r"provider\.example"), loopback_guard():
        thread = threading.Thread(target=look_up)
        thread.start()
        thread.join()
    assert isinstance(caught[0], OutsideConnection)


def test_datagrams_are_guarded() -> None:
    with pytest.raises(AssertionError), loopback_guard():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(OutsideConnection):
            sender.sendto(b"x", ("198.51.100.1", 53))


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.9.0.1", True), ("::1", True), (None, True), ("10.0.0.1", False), ("localhost.evil", False)],
)
def test_is_loopback(host: str | None, local: bool) -> None:
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("host", "stopped"), [("provider.example", True), ("127.0.0.1", False), ("127.1", False)]
)
def test_programs_that_tests_start_are_guarded_too(tmp_path: Path, host: str, stopped: bool) -> None:
    """As for a server in a process of its own: it hears that there is no way, and what it wanted is written down."""
    record = tmp_path / "left"
    code = f"import socket; socket.getaddrinfo({host!r}, 80)"
    environ = {**os.environ, "LOOPBACK_RECORD": str(record)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode != 0, record.exists()) == (stopped, stopped), done.stderr
    if stopped:
        assert "test_programs_that_tests_start" in record.read_text()
        assert host in record.read_text()


def test_the_guard_is_up_for_every_test_without_asking_for_it(
    stays_on_loopback: tuple[list[str], Path],
) -> None:
    with pytest.raises(OutsideConnection):
        socket.getaddrinfo("provider.example", 443)
    attempts, _ = stays_on_loopback
    assert attempts == ["socket.getaddrinfo 'provider.example'"]
    attempts.clear()  # else this test would fail for it


def test_keys_are_found_wherever_they_were_written_but_where_they_belong(tmp_path: Path) -> None:
    for name in ("secrets.toml", "log/server.log", "diorama.sqlite"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"x {CANARY} y")
    found = files_with_keys(tmp_path)
    for name in ("secrets.toml", "log/server.log", "diorama.sqlite"):
        (tmp_path / name).unlink()
    assert [Path(path).name for path in sorted(found)] == ["diorama.sqlite", "server.log"]
