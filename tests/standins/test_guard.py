"""The loopback guard stops what leaves the machine and lets loopback through."""

# ruff: noqa: PT012, SIM117 - a broken rule shows when the stand-in is left

from __future__ import annotations

import socket
import threading

import pytest

from standins.guard import OutsideConnection, is_loopback, loopback_guard


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
