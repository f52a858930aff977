"""Connections that are kept from one download to the next."""

import threading
from contextlib import suppress

import pytest
from core.access.loopback import make_door
from diorama.access import lines as lines_module
from diorama.contract import BackendError, InvalidRequest, JobCancelled
from diorama.workers.cancel import CancelFlag


def test_a_connection_is_kept_for_the_next_file_of_its_host_and_no_other(settings, server, tmp_path, lines):
    asked = []

    def resolver(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    names = ["one.example", "two.example"]
    door = make_door(settings, allow_hosts=names, resolver=resolver, lines=lines)
    for name in ("one", "one", "two", "one"):
        door.fetch(f"http://{name}.example:{server.port}/picture", work_dir=tmp_path)
    assert asked == names
    assert len(server.connections) == 2
    assert [seen[1]["host"].partition(".")[0] for seen in server.seen] == ["one", "one", "two", "one"]


def test_a_kept_connection_opens_no_door_that_is_shut(settings, server, tmp_path, lines):
    """The line of a backend whose user configured the host serves no other backend."""
    make_door(settings, url=server.url, lines=lines).fetch(server.url + "/picture", work_dir=tmp_path)
    with pytest.raises(InvalidRequest):
        make_door(settings, lines=lines).fetch(server.url + "/picture", work_dir=tmp_path)
    assert len(server.seen) == 1


def test_a_kept_connection_remembers_nobodys_cookies(settings, server, tmp_path, lines):
    """The next file may be another backend's, which never signed in there."""
    door = make_door(settings, url=server.url, lines=lines)
    for path in ("/cookie", "/cookie", "/picture"):
        door.fetch(server.url + path, work_dir=tmp_path)
    assert len(server.connections) == 1
    assert [headers.get("cookie") for _, headers in server.seen] == [None, None, None]


def test_a_kept_connection_that_was_closed_costs_nobody_a_file(settings, server, tmp_path, lines):
    door = make_door(settings, url=server.url, lines=lines)
    for _ in range(3):
        assert door.fetch(server.url + "/once", work_dir=tmp_path).size == 4
    assert len(server.connections) == 3


@pytest.mark.parametrize("path", ["/short", "/status/500", "/to"])
def test_a_connection_whose_transfer_went_wrong_is_not_mixed_up(settings, server, tmp_path, lines, path):
    door = make_door(settings, url=server.url, lines=lines)
    door.fetch(server.url + "/picture", work_dir=tmp_path)
    with suppress(BackendError):
        door.fetch(server.url + path, work_dir=tmp_path)
    fetched = door.fetch(server.url + "/picture", work_dir=tmp_path)
    assert fetched.path.read_bytes() == b"pixels" * 1000


def test_a_cancel_breaks_a_kept_connection_and_not_that_of_another_job(settings, server, tmp_path, lines):
    door, flag = make_door(settings, url=server.url, lines=lines), CancelFlag()
    door.fetch(
        server.url + "/picture", work_dir=tmp_path, cancel=flag
    )  # done: the flag has no hold on it any more
    threading.Thread(target=lambda: (server.began.wait(20), flag.cancel()), daemon=True).start()
    with pytest.raises(JobCancelled):
        door.fetch(server.url + "/silent", work_dir=tmp_path, timeout=25.0, cancel=flag)
    assert len(server.connections) == 1
    again = CancelFlag()
    door.fetch(server.url + "/picture", work_dir=tmp_path, cancel=again)
    again.cancel()
    assert door.fetch(server.url + "/picture", work_dir=tmp_path).size == 6000
    assert len(server.connections) == 2


def test_idle_connections_are_few_and_do_not_grow_old(settings, server, tmp_path, lines, monkeypatch):
    door = make_door(settings, url=server.url, lines=lines)
    monkeypatch.setattr(lines_module, "MOST_IDLE", 0)
    door.fetch(server.url + "/picture", work_dir=tmp_path)
    monkeypatch.undo()
    door.fetch(server.url + "/picture", work_dir=tmp_path)
    assert len(server.connections) == 2
    monkeypatch.setattr(lines_module, "IDLE_SECONDS", 0.0)
    door.fetch(server.url + "/picture", work_dir=tmp_path)
    assert len(server.connections) == 3
